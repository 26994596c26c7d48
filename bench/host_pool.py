"""A pool of real hosts on this machine for the cases that launch on it, gone again when they are done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import NotHere
from bench.sample import Sample, sky, timed_process
from tests.hosts.command import HostError
from tests.hosts.host import Host
from tests.hosts.hosts import Hosts

POOL = "bench"


@contextmanager
def host_pool(home: Path, count: int) -> Iterator[list[Host]]:
    """Make ``count`` hosts a pool that is up; ``home`` is the user's. Raises ``NotHere`` without hosts."""
    try:
        run = Hosts.create()
    except HostError as error:
        raise NotHere(str(error)) from error
    with run:
        hosts = run.up(count)
        pool = {
            "user": hosts[0].user,
            "identity_file": str(hosts[0].identity_file),
            "hosts": [{"ip": host.ip, "port": host.port} for host in hosts],
        }
        folder = home / ".sky"
        folder.mkdir(exist_ok=True)
        (folder / "ssh_node_pools.yaml").write_text(json.dumps({POOL: pool}), encoding="utf-8")
        sky("ssh", "up", "-y", POOL)
        yield hosts


def bare_ssh(host: Host) -> Sample:
    """Time what a person would type to run nothing on a host: one login."""
    return timed_process([*host.ssh_argv(), "true"])[0]
