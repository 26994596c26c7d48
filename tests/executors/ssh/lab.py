"""Pools of real hosts for tests: hosts of this machine, a pools file that names them, and a laptop or two."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.offer import Offer
from executors.api import Handle
from executors.ssh import pools
from executors.ssh.offers import offers_of
from executors.transports.address import read_nodes
from sky.control.host_pools import HostState, bring_up
from sky.control.pool_file import FILE, entry
from tests.hosts.fixtures import TakeHosts
from tests.hosts.host import Host


@dataclass
class LabHost:
    """A host, and what a test wants to see or do there."""

    host: Host

    @property
    def home(self) -> Path:
        return self.host.home()

    @property
    def name(self) -> str:
        return self.host.ip

    def run(self, command: str) -> str:
        """Run a shell command as the login user, in its home."""
        script = (
            f"cd {self.host.home().relative_to(self.host.root).as_posix()!r} 2>/dev/null || cd; {command}"
        )
        return self.host.run(["sh", "-c", script], user=self.host.user).stdout

    def alive(self, pid: int) -> bool:
        status = self.host.run(["cat", f"/proc/{pid}/stat"], check=False).stdout
        return bool(status) and status.rpartition(")")[2].split()[0] not in "ZX"

    def left(self) -> list[str]:
        """What lies in the login user's home, without what was there from the beginning."""
        return sorted(path.name for path in self.home.iterdir() if path.name != ".ssh")


@dataclass
class LabPool:
    """A pool that is up."""

    name: str
    rows: list[HostState]

    def offer(self) -> Offer:
        """The first class of equal hosts."""
        pool = pools.load(self.name)
        assert pool is not None
        return offers_of(pool)[0]


class Lab:
    """Hosts, and pools made of them in whichever ``SKY_HOME`` is set."""

    def __init__(self, take: TakeHosts) -> None:
        self._take = take
        self.hosts: list[LabHost] = []

    def take(self, count: int) -> list[LabHost]:
        made = [LabHost(host) for host in self._take(count)]
        self.hosts += made
        return made

    def write(self, hosts: Sequence[LabHost], name: str = "lab", **fields: Any) -> None:
        """Write the pools file of the ``SKY_HOME`` that is set."""
        first = hosts[0].host
        config = {
            "user": first.user,
            "identity_file": str(first.identity_file),
            "hosts": [{"ip": each.host.ip, "port": each.host.port} for each in hosts],
            **fields,
        }
        folder = Path(os.environ["SKY_HOME"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(yaml.safe_dump({name: config}))

    def up(self, count: int = 0, name: str = "lab", **fields: Any) -> LabPool:
        """Bring a pool of so many new hosts up (0: of all that there are)."""
        hosts = self.take(count) if count else self.hosts
        self.write(hosts, name, **fields)
        return LabPool(name, bring_up(entry(name), lambda _host, _key: True))

    def head(self, handle: Handle) -> LabHost:
        node = read_nodes(handle.data)[0]
        return next(each for each in self.hosts if (each.host.ip, each.host.port) == (node.host, node.port))


@pytest.fixture
def lab(hosts: TakeHosts) -> Lab:
    """Hosts of this test alone, to make pools of."""
    return Lab(hosts)
