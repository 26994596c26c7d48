"""Make-believe clouds for tests: one process for the session, empty for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clouds import cloud_init
from tests.clouds.ec2.cloud import Cloud, running
from tests.hosts import ability
from tests.hosts.hosts import Hosts


@pytest.fixture(scope="session")
def _ec2_server() -> Iterator[Cloud]:
    with running() as cloud:
        yield cloud


@pytest.fixture(scope="session")
def cloud_hosts() -> Iterator[Hosts]:
    """A run of hosts for instances alone; needs what machines and cloud-init need."""
    for why_not in (ability.why_not("ssh"), ability.why_not("namespaces"), cloud_init.why_not()):
        if why_not:
            pytest.skip(f"not run, needs cloud-init: {why_not}")
    with Hosts.create() as hosts:
        yield hosts


@pytest.fixture(scope="session")
def _ec2_server_with_machines(cloud_hosts: Hosts) -> Iterator[Cloud]:
    with running(cloud_hosts) as cloud:
        yield cloud


@pytest.fixture
def ec2(_ec2_server: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """An empty EC2 whose instances have no host; AWS SDKs of this process and its children go there."""
    _ec2_server.reset()
    return _entered(_ec2_server, monkeypatch)


@pytest.fixture(scope="module")
def _ec2_of_module(_ec2_server_with_machines: Cloud) -> Iterator[Cloud]:
    _ec2_server_with_machines.reset()
    yield _ec2_server_with_machines
    _ec2_server_with_machines.reset()


@pytest.fixture
def ec2_machines_of_module(_ec2_of_module: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The one ``ec2_machines`` of a file's tests: what one of them leaves there, the next one finds."""
    return _entered(_ec2_of_module, monkeypatch)


@pytest.fixture
def ec2_machines(_ec2_server_with_machines: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An empty EC2 whose instances are hosts that boot."""
    _ec2_server_with_machines.reset()
    yield _entered(_ec2_server_with_machines, monkeypatch)
    _ec2_server_with_machines.reset()


def _entered(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    return cloud
