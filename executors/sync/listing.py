"""All that is to be copied of one folder, and how far that is."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from executors.api import Progress
from executors.sync.ignore import walk

_REPORT_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Listing:
    """What is copied below ``root``: relative paths with their ``lstat``, a folder before its entries.

    ``left_out`` is what is not, a folder as ``a/b/`` and without what is in it.
    """

    root: Path
    entries: tuple[tuple[str, os.stat_result], ...]
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, root: Path, ignore: Sequence[str] = ()) -> Listing:
        """Walk ``root``, ignore rules applied."""
        left_out: list[str] = []
        entries = tuple(walk(root, ignore, left_out))
        return cls(root, entries, tuple(left_out))

    @property
    def paths(self) -> list[str]:
        """All paths in order."""
        return [path for path, _ in self.entries]

    def tally(self, on_progress: Callable[[Progress], None] | None) -> Tally:
        """Return a counter from nothing to all files of this listing."""
        sizes = [status.st_size for _, status in self.entries if not stat.S_ISDIR(status.st_mode)]
        return Tally(on_progress, len(sizes), sum(sizes))

    def lost(self, before: Iterable[str]) -> list[str]:
        """Return which of the paths that were brought ``before`` are no more, deepest first."""
        return sorted(set(before) - set(self.paths), reverse=True)


class Tally:
    """Counts what is done and tells it, at the end and a few times a second on the way."""

    def __init__(self, on_progress: Callable[[Progress], None] | None, files: int, size: int) -> None:
        self._tell = on_progress
        self._files_total, self._size_total = files, size
        self._files = self._size = 0
        self._next = time.monotonic() + _REPORT_EVERY_S

    def done(self, size: int) -> None:
        """Count one file of that size."""
        self._files += 1
        self._size += size
        if self._tell and (self._files == self._files_total or time.monotonic() >= self._next):
            self._next = time.monotonic() + _REPORT_EVERY_S
            self._tell(Progress(self._files, self._files_total, self._size, self._size_total))
