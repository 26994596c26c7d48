"""A process that is not mistaken for a later one with the same number."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process by number and start (clock ticks since this machine's boot)."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process with this number; ``None`` when there is none, or only its exit code is left."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @classmethod
    def parse(cls, text: str) -> Process:
        """Read what ``str`` wrote."""
        pid, started = text.split()
        return cls(int(pid), int(started))

    @classmethod
    def noted(cls, path: Path) -> Process | None:
        """The process written down at ``path``; ``None`` without such a file, or such a process."""
        try:
            process = cls.parse(path.read_text())
        except FileNotFoundError:
            return None
        return process if process.alive else None

    def __str__(self) -> str:
        return f"{self.pid} {self.started}"

    @property
    def alive(self) -> bool:
        return Process.of(self.pid) == self

    @property
    def argv(self) -> tuple[str, ...]:
        """Its argument list; empty when it is gone."""
        try:
            raw = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return ()
        return tuple(raw.rstrip(b"\0").decode(errors="replace").split("\0"))

    def send(self, number: int = signal.SIGKILL) -> None:
        """Send a signal; gone already is success."""
        with self._descriptor() as descriptor:
            if descriptor is not None:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, number)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for its end; returns whether it came within ``timeout_s``."""
        with self._descriptor() as descriptor:
            if descriptor is None:
                return True
            ended = select.poll()
            ended.register(descriptor, select.POLLIN)
            return bool(ended.poll(None if timeout_s is None else timeout_s * 1000))

    @contextlib.contextmanager
    def _descriptor(self) -> Iterator[int | None]:
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            yield descriptor if self.alive else None
        finally:
            os.close(descriptor)


def running() -> Iterator[int]:
    """The number of every process that this process can see."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name)
