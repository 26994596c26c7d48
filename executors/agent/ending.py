"""Ending jobs that were started, in order: each by its own runner."""

from __future__ import annotations

import signal
import sqlite3
import time
from typing import Set

from . import processes, queue, runner
from .layout import Config, Layout
from .poke import poke


def await_end(db: sqlite3.Connection, layout: Layout, wanted: Set[int]) -> None:
    """Have the runners of these jobs end, and wait; what even SIGKILL does not end is left to the daemon."""
    config = Config.read(layout)
    grace_s = config.cancel_grace_s
    for job in queue.watched(db):
        if job.job_id in wanted:
            processes.send(job.runner, signal.SIGTERM)
    poke()
    deadline = time.monotonic() + grace_s + (5.0 if len(config.addresses) == 1 else 20.0)
    while time.monotonic() < deadline:
        left = [job for job in queue.watched(db) if job.job_id in wanted]
        if not left:
            break
        for job in left:
            if not processes.alive(job.runner):
                runner.recover(db, layout, job, grace_s)
        time.sleep(0.01)


def end_started(db: sqlite3.Connection, layout: Layout) -> "list[int]":
    """End the jobs that were started, once none can start any more, and return them; waiting ones stay."""
    ended = queue.ask_cancel(db, None, waiting=False)
    await_end(db, layout, {job.job_id for job in queue.watched(db)})
    return ended
