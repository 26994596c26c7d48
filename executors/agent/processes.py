"""Processes of this machine: who they are for certain, which belong together, and how to end them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterable, List, NamedTuple, Optional

_PROC = Path("/proc")
_STARTED = 19


class Identity(NamedTuple):
    """A process that cannot be mistaken for a later one with the same pid: pid, start time, boot."""

    pid: int
    started: str
    boot: str


def boot_id() -> str:
    """Return a text that differs after every reboot."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return _output(["sysctl", "-n", "kern.boottime"])


def started(pid: int) -> Optional[str]:
    """Return when ``pid`` started, in the system's own words; ``None`` when there is no such process."""
    if _PROC.joinpath("self/stat").exists():
        fields = _stat(pid)
        return None if fields is None or fields[0] in "ZX" else fields[_STARTED]
    return _output(["ps", "-o", "lstart=", "-p", str(pid)]) or None


def identity(pid: Optional[int] = None) -> Identity:
    """Return the identity of ``pid``, by default of this process."""
    number = os.getpid() if pid is None else pid
    return Identity(number, started(number) or "", boot_id())


def alive(who: Identity) -> bool:
    """Return whether exactly this process still runs; a zombie does not, a reused pid does not count."""
    return who.boot == boot_id() and started(who.pid) == who.started


def identities(pids: Iterable[int]) -> List[Identity]:
    """Return those of these processes that run; a zombie does not."""
    boot = boot_id()
    found = ((pid, _stat(pid)) for pid in pids)
    return [
        Identity(pid, fields[_STARTED], boot) for pid, fields in found if fields and fields[0] not in "ZX"
    ]


def session_members(leader: Identity) -> List[Identity]:
    """Return the processes of the session that ``leader`` opened, without the leader itself.

    The kernel gives a pid out again only when no session bears it; so where the number now belongs to
    another process, the session is not ours and nothing is returned.
    """
    now = started(leader.pid)
    if leader.boot != boot_id() or (now is not None and now != leader.started):
        return []
    session, boot = str(leader.pid), boot_id()
    return [
        Identity(pid, fields[_STARTED], boot)
        for pid, fields in everyone()
        if fields[3] == session and fields[0] not in "ZX" and pid != leader.pid
    ]


def marked(marker: str) -> List[Identity]:
    """Return the processes that were started with ``marker`` (``NAME=value``) in their environment.

    This process and its ancestors are left out: whoever calls is not what is to be ended.
    """
    needle, boot = marker.encode(), boot_id()
    family = _family()
    found = []
    for pid, fields in everyone():
        if pid in family or fields[0] in "ZX":
            continue
        try:
            environment = (_PROC / str(pid) / "environ").read_bytes()
        except OSError:
            continue
        if needle in environment.split(b"\0"):
            found.append(Identity(pid, fields[_STARTED], boot))
    return found


def end(
    members: Callable[[], Iterable[Identity]], grace_s: float, kill: Optional[Callable[[], None]] = None
) -> bool:
    """Send SIGTERM to ``members()``, SIGKILL to those left after ``grace_s``; return whether none is left.

    ``members`` is asked again each time, so that what forks meanwhile is ended too. ``kill`` ends them all at
    once, where there is something that can.
    """
    deadline = time.monotonic() + grace_s
    told: set[Identity] = set()
    pause_s = 0.005
    while True:
        left = set(members())
        if not left:
            return True
        late = time.monotonic() >= deadline
        if late and kill is not None:
            kill()
        for each in left if late else left - told:
            send(each, signal.SIGKILL if late else signal.SIGTERM)
        told |= left
        if time.monotonic() >= deadline + 5:
            return False
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.1)


def send(who: Identity, number: int) -> bool:
    """Send signal ``number`` to this process; return whether there still was one, of ours.

    It may have ended since it was found, and where many come and go another may have its pid by now.
    """
    if not alive(who):
        return False
    try:
        os.kill(who.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def everyone() -> Iterable["tuple[int, List[str]]"]:
    """Yield every process with its state, parent, group, session and the further fields of its ``stat``."""
    if not _PROC.joinpath("self/stat").exists():
        return
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None:
                yield int(entry.name), fields


def _stat(pid: int) -> Optional[List[str]]:
    """Return the fields of ``/proc/<pid>/stat`` after the name: state, parent, group, session, ..."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  (a hot path: thousands of reads)
            text = file.read()
    except OSError:
        return None
    return text[text.rindex(b")") + 2 :].decode("ascii").split()


def _family() -> "set[int]":
    family = set()
    pid = os.getpid()
    while pid > 1 and pid not in family:
        family.add(pid)
        fields = _stat(pid)
        pid = int(fields[1]) if fields else 0
    return family


def _output(argv: List[str]) -> str:
    try:
        return (
            subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            .stdout.decode()
            .strip()
        )
    except OSError:
        return ""
