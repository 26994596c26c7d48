"""Control groups of the kernel, of either version: a job's share and limits, and all that belongs to it."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from pathlib import Path
from typing import Dict, List, NamedTuple

from . import processes

V1, V2 = 1, 2
CONTROLLERS = ("cpu", "memory")
"""What is limited; a kernel that lacks one of them confines nothing here."""

FREEZER = "freezer"
_PERIOD_US = 100_000
_LEAST_QUOTA_US = 1_000  # of the kernel
_FREEZE_S = 0.2
_BURY_S = 0.5


class Limits(NamedTuple):
    """What a job may use at most of its node, 0 for no limit, and its share of CPUs when they are scarce."""

    share_milli: int
    cpus_milli: int
    memory_mib: int

    def __str__(self) -> str:
        """Return ``1.5 CPUs and 512 MiB of memory``, ``""`` where nothing is limited."""
        cpus = f"{self.cpus_milli / 1000:g} CPUs" if self.cpus_milli else ""
        memory = f"{self.memory_mib} MiB of memory" if self.memory_mib else ""
        return " and ".join(filter(None, (cpus, memory)))


class ControlGroup:
    """A group: one folder in v2; in v1 one in each hierarchy, by controller."""

    def __init__(self, version: int, folders: Dict[str, Path]) -> None:
        self.version = version
        self._folders = folders

    @property
    def name(self) -> str:
        """Its name within the group that it is in."""
        return self._folders[CONTROLLERS[0]].name

    def child(self, name: str) -> ControlGroup:
        """Return the group of that name in this one, be it there or not."""
        folders = {controller: folder / name for controller, folder in self._folders.items()}
        return ControlGroup(self.version, folders)

    def children(self, prefix: str) -> List[ControlGroup]:
        """Return the groups in this one whose names begin with ``prefix``, half-made ones too."""
        names = {path.name for folder in self.folders for path in folder.glob(f"{prefix}*") if path.is_dir()}
        return [self.child(name) for name in sorted(names)]

    @property
    def folders(self) -> List[Path]:
        """Its folders, each once."""
        return list(dict.fromkeys(self._folders.values()))

    def make(self) -> None:
        """Make the folders. Raises ``OSError`` where that is not allowed."""
        for folder in self.folders:
            folder.mkdir(exist_ok=True)

    def limit(self, limits: Limits) -> None:
        """Give it its share and its limits; memory is limited with swap counted in. Raises ``OSError``."""
        quota_us = limits.cpus_milli and max(_LEAST_QUOTA_US, limits.cpus_milli * _PERIOD_US // 1000)
        memory = limits.memory_mib << 20
        cpu_folder, memory_folder = (self._folders[controller] for controller in CONTROLLERS)
        if self.version == V2:
            _write(cpu_folder / "cpu.weight", min(10_000, max(1, limits.share_milli // 10)))
            if quota_us:
                _write(cpu_folder / "cpu.max", f"{quota_us} {_PERIOD_US}")
            if memory:
                _write(memory_folder / "memory.max", memory)
                _write(memory_folder / "memory.oom.group", 1)
                with contextlib.suppress(OSError):  # a kernel without swap
                    _write(memory_folder / "memory.swap.max", 0)
            return
        _write(cpu_folder / "cpu.shares", max(2, limits.share_milli * 1024 // 1000))
        if quota_us:
            _write(cpu_folder / "cpu.cfs_period_us", _PERIOD_US)
            _write(cpu_folder / "cpu.cfs_quota_us", quota_us)
        if memory:
            _write(memory_folder / "memory.limit_in_bytes", memory)
            with contextlib.suppress(OSError):  # a kernel that does not account swap
                _write(memory_folder / "memory.memsw.limit_in_bytes", memory)

    def enter(self) -> None:
        """Move this process, which has one thread, into the group. Raises ``OSError``.

        In v1 it moves as a thread, which takes no lock of the kernel that others hold for milliseconds.
        """
        for folder in self.folders:
            _write(folder / ("cgroup.procs" if self.version == V2 else "tasks"), 0)

    def members(self) -> List[processes.Identity]:
        """Return the processes in it and in groups that they made in it."""
        pids = {
            int(pid)
            for top in self.folders
            for folder, _, _ in os.walk(str(top))
            for pid in _read(Path(folder, "cgroup.procs")).split()
        }
        return processes.identities(sorted(pids - {0}))

    def kill(self) -> None:
        """Send SIGKILL to all members at once, so that none forks another meanwhile, where the kernel can."""
        if self.version == V2:
            with contextlib.suppress(OSError):
                _write(self.folders[0] / "cgroup.kill", 1)
            return
        with contextlib.suppress(OSError, KeyError):
            self._kill_frozen(self._folders[FREEZER] / "freezer.state")

    def _kill_frozen(self, switch: Path) -> None:
        _write(switch, "FROZEN")
        try:
            deadline = time.monotonic() + _FREEZE_S
            while _read(switch).strip() != "FROZEN" and time.monotonic() < deadline:
                time.sleep(0.001)
            for each in self.members():
                processes.send(each, signal.SIGKILL)
        finally:
            _write(switch, "THAWED")

    def out_of_memory(self) -> bool:
        """Return whether the kernel has killed a process in it because memory was used up."""
        name = "memory.events" if self.version == V2 else "memory.oom_control"
        lines = (line.split() for line in _read(self._folders["memory"] / name).splitlines())
        return any(words[0] == "oom_kill" and words[1] != "0" for words in lines)

    def remove(self) -> None:
        """Remove it with the groups in it, as far as nothing runs there and it is allowed."""
        deadline = time.monotonic() + _BURY_S
        for top in self.folders:
            for folder, _, _ in os.walk(str(top), topdown=False):
                while not _removed(folder) and time.monotonic() < deadline:
                    time.sleep(0.002)  # the kernel still buries the dead


def _removed(folder: str) -> bool:
    """Remove a folder; return whether there is no use in trying again."""
    try:
        Path(folder).rmdir()
    except OSError as error:
        return error.errno != errno.EBUSY
    return True


def _write(path: Path, value: object) -> None:
    descriptor = os.open(str(path), os.O_WRONLY)
    try:
        os.write(descriptor, str(value).encode())
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:
        return ""
