"""The job table: submit, claim, move and read jobs. Each call is one transaction."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from . import idle, states
from .capacity import Capacity, Demand, Devices, Held
from .errors import Refused
from .processes import Identity
from .store import transaction

_PUBLIC = (
    "job_id", "name", "state", "username", "resources", "run_timestamp",
    "submitted_at", "started_at", "ended_at", "exit_code", "pid",
)  # fmt: skip
_LARGEST_ID = 2**63 - 1  # of SQLite
_STARTED = "SELECT * FROM jobs WHERE state IN ('SETTING_UP', 'RUNNING') ORDER BY job_id"
_WATCHED = (
    "SELECT * FROM jobs WHERE state IN ('SETTING_UP', 'RUNNING')"
    " OR state = 'PENDING' AND pid IS NOT NULL ORDER BY job_id"
)
_LIVE = "SELECT * FROM jobs WHERE state IN ('INIT', 'PENDING', 'SETTING_UP', 'RUNNING') ORDER BY job_id"


class Claimed(NamedTuple):
    """A job that now belongs to the runner that asked for it."""

    job_id: int
    run_timestamp: str
    devices: Devices
    demand: Demand
    spec: Dict[str, Any]


class Watched(NamedTuple):
    """A job that a runner has: one that is started, or one that waits for Slurm to start it."""

    job_id: int
    state: str
    runner: Identity
    cancel_asked: bool


def submit(
    db: sqlite3.Connection, specs: Sequence[Dict[str, Any]], capacity: Capacity, nodes: int
) -> List[int]:
    """Queue jobs in this order, all or none; return their ids. Restarts the idle clock.

    Raises ``Refused`` for a demand beyond the node, a bad ``run_timestamp``, or a node that is stopping.
    """
    demands = [_demand(spec, capacity, nodes) for spec in specs]
    with transaction(db):
        idle.refuse_when_stopping(db)
        now = time.time()
        job_ids = [_insert(db, spec, demand, now) for spec, demand in zip(specs, demands)]  # noqa: B905  (Python 3.8)
        idle.restart_clock(db)
    return job_ids


def _demand(spec: Dict[str, Any], capacity: Capacity, nodes: int) -> Demand:
    asked = spec.get("demand", {})
    demand = Demand(
        int(asked.get("cpus_milli", 500)),
        int(asked.get("memory_mib", 0)),
        str(asked.get("accelerator", "")),
        int(asked.get("accelerators_milli", 0)),
    )
    capacity.check(demand)
    if spec.get("num_nodes", 1) > nodes:
        raise Refused(
            "unsupported", f"the job asks for {spec['num_nodes']} nodes but this cluster has {nodes}"
        )
    if len(spec.get("scripts", ())) not in (1, spec.get("num_nodes", 1)):
        raise Refused("invalid", "the job must have one script, or one script for each of its nodes")
    stamp = spec.get("run_timestamp", "")
    if not stamp or "/" in stamp or "\0" in stamp or stamp in (".", ".."):
        raise Refused("invalid", f"run_timestamp {stamp!r} must be the plain name of a folder")
    return demand


def _insert(db: sqlite3.Connection, spec: Dict[str, Any], demand: Demand, now: float) -> int:
    stamp = spec["run_timestamp"]
    taken = db.execute("SELECT 1 FROM jobs WHERE run_timestamp = ?", (stamp,)).fetchone() is not None
    if taken:
        newest = db.execute("SELECT MAX(job_id) FROM jobs").fetchone()[0]
        stamp = f"{stamp}-{newest + 1}"
    cursor = db.execute(
        "INSERT INTO jobs (name, username, resources, run_timestamp, state, submitted_at, cpus_milli,"
        " memory_mib, accelerator, accelerators_milli, priority, spec)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            spec.get("name", ""),
            spec.get("username", ""),
            spec.get("resources", ""),
            stamp,
            states.PENDING,
            now,
            *demand,
            int(spec.get("priority", 0)),
            json.dumps(spec),
        ),
    )
    return int(cursor.lastrowid or 0)


def head(db: sqlite3.Connection, capacity: Capacity) -> Optional[int]:
    """Return the first waiting job when it fits beside the started ones; nothing passes it meanwhile.

    First is the highest priority, then the lowest id. A node that is stopping starts none.
    """
    row = db.execute(
        "SELECT * FROM jobs WHERE state = ? ORDER BY priority DESC, job_id LIMIT 1", (states.PENDING,)
    ).fetchone()
    if row is None or idle.stopping(db) or capacity.assign(demand_of(row), _held(db)) is None:
        return None
    return int(row["job_id"])


def claim(db: sqlite3.Connection, job_id: int, capacity: Capacity, runner: Identity) -> Optional[Claimed]:
    """Give the job, with its resources, to ``runner``; ``None`` when it is not its turn or it is taken.

    This is the one place where a job starts, so that it starts once whatever was killed before.
    """
    with transaction(db):
        if head(db, capacity) != job_id:
            return None
        row = db.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
        devices = capacity.assign(demand_of(row), _held(db))
        spec = json.loads(row["spec"])
        state = states.SETTING_UP if spec.get("setup") else states.RUNNING
        db.execute(
            "UPDATE jobs SET state = ?, started_at = ?, pid = ?, pid_started = ?, boot = ?, devices = ?"
            " WHERE job_id = ? AND state = ?",
            (
                state,
                time.time() if state == states.RUNNING else None,
                *runner,
                json.dumps(devices),
                job_id,
                states.PENDING,
            ),
        )
    return Claimed(job_id, row["run_timestamp"], devices or {}, demand_of(row), spec)


def move(
    db: sqlite3.Connection, job_id: int, source: str, target: str, exit_code: Optional[int] = None
) -> bool:
    """Move the job from ``source`` to ``target`` when it still is in ``source``; return whether it was.

    A terminal target forgets the job's specification, and with it the secrets, and restarts the idle clock.
    """
    if target not in states.TRANSITIONS[source]:
        raise ValueError(f"no job goes from {source} to {target}")
    now = time.time()
    with transaction(db):
        if states.TRANSITIONS[target]:
            cursor = db.execute(
                "UPDATE jobs SET state = ?, started_at = ? WHERE job_id = ? AND state = ?",
                (target, now, job_id, source),
            )
        else:
            cursor = db.execute(
                "UPDATE jobs SET state = ?, ended_at = ?, exit_code = ?, spec = NULL"
                " WHERE job_id = ? AND state = ?",
                (target, now, exit_code, job_id, source),
            )
            idle.restart_clock(db)
    return cursor.rowcount == 1


def ask_cancel(
    db: sqlite3.Connection, job_ids: Optional[Sequence[int]], *, waiting: bool = True
) -> List[int]:
    """End waiting jobs at once and mark those that a runner has as to be ended (all jobs for ``None``).

    Returns those that were not over, oldest first; one with a runner is over when that says so. Without
    ``waiting`` only started ones are ended.
    """
    with transaction(db):
        live = [
            row
            for row in db.execute(_LIVE)
            if (job_ids is None or row["job_id"] in set(job_ids))
            and (waiting or row["state"] in states.STARTED)
        ]
        for row in live:
            if row["pid"] is not None:
                db.execute("UPDATE jobs SET cancel_asked = 1 WHERE job_id = ?", (row["job_id"],))
            else:
                db.execute(
                    "UPDATE jobs SET state = ?, ended_at = ?, spec = NULL, cancel_asked = 1 WHERE job_id = ?",
                    (states.CANCELLED, time.time(), row["job_id"]),
                )
                idle.restart_clock(db)
    return [row["job_id"] for row in live]


def cancel_asked(db: sqlite3.Connection, job_id: int) -> bool:
    """Return whether someone wants the job ended."""
    row = db.execute("SELECT cancel_asked FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    return row is not None and bool(row["cancel_asked"])


def watched(db: sqlite3.Connection) -> List[Watched]:
    """Return the jobs that a runner has, oldest first."""
    return [
        Watched(
            row["job_id"],
            row["state"],
            Identity(row["pid"], row["pid_started"], row["boot"]),
            bool(row["cancel_asked"]),
        )
        for row in db.execute(_WATCHED)
    ]


def read(db: sqlite3.Connection, job_ids: Optional[Sequence[int]] = None) -> List[Dict[str, Any]]:
    """Return the named jobs (all for ``None``), newest first; unknown ids are left out."""
    if job_ids is None:
        rows = list(db.execute("SELECT * FROM jobs ORDER BY job_id DESC"))
    else:
        wanted = sorted({job_id for job_id in job_ids if job_id <= _LARGEST_ID}, reverse=True)
        named = (db.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone() for job_id in wanted)
        rows = [row for row in named if row is not None]
    return [{name: row[name] for name in _PUBLIC} for row in rows]


def state_of(db: sqlite3.Connection, job_id: int) -> Optional[str]:
    """Return the job's state, ``None`` for an unknown id."""
    row = db.execute("SELECT state FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    return None if row is None else str(row["state"])


def _held(db: sqlite3.Connection) -> List[Held]:
    return [
        Held(
            row["cpus_milli"],
            row["memory_mib"],
            {int(index): milli for index, milli in json.loads(row["devices"]).items()},
        )
        for row in db.execute(_STARTED)
    ]


def demand_of(row: sqlite3.Row) -> Demand:
    """Return what the job of a row takes of each node."""
    return Demand(row["cpus_milli"], row["memory_mib"], row["accelerator"], row["accelerators_milli"])
