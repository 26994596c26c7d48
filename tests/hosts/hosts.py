"""The hosts of one run: made together, reached with one key, and gone together."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from tests.hosts import ability
from tests.hosts.account import Account
from tests.hosts.command import HostError, launch, run
from tests.hosts.disk import wipe
from tests.hosts.host import Host
from tests.hosts.machine import Machine
from tests.hosts.network import MAX_HOSTS, Bridge, Wire
from tests.hosts.process import Process
from tests.hosts.record import Record, locked, place, runs

DISK_MIB = 1024
_AT_ONCE = 16


class Hosts:
    """A run as a context manager: ``with Hosts.create() as hosts: a, b = hosts.up(2)``.

    All of it stands in ``folder``, so that another process can open it: ``Hosts(folder)``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = Record.read(folder)

    @classmethod
    def create(cls, *, kind: str = "", name: str = "", owned: bool = True, disk_mib: int = DISK_MIB) -> Hosts:
        """Start a run without hosts. One that is ``owned`` by this process ends with it, however it ends.

        ``kind`` is ``machines`` or ``accounts``; by default the best that this machine allows. Raises
        ``HostError`` where it allows none.
        """
        kind = kind or ("accounts" if ability.why_not("namespaces") else "machines")
        if reason := ability.why_not("ssh" if kind == "accounts" else "namespaces"):
            raise HostError(f"no hosts on this machine: {reason}")
        clear_abandoned()
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=place()))
        folder.chmod(0o755)
        record = Record(str(Process.of(os.getpid())), kind, disk_mib)
        record.write(folder)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sky-hosts", "-f", str(folder / "identity"))
        if kind == "machines":
            record = _connect(record, folder)
        if name:
            folder = folder.rename(folder.with_name(name))
        if owned:
            _watch(folder)
        else:
            replace(record, owner="").write(folder)
        return cls(folder)

    def up(self, count: int) -> list[Host]:
        """Make ``count`` more hosts, all at once, and wait until every one can be logged in to."""
        made = self.make(count)
        together(lambda host: host.start(), made)
        together(lambda host: host.wait_ready(), made)
        return made

    def make(self, count: int) -> list[Host]:
        """Make ``count`` more hosts, all at once, that are off; addresses of removed ones are used again."""
        with locked(self.folder / "lock"):
            free = [number for number in range(1, MAX_HOSTS + 1) if not self._folder(number).exists()]
            if count > len(free):
                raise HostError(f"a run has at most {MAX_HOSTS} hosts")
            made = [self._host(number) for number in free[:count]]
            together(lambda host: host.make(), made)
            with (self.folder / "known_hosts").open("a") as known:
                known.writelines(f"{_known_as(host)} {host.host_public_key}\n" for host in made)
        return made

    @property
    def hosts(self) -> list[Host]:
        """Every host of the run, in the order in which they were made."""
        return [self._host(number) for number in range(1, MAX_HOSTS + 1) if self._folder(number).exists()]

    @property
    def bridge(self) -> Bridge | None:
        """The network that the hosts share with this machine; accounts need none."""
        return self._record.bridge

    def down(self) -> None:
        """Take every host away, and the run with them."""
        watchdog = Process.noted(self.folder / "watchdog")
        if watchdog is not None and watchdog.pid != os.getpid():
            watchdog.send()
        together(lambda host: host.remove(), self.hosts)
        if self.bridge is not None and self.bridge.mine():
            self.bridge.remove()
        wipe(self.folder)

    def __enter__(self) -> Hosts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def _host(self, number: int) -> Host:
        folder = self._folder(number)
        if self.bridge is None:
            return Account(folder)
        return Machine(folder, Wire(self.bridge, number), self._record.disk_mib)

    def _folder(self, number: int) -> Path:
        return self.folder / f"h{number}"


def together(action: Callable[[Host], None], hosts: Sequence[Host]) -> None:
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


def _connect(record: Record, folder: Path) -> Record:
    """Give the run a network; which one is written down before it is made, so that it can be cleared away."""
    for bridge in Bridge.candidates():
        connected = replace(record, network=bridge.index, mac=bridge.mac)
        connected.write(folder)
        if bridge.claim():
            return connected
    raise HostError("no free network below 198.18.0.0/15; take other runs down")


def _watch(folder: Path) -> None:
    argv = (sys.executable, "-m", "tests.hosts.watchdog", str(folder))
    starter = ("sh", "-c", 'echo $$; exec "$@" >/dev/null', "sh", *argv)
    watchdog = launch(starter, folder / "watchdog.log", cwd=Path(__file__).parents[2])
    (folder / "watchdog").write_text(str(watchdog))


def _known_as(host: Host) -> str:
    return host.ip if host.port == 22 else f"[{host.ip}]:{host.port}"
