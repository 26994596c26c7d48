"""The idle clock, what keeps it from running, and the autostop setting."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import contextmanager
from typing import Iterator, NamedTuple, Optional

from .errors import Refused
from .processes import Identity, alive, boot_id, identity
from .store import get_fact, set_fact, transaction

_LIVE = "SELECT 1 FROM jobs WHERE state IN ('INIT', 'PENDING', 'SETTING_UP', 'RUNNING') LIMIT 1"
_IDLE_CLOCK, _SETTING_CLOCK = "idle_clock", "autostop_clock"
_JUMP_S = 1.0
_AUTOSTOP = "autostop"
_STOPPING = "stopping"
_CALLER, _CALLER_PAUSE_S = "autostop_caller", 0.1


SSH, ACCELERATORS = "ssh", "accelerators"
WAIT_FOR = ("jobs", "jobs_and_ssh", "jobs_and_accelerators", "jobs_and_ssh_and_accelerators", "none")
"""What may keep a node from being idle; with ``none`` the minutes count from the setting, whatever runs."""


class Autostop(NamedTuple):
    """After so many idle minutes the node acts: it goes down for good, or stops with its disk kept."""

    idle_minutes: int
    down: bool
    wait_for: str = "jobs"

    def waits_for(self, what: str) -> bool:
        """Return whether ``what`` (``SSH``, ``ACCELERATORS``) keeps the node from being idle."""
        return what in self.wait_for.split("_and_")

    @property
    def unconditional(self) -> bool:
        """Whether it acts whatever runs."""
        return self.wait_for == "none"


def idle_since(db: sqlite3.Connection) -> Optional[float]:
    """Return since when nothing runs, waits or is set up; ``None`` while something does."""
    if db.execute(_LIVE).fetchone():
        return None
    if any(alive(Identity(*row)) for row in db.execute("SELECT pid, pid_started, boot FROM leases")):
        return None
    return _begun(db, _IDLE_CLOCK)


def _begun(db: sqlite3.Connection, clock: str) -> float:
    """Return when the clock was started, in today's wall time; now where it was not since the boot."""
    boot, wall, monotonic = json.loads(get_fact(db, clock) or '["", 0, 0]')
    if boot != boot_id():
        return time.time()
    jump_s = time.time() - wall - (time.monotonic() - monotonic)
    return float(wall + (jump_s if abs(jump_s) > _JUMP_S else 0.0))


def restart_clock(db: sqlite3.Connection) -> None:
    """Let idleness count from now on; where the wall clock jumps, that is not time that went by."""
    _begin(db, _IDLE_CLOCK)


def restart_clocks(db: sqlite3.Connection) -> None:
    """Let idleness, and the time of a setting that waits for nothing, count from now on."""
    _begin(db, _IDLE_CLOCK)
    _begin(db, _SETTING_CLOCK)


def _begin(db: sqlite3.Connection, clock: str) -> None:
    set_fact(db, clock, json.dumps([boot_id(), time.time(), time.monotonic()]))


@contextmanager
def lease(db: sqlite3.Connection, purpose: str) -> Iterator[None]:
    """Keep the node from being idle over the block, or until this process is dead."""
    me = identity()
    with transaction(db):
        refuse_when_stopping(db)
        db.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)", (*me, purpose))
    try:
        yield
    finally:
        with transaction(db):
            db.execute("DELETE FROM leases WHERE pid = ? OR boot != ?", (me.pid, boot_id()))
            restart_clock(db)


def set_autostop(db: sqlite3.Connection, setting: Autostop) -> None:
    """Replace the setting; negative minutes cancel it. Where none was active, the idle clock starts again.

    The node does not act on it before this process has ended, so that who asked for it gets an answer.
    """
    with transaction(db):
        refuse_when_stopping(db)
        if setting.idle_minutes < 0:
            set_fact(db, _AUTOSTOP, None)
            return
        if get_fact(db, _AUTOSTOP) is None:
            restart_clocks(db)
        set_fact(db, _AUTOSTOP, json.dumps(setting._asdict()))
        set_fact(db, _CALLER, json.dumps(identity()))


def get_autostop(db: sqlite3.Connection) -> Optional[Autostop]:
    """Return the active setting."""
    text = get_fact(db, _AUTOSTOP)
    return None if text is None else Autostop(**json.loads(text))


def due_at(db: sqlite3.Connection, seconds_per_minute: float) -> Optional[float]:
    """Return when autostop will act if nothing happens until then; ``None`` when it will not."""
    setting = get_autostop(db)
    if setting is None:
        return None
    since = _begun(db, _SETTING_CLOCK) if setting.unconditional else idle_since(db)
    if since is None:
        return None
    due = since + setting.idle_minutes * seconds_per_minute
    caller = get_fact(db, _CALLER)
    waits = caller is not None and alive(Identity(*json.loads(caller)))
    return max(due, time.time() + _CALLER_PAUSE_S) if waits else due


def decide_to_stop(db: sqlite3.Connection, seconds_per_minute: float) -> Optional[Autostop]:
    """Return the setting to act on now; from then on every submission is refused.

    Idleness is judged under the queue's write lock: a job is either queued before and prevents the stop,
    or refused after it.
    """
    with transaction(db):
        due = due_at(db, seconds_per_minute)
        if due is None or time.time() < due:
            return None
        set_fact(db, _STOPPING, "1")
        return get_autostop(db)


def begin_stop(db: sqlite3.Connection) -> None:
    """Refuse every submission from now on, until ``resume``."""
    with transaction(db):
        set_fact(db, _STOPPING, "1")


def abort_stop(db: sqlite3.Connection) -> None:
    """Take jobs again because the node could not stop itself; the setting stays, to be tried again."""
    with transaction(db):
        set_fact(db, _STOPPING, None)


def resume(db: sqlite3.Connection) -> None:
    """Take jobs (again), the idle clock starting now; a stop has ended the autostop setting of before."""
    with transaction(db):
        if get_fact(db, _STOPPING) is not None:
            set_fact(db, _AUTOSTOP, None)
        set_fact(db, _STOPPING, None)
        restart_clocks(db)


def stopping(db: sqlite3.Connection) -> bool:
    """Return whether the node is about to stop: nothing starts any more."""
    return get_fact(db, _STOPPING) is not None


def refuse_when_stopping(db: sqlite3.Connection) -> None:
    """Raise ``Refused`` once the node is about to stop."""
    if stopping(db):
        raise Refused("stopping", "the cluster is stopping and takes no more work; start or launch it again")
