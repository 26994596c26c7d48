"""What tests use of the make-believe Compute Engine: one server a session, empty for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
    for name, value in gce_server.env.items():
        monkeypatch.setenv(name, value)
    return gce_server


@pytest.fixture
def gce_on_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gce]:
    """A project whose instances are hosts of this machine, booted with the user-data they were sent."""
    with Hosts.create() as hosts, Gce(tmp_path, hosts=hosts.folder) as server:
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        yield server
