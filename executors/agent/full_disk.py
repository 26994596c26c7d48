"""What a full disk does not break: logs say what they lost, and ends are recorded when there is room."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sqlite3
import time
from pathlib import Path
from typing import Any, Callable, TypeVar

_T = TypeVar("_T")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_PAUSE_S = 1.0

MESSAGE = "the disk of the node is full, and nothing was done; make room there (df -h ~), then try again"


def is_full(error: BaseException) -> bool:
    """Return whether ``error`` says that there is no room."""
    if isinstance(error, sqlite3.OperationalError):
        return "is full" in str(error)
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def when_there_is_room(action: Callable[[], _T]) -> _T:
    """Do ``action``, again every second while the disk is full; returns what it returns."""
    while True:
        try:
            return action()
        except (OSError, sqlite3.OperationalError) as error:
            if not is_full(error):
                raise
        time.sleep(_PAUSE_S)


class LogFile(io.FileIO):
    """A log, mode 0600, appended to. What finds no room is left out, which it says when there is room."""

    def __init__(self, path: Path) -> None:
        self._lost = 0
        super().__init__(str(path), "ab", opener=_open)

    def write(self, data: Any) -> int:
        """Append ``data``, or as much of it as there is room for; raises nothing when there is none."""
        if not self._lost or self._told_loss():
            self._lost += len(data) - self._put(data)
        return len(data)

    def close(self) -> None:
        """Say what was left out, where there is room now, and close."""
        if not self.closed and self._lost:
            self._told_loss()
        super().close()

    def _told_loss(self) -> bool:
        note = b"\nsky: %d bytes of output are missing here: the disk of the node was full\n" % self._lost
        end = os.fstat(self.fileno()).st_size
        if self._put(note) < len(note):
            with contextlib.suppress(OSError):
                os.ftruncate(self.fileno(), end)
            return False
        self._lost = 0
        return True

    def _put(self, data: Any) -> int:
        """Return how many bytes were written before there was no room."""
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self.fileno(), left) :]
        except OSError as error:
            if not is_full(error):
                raise
        return len(data) - len(left)


def _open(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
