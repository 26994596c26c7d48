"""Real hosts on this machine for the cases that need some, gone again when they are done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.case import NotHere
from bench.sample import Sample, timed_process
from tests.hosts.command import HostError
from tests.hosts.host import Host
from tests.hosts.hosts import Hosts


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """Make ``count`` hosts that run and are reachable. Raises ``NotHere`` where there can be none."""
    try:
        run = Hosts.create()
    except HostError as error:
        raise NotHere(str(error)) from error
    with run:
        yield run.up(count)


def bare_ssh(host: Host) -> Sample:
    """Time what a person would type to run nothing on a host: one login."""
    return timed_process([*host.ssh_argv(), "true"])[0]
