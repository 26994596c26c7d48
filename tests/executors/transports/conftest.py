"""Nodes that every transport reaches, and ways to look at them without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from executors.api import Transport
from executors.container import machine
from executors.transports import host_keys
from executors.transports.address import Address
from executors.transports.asyncssh_transport import AsyncSshTransport
from executors.transports.host_key import HostKey
from executors.transports.local import LocalTransport
from executors.transports.openssh import OpenSshTransport
from tests.containers.fixtures import Image
from tests.hosts.host import Host
from tests.hosts.machine import Machine

CLIENTS = {"openssh": OpenSshTransport, "asyncssh": AsyncSshTransport}
Connect = Callable[..., Transport]


@dataclass
class Reached:
    """A node, the transport to it, and its home as this machine sees it."""

    transport: Transport
    home: Path

    def runs(self, pid: int) -> bool:
        """Whether the node has a process of that number."""
        return self.transport.run(["test", "-e", f"/proc/{pid}"]).returncode == 0


def address_of(host: Host, user: str = "") -> Address:
    return Address(host.ip, host.port, user or host.user, str(host.identity_file))


def pin(host: Host) -> None:
    kind, key = host.host_public_key.split()
    host_keys.pin(HostKey(host_keys.known_name(address_of(host)), kind, key))


@pytest.fixture
def connections() -> Iterator[Connect]:
    """Make transports to addresses; no connection outlives the test."""
    made: list[OpenSshTransport | AsyncSshTransport] = []

    def connect(address: Address, client: str = "openssh") -> Transport:
        made.append(CLIENTS[client](address))
        return made[-1]

    yield connect
    for transport in made:
        transport.close()
        if isinstance(transport, OpenSshTransport):
            transport.disconnect()


@pytest.fixture(params=["openssh", "asyncssh"])
def client(request: pytest.FixtureRequest) -> str:
    """The name of each client in turn."""
    name: str = request.param
    return name


@pytest.fixture(
    params=[
        "local",
        pytest.param("openssh", marks=pytest.mark.needs("ssh", "rsync")),
        pytest.param("asyncssh", marks=pytest.mark.needs("ssh")),
        pytest.param("container", marks=pytest.mark.needs("docker", "time")),
    ]
)
def reached(request: pytest.FixtureRequest, tmp_path: Path, connections: Connect) -> Reached:
    """One node over each of the transports."""
    if request.param == "local":
        (tmp_path / "node").mkdir()
        return Reached(LocalTransport(tmp_path / "node"), tmp_path / "node")
    if request.param == "container":
        return _in_container(request, connections)
    (host,) = request.getfixturevalue("hosts")(1)
    pin(host)
    return Reached(connections(address_of(host), request.param), host.home())


def _in_container(request: pytest.FixtureRequest, connections: Connect) -> Reached:
    """The container of a machine, the same for all tests, with an empty home."""
    host: Machine = request.getfixturevalue("docker_machine")
    image: Image = request.getfixturevalue("private_image")
    pin(host)
    way = connections(address_of(host))
    assert isinstance(way, OpenSshTransport)
    container = machine.run(way, "c-1", image.name, (), image.login).enter(way)
    container.run(["find", ".", "-mindepth", "1", "-delete"])
    docker = host.root / "var/lib/docker"
    (mount,) = docker.glob("image/vfs/layerdb/mounts/*/mount-id")
    return Reached(container, docker / "vfs/dir" / mount.read_text() / "root")
