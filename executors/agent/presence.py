"""Who uses the node besides its jobs: people who are logged in, and programs that keep accelerators busy."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from . import processes
from .idle import ACCELERATORS, SSH, Autostop

OWN_COMMAND = ": sky command;"
"""What the line begins with that sky's own commands run over SSH: they come and go, and nobody sits there."""

_SERVERS = ("sshd", "dropbear")
_OUTSIDE = 0
"""The parent of what was started from outside of this container."""
_QUERY = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
_ANSWER_S = 5.0
_ASK_EVERY_S = 10.0
_BUSY_PERCENT = 5


class Presence:
    """What was seen of others on this node."""

    def __init__(self) -> None:
        self._asked_at = float("-inf")
        self._busy = False

    def seen(self, setting: Autostop) -> bool:
        """Return whether there is something that ``setting`` waits for besides jobs."""
        if setting.waits_for(SSH) and logged_in():
            return True
        return setting.waits_for(ACCELERATORS) and self._computing()

    def _computing(self) -> bool:
        """Ask the driver, which costs more than a look, now and then only."""
        if time.monotonic() - self._asked_at > _ASK_EVERY_S:
            self._busy = accelerators_busy()
            self._asked_at = time.monotonic()
        return self._busy


def logged_in() -> bool:
    """Return whether somebody has a session over SSH as this user: a terminal, an editor, a copy.

    It is what a server of SSH has started for this user, sky's own commands left out, and in a container what
    was started in it from outside (``docker exec``). A connection without a session, such as one that only
    forwards ports, is not seen.
    """
    parents = {pid: int(fields[1]) for pid, fields in processes.everyone() if fields[0] not in "ZX"}
    servers = {pid for pid in {*parents.values()} if _name(pid).startswith(_SERVERS)}
    return any(
        _of_a_person(pid)
        for pid, parent in parents.items()
        if (parent in servers and not _name(pid).startswith(_SERVERS)) or (parent == _OUTSIDE and pid != 1)
    )


def _of_a_person(pid: int) -> bool:
    folder = Path("/proc", str(pid))
    try:
        words = folder.joinpath("cmdline").read_bytes()
        return folder.stat().st_uid == os.getuid() and bool(words) and OWN_COMMAND.encode() not in words
    except OSError:
        return False


def _name(pid: int) -> str:
    try:
        return Path("/proc", str(pid), "comm").read_text("utf-8", "replace")
    except OSError:
        return ""


def accelerators_busy() -> bool:
    """Return whether an NVIDIA accelerator computes right now; never where ``nvidia-smi`` does not say."""
    try:
        done = subprocess.run(
            _QUERY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    words = done.stdout.decode("ascii", "replace").split()
    return any(word.isdecimal() and int(word) >= _BUSY_PERCENT for word in words)
