"""The logs of a job on several nodes: one a rank, byte for byte, and the merged one, line by line."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Dict, List, NamedTuple, Tuple

from .frames import SETUP, Frame
from .full_disk import LogFile

_LONGEST_LINE = 1 << 16


class Place(NamedTuple):
    """Where a rank runs: the node's number in the cluster and its address."""

    rank: int
    node: int
    address: str

    @property
    def name(self) -> str:
        """The node's name in logs: ``head``, ``worker1``, ..."""
        return f"worker{self.node}" if self.node else "head"

    def __str__(self) -> str:
        """Return ``rank 1 (worker2, 10.0.0.3)``, for messages."""
        return f"rank {self.rank} ({self.name}, {self.address})"


class GangLog:
    """Takes output as frames and writes it where it belongs; ``flush`` after each batch of frames.

    In the merged log, lines of a job with several ranks begin with their rank, a line that is not complete
    waits for its rest, and one above 64 KiB is broken.
    """

    def __init__(self, folder: Path, merged: BinaryIO, places: List[Place]) -> None:
        self._folder, self._merged, self._places = folder, merged, places
        self._prefixes = [
            f"({place.name}, rank={place.rank}, ip={place.address}) ".encode() for place in places
        ]
        self._begun: Dict[int, bytes] = {}
        self._files: Dict[Tuple[bytes, int], BinaryIO] = {}
        self._stack = ExitStack()

    def path(self, rank: int, kind: bytes) -> Path:
        """Return where the output of that kind of one rank is."""
        if len(self._places) == 1:
            return self._folder / ("setup.log" if kind == SETUP else "run.log")
        own = f"{rank}-{self._places[rank].name}.log"
        return self._folder / (f"setup-{own}" if kind == SETUP else own)

    def write(self, frame: Frame) -> None:
        """Take a frame of output."""
        key = (frame.kind, frame.rank)
        if key not in self._files:
            self._files[key] = self._stack.enter_context(LogFile(self.path(frame.rank, frame.kind)))
        self._files[key].write(frame.payload)
        if len(self._places) == 1:
            self._merged.write(frame.payload)
        else:
            self._merge(frame.rank, frame.payload)

    def _merge(self, rank: int, output: bytes) -> None:
        text = self._begun.pop(rank, b"") + output
        *lines, rest = text.split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines.append(rest)
            rest = b""
        if lines:
            self._merged.write(b"".join(self._prefixes[rank] + line + b"\n" for line in lines))
        if rest:
            self._begun[rank] = rest

    def flush(self) -> None:
        """Hand what was written to the files."""
        for file in self._files.values():
            file.flush()
        self._merged.flush()

    def close(self) -> None:
        """Write lines that were never completed, and close the files of the ranks."""
        for rank, rest in sorted(self._begun.items()):
            self._merged.write(self._prefixes[rank] + rest + b"\n")
        self._begun.clear()
        self._stack.close()
        self._merged.flush()
