"""What a rank says to its job's runner over Slurm's connection: one line a frame, whatever bytes it carries.

Slurm hands lines of up to 1,024 bytes through whole and cuts longer ones, so output travels as base64 in
lines that are shorter.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from typing import Any, NamedTuple, Optional

HELLO, SETUP, RUN, SETUP_ENDED, ENDED = b"h", b"s", b"o", b"S", b"E"
"""Kinds: the rank is there; output of setup; output of run; setup ended; the rank ended."""

_LARGEST = 720  # bytes of output in one frame: 960 in base64


class Frame(NamedTuple):
    """One frame of one rank; ``payload`` is output, or a JSON value."""

    rank: int
    kind: bytes
    payload: bytes

    def value(self) -> Any:
        """Return the payload's JSON value."""
        return json.loads(self.payload)


class FrameSink:
    """Sends a script's output as frames of one kind; takes the place of a file.

    It is the way to the runner, so that its failure ends the script.
    """

    name = "<stdout>"

    def __init__(self, kind: bytes) -> None:
        self._kind = kind

    def write(self, chunk: bytes) -> None:
        """Send ``chunk`` in as many frames as it takes."""
        pieces = (chunk[at : at + _LARGEST] for at in range(0, len(chunk), _LARGEST))
        _write(b"".join(self._kind + base64.b64encode(piece) + b"\n" for piece in pieces))

    def flush(self) -> None:
        """Do nothing: every write goes out at once."""


def send(kind: bytes, value: Any) -> None:
    """Send a frame that carries a JSON value."""
    _write(kind + base64.b64encode(json.dumps(value).encode()) + b"\n")


def _write(data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(1, left) :]


def parse(line: bytes) -> Optional[Frame]:
    """Return the frame of a line that ``srun --label`` printed; ``None`` for what Slurm itself says."""
    label, _, text = line.partition(b": ")
    try:
        return Frame(int(label), text[:1], base64.b64decode(text[1:], validate=True))
    except (ValueError, binascii.Error):
        return None


def lines_of(pending: bytearray, pipe: int, size: int) -> "Optional[list[bytes]]":
    """Read once and return the lines that are complete, the rest kept in ``pending``; ``None`` at the end."""
    chunk = os.read(pipe, size)
    if not chunk:
        return None
    pending += chunk
    *lines, rest = bytes(pending).split(b"\n")
    pending[:] = rest
    return lines
