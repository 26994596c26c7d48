"""Reading a job's log from the node, to its end while the job goes on."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import BinaryIO, Callable, Optional

from . import queue, states
from .layout import Layout

_CHUNK = 1 << 16
_SHORTEST_S, _LONGEST_S = 0.01, 0.1


def tail(
    db: sqlite3.Connection,
    layout: Layout,
    job_id: int,
    write: Callable[[bytes], object],
    *,
    follow: bool,
    lines: int,
) -> None:
    """Hand the job's output to ``write``: the last ``lines`` (0: all), then, to ``follow``, what comes.

    Waits for a job that is not started yet.
    """
    path = layout.log_dir(queue.read(db, [job_id])[0]["run_timestamp"]) / "run.log"
    file: Optional[BinaryIO] = None
    pause_s = _SHORTEST_S
    try:
        while True:
            over = not follow or not states.TRANSITIONS[str(queue.state_of(db, job_id))]
            file = file or _open(path, lines)
            if file is not None and _copy(file, write):
                pause_s = _SHORTEST_S
            elif over:
                return
            else:
                time.sleep(pause_s)
                pause_s = min(pause_s * 1.5, _LONGEST_S)
    finally:
        if file is not None:
            file.close()


def _copy(file: BinaryIO, write: Callable[[bytes], object]) -> bool:
    copied = False
    while True:
        chunk = file.read(_CHUNK)
        if not chunk:
            return copied
        copied = True
        write(chunk)


def _open(path: Path, lines: int) -> Optional[BinaryIO]:
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        return None
    if lines > 0:
        file.seek(_start_of_last(file, lines))
    return file


def _start_of_last(file: BinaryIO, lines: int) -> int:
    """Return where the last ``lines`` lines begin, reading backwards in blocks."""
    end = position = file.seek(0, os.SEEK_END)
    wanted = lines + 1
    while position > 0:
        size = min(_CHUNK, position)
        position -= size
        file.seek(position)
        block = file.read(size)
        if position + size == end and not block.endswith(b"\n"):
            wanted -= 1
        at = len(block)
        while wanted > 0:
            at = block.rfind(b"\n", 0, at)
            if at < 0:
                break
            wanted -= 1
        if wanted == 0:
            return position + at + 1
    return 0
