"""What tests use of containers: rented machines that have docker, and a private registry with an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from executors.docker_login import DockerLogin
from tests.containers import dockerd, image, registry
from tests.containers.registry import Registry
from tests.hosts.hosts import Hosts
from tests.hosts.machine import Machine


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a registry that asks for a password."""

    name: str
    registry: Registry

    @property
    def login(self) -> DockerLogin:
        """Who may pull it."""
        return DockerLogin(registry.USER, registry.PASSWORD, self.registry.address)


@pytest.fixture(scope="session")
def _private_image(cloud_hosts: Hosts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    if why_not := registry.why_not():
        pytest.skip(f"not run, needs a registry: {why_not}")
    assert cloud_hosts.bridge is not None
    with registry.running(cloud_hosts.bridge.gateway, tmp_path_factory.mktemp("registry")) as server:
        yield Image(server.push("team/tool", image.layer()), server)


@pytest.fixture(scope="session")
def docker_machine(_private_image: Image, cloud_hosts: Hosts) -> Iterator[Machine]:
    """A host with docker, the same for all tests of the session."""
    (machine,) = cloud_hosts.make(1)
    assert isinstance(machine, Machine)
    with dockerd.on_new_machines(cloud_hosts, [_private_image.registry.address]):
        dockerd.seed(cloud_hosts, machine)
    machine.start()
    machine.wait_ready()
    yield machine
    machine.remove()
    dockerd.clear(machine)


@pytest.fixture
def private_image(_private_image: Image, cloud_hosts: Hosts) -> Iterator[Image]:
    """An image that takes a login; machines that are made during the test have docker, and can pull it."""
    with dockerd.on_new_machines(cloud_hosts, [_private_image.registry.address]):
        yield _private_image
