"""What tests use of the make-believe Compute Engine: one server a session, empty for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clouds.gce.gce import Gce


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
