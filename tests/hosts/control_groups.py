"""The control groups of a host: a part of this machine's, of which the host sees nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_WANTED = ("cpu", "memory", "freezer")
_BURY_S = 1.0


@dataclass(frozen=True, slots=True)
class ControlGroups:
    """The groups called ``name`` in this machine's hierarchies of version 1; none where it has only v2.

    A host of namespaces cannot have v2: what starts it stays in its group, which may then have none in it.
    """

    name: str

    @property
    def hierarchies(self) -> Sequence[str]:
        """What the host mounts, each by its controllers: ``cpu,cpuacct``."""
        return list(_mounted())

    @property
    def entrances(self) -> Sequence[Path]:
        """The files that a host's first process writes its number into."""
        return [mount / self.name / "cgroup.procs" for mount in _mounted().values()]

    def make(self) -> None:
        """Make the groups; those that are there already are fine."""
        for mount in _mounted().values():
            (mount / self.name).mkdir(exist_ok=True)

    def remove(self) -> None:
        """Take them away with all groups that were made in them; their processes are gone by then."""
        deadline = time.monotonic() + _BURY_S
        for mount in _mounted().values():
            for folder, _, _ in os.walk(mount / self.name, topdown=False):
                while not _removed(Path(folder)) and time.monotonic() < deadline:
                    time.sleep(0.01)  # the kernel still buries the dead


def why_none() -> str:
    """Return why hosts here have no control groups; empty when they have."""
    names = {controller for controllers in _mounted() for controller in controllers.split(",")}
    lacking = sorted({"cpu", "memory"} - names)
    return f"this machine has no control groups (version 1) of {' and '.join(lacking)}" if lacking else ""


def why_none_here() -> str:
    """Return why this process cannot make groups that limit; empty when it can, with either version."""
    if os.getuid():
        return "not root"
    unified = Path("/sys/fs/cgroup/cgroup.controllers")
    if unified.exists() and {"cpu", "memory"} <= set(unified.read_text().split()):
        return "" if os.access(unified.parent, os.W_OK) else "control groups are read-only"
    return why_none()


def _mounted() -> dict[str, Path]:
    """Return the controllers of each hierarchy of v1 that matters -> where it is mounted."""
    found = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind, options = line.split()[:4]
        controllers = [each for each in options.split(",") if each in (*_WANTED, "cpuacct")]
        if kind == "cgroup" and set(controllers) & set(_WANTED):
            found[",".join(controllers)] = Path(point)
    return found


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
