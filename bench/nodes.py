"""Nodes that are reached over SSH already, by our transport and by bare OpenSSH, and a project to copy."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.hosts import hosts
from executors.transports import host_keys
from executors.transports.address import Address
from executors.transports.host_key import HostKey
from executors.transports.openssh import OpenSshTransport
from tests.hosts.host import Host

FILES, FOLDERS, SIZE = 3000, 100, 50_000_000


@dataclass(frozen=True, slots=True)
class Node:
    """A host, our transport to it, and a connection of bare OpenSSH to it that is warm as well."""

    host: Host
    transport: OpenSshTransport
    ssh: tuple[str, ...]

    def target(self, name: str) -> str:
        """Where bare rsync copies to."""
        return f"{self.host.user}@{self.host.ip}:{name}"


@contextmanager
def nodes(count: int) -> Iterator[list[Node]]:
    """Make ``count`` hosts and connect to each. Raises ``NotHere`` where there can be none."""
    with hosts(count) as up:
        made = [_reach(host) for host in up]
        try:
            yield made
        finally:
            for node in made:
                node.transport.disconnect()
                subprocess.run([*node.ssh, "-O", "exit"], capture_output=True, check=False)


def _reach(host: Host) -> Node:
    address = Address(host.ip, host.port, host.user, str(host.identity_file))
    kind, key = host.host_public_key.split()
    host_keys.pin(HostKey(host_keys.known_name(address), kind, key))
    transport = OpenSshTransport(address)
    transport.run(["true"])
    control = ("-S", str(host.folder / "bare"))
    subprocess.run(host.ssh_argv("-M", "-N", "-f", "-o", "ControlPersist=60", *control), check=True)
    return Node(host, transport, (*host.ssh_argv(*control),))


def project(folder: Path) -> Path:
    """Write 3,000 files of 50 MB in 100 folders below ``folder``, the same ones every time."""
    draw = random.Random(8)
    for number in range(FILES):
        path = folder / f"package{number % FOLDERS}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draw.randbytes(SIZE // FILES))
    return folder


def bare_rsync(node: Node, source: Path, target: str) -> Sequence[str]:
    """Return what a person would type to copy the same files over a warm connection."""
    return ["rsync", "-a", "-e", " ".join(node.ssh[:-1]), f"{source}/", node.target(target)]
