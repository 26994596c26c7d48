"""Jobs that wait for Slurm: which runners have them, and how they begin or come back.

A job that was handed over is ``PENDING`` with a runner: the runner holds its place in Slurm's queue. When
Slurm starts it, the runner begins it; when the runner ends before, the job waits again as if nothing was.
"""

from __future__ import annotations

import json
import sqlite3
import time
from typing import List, Optional

from . import idle, states
from .processes import Identity
from .queue import Claimed, demand_of
from .store import transaction

MOST_WAITING = 16
"""How many of the waiting jobs Slurm knows, the first ones by priority and age; each costs a runner."""


def to_hand_over(db: sqlite3.Connection) -> List[int]:
    """Return the jobs among the first waiting ones that no runner has; none while the cluster stops."""
    if idle.stopping(db):
        return []
    rows = db.execute(
        "SELECT job_id, pid FROM jobs WHERE state = ? ORDER BY priority DESC, job_id LIMIT ?",
        (states.PENDING, MOST_WAITING),
    )
    return [row["job_id"] for row in rows if row["pid"] is None]


def has_runner(db: sqlite3.Connection, job_id: int) -> bool:
    """Return whether the job no longer waits for one."""
    row = db.execute("SELECT state, pid FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    return row is None or row["state"] != states.PENDING or row["pid"] is not None


def take(db: sqlite3.Connection, job_id: int, runner: Identity) -> Optional[Claimed]:
    """Give a waiting job to ``runner``; ``None`` when another has it or it waits no more."""
    with transaction(db):
        row = db.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
        if row is None or row["state"] != states.PENDING or row["pid"] is not None or idle.stopping(db):
            return None
        db.execute("UPDATE jobs SET pid = ?, pid_started = ?, boot = ? WHERE job_id = ?", (*runner, job_id))
    return Claimed(job_id, row["run_timestamp"], {}, demand_of(row), json.loads(row["spec"]))


def begin(db: sqlite3.Connection, job_id: int, state: str) -> bool:
    """Move a job that Slurm has started out of ``PENDING``; ``False`` when it is to be ended instead."""
    with transaction(db):
        cursor = db.execute(
            "UPDATE jobs SET state = ?, started_at = ? WHERE job_id = ? AND state = ? AND cancel_asked = 0",
            (state, time.time() if state == states.RUNNING else None, job_id, states.PENDING),
        )
    return cursor.rowcount == 1


def give_back(db: sqlite3.Connection, job_id: int, runner: Identity) -> None:
    """Let the job wait again, without a runner; one that somebody wants ended is over."""
    with transaction(db):
        ended = db.execute(
            "UPDATE jobs SET state = ?, ended_at = ?, spec = NULL"
            " WHERE job_id = ? AND state = ? AND cancel_asked = 1",
            (states.CANCELLED, time.time(), job_id, states.PENDING),
        )
        if ended.rowcount:
            idle.restart_clock(db)
        db.execute(
            "UPDATE jobs SET pid = NULL, pid_started = NULL, boot = NULL"
            " WHERE job_id = ? AND state = ? AND pid = ? AND pid_started = ?",
            (job_id, states.PENDING, runner.pid, runner.started),
        )
