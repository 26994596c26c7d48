"""One command at a time on a cluster: a lock that ends with the process that holds it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from peewee import OperationalError, PostgresqlDatabase

from catalog.errors import SkyError
from catalog.home import sky_home
from sky.control.database import URL_VARIABLE, connect, private_folder

_log = logging.getLogger("sky.control.locks")

PATIENCE_S = 20.0
"""How long a command waits for another one on the same cluster."""
FOREVER = -1.0


class ClusterBusy(SkyError):
    """Another command is working on the cluster."""


@contextmanager
def cluster_lock(name: str, url: str | None = None, timeout_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the lock of cluster ``name``: a file here, or an advisory lock of PostgreSQL at ``url``.

    ``timeout_s`` below 0 waits for ever, and 0 does not wait. The lock is not reentrant.
    Raises ``ClusterBusy``.
    """
    lock = _file_lock(name, timeout_s) if url is None else _advisory_lock(name, url, timeout_s)
    with lock:
        yield


def _busy(name: str) -> ClusterBusy:
    return ClusterBusy(f"another command is working on cluster {name}; try again when it is done, or end it")


@contextmanager
def _file_lock(name: str, timeout_s: float) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(_lock_path(name), mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if timeout_s == 0:
            raise _busy(name) from None
        _log.info("Waiting for another command on cluster %s", name)
        try:
            lock.acquire(timeout=timeout_s)
        except Timeout:
            raise _busy(name) from None
    try:
        yield
    finally:
        lock.release()


def _lock_path(name: str) -> Path:
    return private_folder(sky_home() / "locks") / f"{name}.lock"


@contextmanager
def _advisory_lock(name: str, url: str, timeout_s: float) -> Iterator[None]:
    """Lock in a connection of its own: should this process die, the server ends both."""
    database = connect(url)
    assert isinstance(database, PostgresqlDatabase), URL_VARIABLE
    key = int.from_bytes(hashlib.sha256(f"sky cluster {name}".encode()).digest()[:8], "big", signed=True)
    with database.connection_context():
        if not _first(database, "SELECT pg_try_advisory_lock(%s)", key):
            if timeout_s == 0:
                raise _busy(name)
            _log.info("Waiting for another command on cluster %s", name)
            limit_ms = 0 if timeout_s < 0 else max(1, round(timeout_s * 1_000))
            _first(database, "SELECT set_config('lock_timeout', %s, false)", str(limit_ms))
            try:
                _first(database, "SELECT pg_advisory_lock(%s)", key)
            except OperationalError:
                raise _busy(name) from None
        try:
            yield
        finally:
            with suppress(OperationalError):  # the server is gone, and the lock with it
                _first(database, "SELECT pg_advisory_unlock(%s)", key)


def _first(database: PostgresqlDatabase, statement: str, value: object) -> Any:
    """Return the first column of the statement's one row."""
    return database.execute_sql(statement, (value,)).fetchone()[0]  # type: ignore[no-untyped-call]
