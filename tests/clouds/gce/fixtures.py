"""What tests use of the make-believe Compute Engine: one server a session, empty for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clouds.gce.gce import Gce
from tests.hosts.hosts import Hosts


@pytest.fixture(scope="session")
def gce_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gce]:
    """The server of this session; tests take it with ``gce``."""
    with Gce(tmp_path_factory.mktemp("gce")) as server:
        yield server


@pytest.fixture
def gce(gce_server: Gce, monkeypatch: pytest.MonkeyPatch) -> Gce:
    """An empty project whose instances exist on paper; the environment leads to it."""
    gce_server.reset()
    return _entered(gce_server, monkeypatch)


@pytest.fixture(scope="session")
def gce_server_on_hosts(tmp_path_factory: pytest.TempPathFactory, cloud_hosts: Hosts) -> Iterator[Gce]:
    """The server of this session whose instances are hosts; tests take it with ``gce_machines``."""
    with Gce(tmp_path_factory.mktemp("gce-hosts"), hosts=cloud_hosts) as server:
        yield server


@pytest.fixture(scope="module")
def _gce_of_module(gce_server_on_hosts: Gce) -> Iterator[Gce]:
    gce_server_on_hosts.reset()
    yield gce_server_on_hosts
    gce_server_on_hosts.reset()


@pytest.fixture
def gce_machines_of_module(_gce_of_module: Gce, monkeypatch: pytest.MonkeyPatch) -> Gce:
    """The one ``gce_machines`` of a file's tests: what one of them leaves there, the next one finds."""
    return _entered(_gce_of_module, monkeypatch)


@pytest.fixture
def gce_machines(gce_server_on_hosts: Gce, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gce]:
    """An empty project whose instances are hosts of this machine, booted with what they were sent."""
    gce_server_on_hosts.reset()
    yield _entered(gce_server_on_hosts, monkeypatch)
    gce_server_on_hosts.reset()


def _entered(server: Gce, monkeypatch: pytest.MonkeyPatch) -> Gce:
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    return server
