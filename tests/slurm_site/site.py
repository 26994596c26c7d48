"""A Slurm cluster as others run it: a login host with its controller, two nodes, one home for all of them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from catalog.offer import Offer
from executors.slurm import clusters, offers, owned_offers
from tests.hosts.command import run
from tests.hosts.hosts import Hosts
from tests.hosts.machine import Machine

HERE = Path(__file__).parent
USER = "dev"
_READY_S = 30.0
_MUNGED = (
    *("munged", "--force", "--key-file=/etc/munge/munge.key", "--socket=/run/munge.socket"),
    *("--pid-file=/run/munged.pid", "--log-file=/var/log/munged.log", "--seed-file=/run/munge.seed"),
)


@dataclass(frozen=True)
class Site:
    """The hosts: ``login`` runs slurmctld, ``nodes`` run slurmd; ``home`` is the user's on all of them."""

    login: Machine
    nodes: tuple[Machine, ...]
    home: Path

    @classmethod
    def build(cls, hosts: Hosts) -> Site:
        """Make three hosts and start Slurm on them; returns when both nodes are idle."""
        login, *nodes = made = [host for host in hosts.up(3) if isinstance(host, Machine)]
        home = hosts.folder / "shared-home"
        _share_home(made, home)
        key = secrets.token_bytes(128)
        for host in made:
            _configure(host, key)
            host.run(_MUNGED)
        login.run(["slurmctld"])
        for number, node in enumerate(nodes, start=1):
            for kind in ("c", "g"):
                node.run(["slurmd", "-N", f"{kind}{number}"])
        site = cls(login, tuple(nodes), home)
        site.wait_for_nodes()
        return site

    def slurm(self, *argv: str) -> str:
        """Run a command of Slurm on the login host as its administrator; returns what it printed."""
        return self.login.run(["sh", "-c", 'cd / && exec "$@"', "sh", *argv]).stdout

    def name_it(self, fields: Mapping[str, object], name: str = "site") -> Path:
        """Write the user's file that names this site, with ``fields`` beside its address."""
        host = {"ip": self.login.ip, "user": USER, "identity_file": str(self.login.identity_file)}
        file = clusters.path()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump({name: {"host": host, **fields}}))
        return file

    def offer(self, partition: str, instance_type: str) -> Offer:
        """Return that share of a node as an offer; a site too busy to answer in time is asked again."""
        deadline = time.monotonic() + _READY_S
        while True:
            for each in owned_offers():
                if (each.offer.key.zone, each.offer.key.instance_type) == (partition, instance_type):
                    return each.offer
            assert time.monotonic() < deadline, f"{partition} does not give {instance_type}"
            offers.shares.forget()  # what was heard, or was not, is kept for a while

    def alive(self, address: str, pid: int) -> bool:
        """Return whether the process runs on the host of that address."""
        host = next(node for node in self.nodes if node.ip == address)
        return host.run(["kill", "-0", str(pid)], check=False).returncode == 0

    def wait_for_nodes(self) -> None:
        """Wait until every node is idle."""
        deadline = time.monotonic() + _READY_S
        while (states := self.slurm("sinfo", "-h", "-N", "-p", "cpu,gpu", "-o", "%t").split()) != [
            "idle"
        ] * 4:
            assert time.monotonic() < deadline, f"the nodes are {states}"
            time.sleep(0.1)

    def end_jobs(self) -> None:
        """Cancel every job that is left, and wait until the nodes are free again."""
        self.slurm("scancel", "--user", USER)
        self.wait_for_nodes()


def _share_home(hosts: list[Machine], home: Path) -> None:
    """Give every host the same folder as the user's home, as a file server would."""
    run("cp", "-a", str(hosts[0].home(USER)), str(home))
    for host in hosts:
        host.kill()
        run("mount", "--bind", str(home), str(host.home(USER)))
        host.boot()


def _configure(host: Machine, key: bytes) -> None:
    etc = host.root / "etc"
    munge_key = etc / "munge" / "munge.key"
    munge_key.touch(mode=0o600)
    munge_key.write_bytes(key)
    slurm = etc / "slurm"
    slurm.mkdir(exist_ok=True)
    for source in HERE.glob("*.conf"):
        (slurm / source.name).write_text(source.read_text())
    host.run(["sh", "-c", "mkdir -p /var/spool/slurm && mknod /dev/gpu0 c 1 3 && mknod /dev/gpu1 c 1 3"])
