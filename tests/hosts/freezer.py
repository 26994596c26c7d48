"""Stopping every process of a host where it stands, as a hung machine does."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.process import Process

_V1 = Path("/sys/fs/cgroup/freezer")
_V2 = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Freezer:
    """The control group ``name``; where none can be made, signals to the processes that ``members`` names."""

    name: str
    members: Callable[[], Sequence[Process]]

    @property
    def entrance(self) -> Path | None:
        """The file that a host's first process writes its number into; ``None`` where signals have to do."""
        group = self._group()
        return group / "cgroup.procs" if group else None

    def make(self) -> None:
        for parent, switch in ((_V1, "freezer.state"), (_V2, "cgroup.freeze")):
            with contextlib.suppress(OSError):
                (parent / self.name).mkdir(exist_ok=True)
                if (parent / self.name / switch).exists():
                    return
                (parent / self.name).rmdir()

    def remove(self) -> None:
        """Take the control group away; its processes are gone by then."""
        group = self._group()
        for _ in range(100):
            if group is None or not group.exists():
                return
            try:
                group.rmdir()
            except OSError:  # the kernel still buries the dead
                time.sleep(0.01)

    def freeze(self) -> None:
        self._turn("FROZEN", "1", signal.SIGSTOP)

    def thaw(self) -> None:
        self._turn("THAWED", "0", signal.SIGCONT)

    def _turn(self, v1: str, v2: str, number: int) -> None:
        group = self._group()
        if group is None:
            for process in self.members():
                process.send(number)
        elif group.parent == _V1:
            (group / "freezer.state").write_text(v1)
            while (group / "freezer.state").read_text().strip() != v1:
                time.sleep(0.001)
        else:
            (group / "cgroup.freeze").write_text(v2)
            while f"frozen {v2}" not in (group / "cgroup.events").read_text():
                time.sleep(0.001)

    def _group(self) -> Path | None:
        return next((parent / self.name for parent in (_V1, _V2) if (parent / self.name).is_dir()), None)
