"""What tests use of the harness: hosts by the number, and the marker ``needs``.

@pytest.mark.needs("namespaces")
def test_something(hosts: TakeHosts) -> None:
    head, worker = hosts(2)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.hosts import ability
from tests.hosts.host import Host
from tests.hosts.hosts import Hosts, together
from tests.hosts.machine import Machine

TakeHosts = Callable[[int], list[Host]]
TakeMachines = Callable[[int], list[Machine]]

_NOT_RUN = "not run, needs "


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "needs(*abilities): what the test takes (tests/hosts/ability.py); where it is not, it is not run",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    wanted = [ability for marker in item.iter_markers("needs") for ability in marker.args]
    if "hosts" in getattr(item, "fixturenames", ()):
        wanted.insert(0, "ssh")
    if "machines" in getattr(item, "fixturenames", ()):
        wanted[:0] = ["ssh", "namespaces"]
    for each in dict.fromkeys(wanted):
        if reason := ability.why_not(each):
            pytest.skip(f"{_NOT_RUN}{each}: {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every test that this machine could not run, and why."""
    lines = []
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        if _NOT_RUN in reason:
            lines.append(f"not run: {report.nodeid}: {reason.partition(_NOT_RUN)[2]}")
    if lines:
        terminalreporter.section("not run on this machine")
        for line in sorted(lines):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def host_pool() -> Iterator[Hosts]:
    """The hosts of this session; tests take theirs with ``hosts`` or ``machines``."""
    with Hosts.create() as pool:
        yield pool


@pytest.fixture
def hosts(host_pool: Hosts) -> Iterator[TakeHosts]:
    """Take so many hosts for one test: running, empty, reachable; what it did to them is undone after it."""
    taken: list[Host] = []

    def take(count: int) -> list[Host]:
        lacking = len(taken) + count - len(host_pool.hosts)
        if lacking > 0:
            host_pool.up(lacking)
        mine = host_pool.hosts[len(taken) : len(taken) + count]
        taken.extend(mine)
        return mine

    yield take
    together(lambda host: host.reset(), taken)


@pytest.fixture
def machines(hosts: TakeHosts) -> TakeMachines:
    """Like ``hosts``, for tests that crash, freeze or cut off theirs, which takes namespaces."""

    def take(count: int) -> list[Machine]:
        return [host for host in hosts(count) if isinstance(host, Machine)]

    return take
