"""The hosts of one run: made together, reached with one key, and gone together."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from tests.hosts import ability
from tests.hosts.command import HostError, run
from tests.hosts.disk import wipe
from tests.hosts.host import Host
from tests.hosts.machine import Machine
from tests.hosts.network import MAX_HOSTS, Bridge, Wire
from tests.hosts.process import Process
from tests.hosts.record import Record, locked, place, runs

DISK_MIB = 1024
_AT_ONCE = 16
H = TypeVar("H", bound=Host)


class Hosts:
    """A run as a context manager: ``with Hosts.create() as hosts: a, b = hosts.up(2)``.

    All of it stands in ``folder``, so that another process can open it: ``Hosts(folder)``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = Record.read(folder)

    @classmethod
    def create(cls, *, name: str = "", owned: bool = True, disk_mib: int = DISK_MIB) -> Hosts:
        """Start a run without hosts. One that is ``owned`` by this process does not outlive it for long.

        Raises ``HostError`` where this machine cannot have hosts.
        """
        for needed in ("ssh", "namespaces"):
            if reason := ability.why_not(needed):
                raise HostError(f"no hosts on this machine: {reason}")
        clear_abandoned()
        owner = str(Process.of(os.getpid())) if owned else ""
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=place()))
        folder.chmod(0o755)
        if name:
            folder = folder.rename(folder.with_name(name))
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sky-hosts", "-f", str(folder / "identity"))
        record = Record(owner, "machines", disk_mib)
        for bridge in Bridge.candidates():
            replace(record, network=bridge.index, mac=bridge.mac).write(folder)
            if bridge.claim():
                return cls(folder)
        raise HostError("no free network below 198.18.0.0/15; take other runs down")

    def up(self, count: int) -> list[Host]:
        """Make ``count`` more hosts, all at once, and wait until every one can be logged in to."""
        with locked(self.folder / "lock"):
            first = len(self.hosts) + 1
            if first + count - 1 > MAX_HOSTS:
                raise HostError(f"a run has at most {MAX_HOSTS} hosts")
            made = [self._machine(number) for number in range(first, first + count)]
            together(Machine.make, made)
            with (self.folder / "known_hosts").open("a") as known:
                known.writelines(f"{host.ip} {host.host_public_key}\n" for host in made)
        together(Machine.start, made)
        together(Machine.wait_ready, made)
        return list(made)

    @property
    def hosts(self) -> list[Host]:
        """Every host of the run, in the order in which they were made."""
        return [
            self._machine(number)
            for number in range(1, MAX_HOSTS + 1)
            if (self.folder / f"h{number}").exists()
        ]

    @property
    def bridge(self) -> Bridge:
        """The network that the hosts share with this machine."""
        assert self._record.bridge is not None
        return self._record.bridge

    def down(self) -> None:
        """Take every host away, and the run with them."""
        together(lambda host: host.remove(), self.hosts)
        if self.bridge.mine():
            self.bridge.remove()
        wipe(self.folder)

    def __enter__(self) -> Hosts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def _machine(self, number: int) -> Machine:
        wire = Wire(self.bridge, number)
        return Machine(self.folder / f"h{number}", wire, self._record.disk_mib)


def together(action: Callable[[H], None], hosts: Sequence[H]) -> None:
    """Do ``action`` to all ``hosts`` at once; the first error is raised when all are through."""
    if hosts:
        with ThreadPoolExecutor(min(len(hosts), _AT_ONCE)) as threads:
            done = [threads.submit(action, host) for host in hosts]
        for each in done:
            each.result()


def clear_abandoned() -> None:
    """Clear away the runs whose owners are gone."""
    with locked(place() / "clear.lock"):
        for folder in runs():
            with suppress(FileNotFoundError):
                if Record.read(folder).abandoned:
                    Hosts(folder).down()
