"""The agent's SQLite database: its schema, how it is opened, and its transactions.

The database is the only truth: every process of the agent opens it for itself, and whoever changes a
state does so in one immediate transaction. Connections never cross a fork.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional

SCHEMA_VERSION = 2
_BUSY_TIMEOUT_S = 30.0
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS jobs (
        job_id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        username TEXT NOT NULL,
        resources TEXT NOT NULL,
        run_timestamp TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        submitted_at REAL NOT NULL,
        started_at REAL,
        ended_at REAL,
        exit_code INTEGER,
        cpus_milli INTEGER NOT NULL,
        memory_mib INTEGER NOT NULL,
        accelerator TEXT NOT NULL,
        accelerators_milli INTEGER NOT NULL,
        devices TEXT NOT NULL DEFAULT '{}',
        cancel_asked INTEGER NOT NULL DEFAULT 0,
        pid INTEGER,
        pid_started TEXT,
        boot TEXT,
        spec TEXT
    )""",
    "CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, job_id)",
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS leases (
        pid INTEGER NOT NULL, pid_started TEXT NOT NULL, boot TEXT NOT NULL, purpose TEXT NOT NULL,
        PRIMARY KEY (pid, pid_started, boot)
    )""",
)
_PRIORITY = "ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0"
_CHANGES = {1: _SCHEMA, 2: (_PRIORITY,)}
"""Schema version -> what makes it of the one before."""


def connect(database: Path) -> sqlite3.Connection:
    """Open the database (made with mode 0600 where it is missing) in WAL mode, durable on commit.

    Raises ``RuntimeError`` when a newer agent has written it.
    """
    os.close(os.open(str(database), os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(str(database), timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise RuntimeError(f"{database} has schema {version}, this agent knows {SCHEMA_VERSION}: upgrade sky")
    if version < SCHEMA_VERSION:
        connection.execute("PRAGMA journal_mode = WAL")
        with transaction(connection):
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            for newer in range(version + 1, SCHEMA_VERSION + 1):
                for statement in _CHANGES[newer]:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return connection


def forget_deleted(connection: sqlite3.Connection) -> None:
    """Take what was deleted out of the write-ahead log too, unless others are busy with it right now."""
    connection.execute("PRAGMA busy_timeout = 200")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_TIMEOUT_S * 1000)}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the database's write lock over the block; commit at its end, roll back when it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def get_fact(connection: sqlite3.Connection, name: str) -> Optional[str]:
    """Return the fact of that name, ``None`` when it is not set."""
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row["value"])


def set_fact(connection: sqlite3.Connection, name: str, value: Optional[str]) -> None:
    """Set the fact, or forget it for ``None``."""
    if value is None:
        connection.execute("DELETE FROM facts WHERE name = ?", (name,))
    else:
        connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))
