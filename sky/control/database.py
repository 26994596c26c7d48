"""The state database: which one, its tables, and their version.

SQLite under ``SKY_HOME`` by default, PostgreSQL when ``SKY_STATE_URL`` names one. The tables hold integers
and JSON text only, so that both read them alike.
"""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from pathlib import Path

from peewee import Database, DatabaseError, PostgresqlDatabase, SqliteDatabase, Table

from catalog.errors import SkyError, UserError
from catalog.home import sky_home

SCHEMA_VERSION = 3
URL_VARIABLE = "SKY_STATE_URL"

CLUSTERS = Table("clusters")
USAGE = Table("usage_intervals")
LIFETIMES = Table("lifetimes")
ATTEMPTS = Table("attempts")
META = Table("meta")

_CREATE_LIFETIMES = """CREATE TABLE IF NOT EXISTS lifetimes (
        cluster_id TEXT PRIMARY KEY, name TEXT NOT NULL, owner TEXT NOT NULL, created_at BIGINT NOT NULL,
        closed_at BIGINT, num_nodes BIGINT NOT NULL, offer TEXT NOT NULL, last_use TEXT NOT NULL)"""

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS clusters (
        name TEXT PRIMARY KEY, cluster_id TEXT NOT NULL UNIQUE, executor TEXT NOT NULL, offer TEXT NOT NULL,
        status TEXT NOT NULL, version BIGINT NOT NULL, num_nodes BIGINT NOT NULL, intent_at BIGINT NOT NULL,
        launched_at BIGINT NOT NULL, status_at BIGINT NOT NULL, ever_up BIGINT NOT NULL,
        last_use TEXT NOT NULL,
        autostop_minutes BIGINT NOT NULL, to_down BIGINT NOT NULL, owner TEXT NOT NULL,
        config_hash TEXT NOT NULL, head_ip TEXT NOT NULL, resources TEXT NOT NULL, handle TEXT, plan TEXT,
        reason TEXT NOT NULL DEFAULT '')""",
    """CREATE TABLE IF NOT EXISTS usage_intervals (
        cluster_id TEXT NOT NULL, cluster_name TEXT NOT NULL, started_at BIGINT NOT NULL, ended_at BIGINT,
        num_nodes BIGINT NOT NULL, price_micro_usd BIGINT NOT NULL, offer TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS usage_by_cluster ON usage_intervals (cluster_id)",
    _CREATE_LIFETIMES,
    """CREATE TABLE IF NOT EXISTS attempts (
        cluster_name TEXT NOT NULL, cluster_id TEXT NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL,
        scope TEXT NOT NULL, ttl_s BIGINT NOT NULL, message TEXT NOT NULL,
        num_nodes BIGINT NOT NULL DEFAULT 1)""",
    "CREATE INDEX IF NOT EXISTS attempts_by_cluster ON attempts (cluster_id)",
)

_MIGRATIONS = {
    1: ("ALTER TABLE clusters ADD COLUMN reason TEXT NOT NULL DEFAULT ''",),
    2: (
        _CREATE_LIFETIMES,
        """INSERT INTO lifetimes SELECT cluster_id, name, owner,
            COALESCE(
                (SELECT MIN(started_at) FROM usage_intervals u WHERE u.cluster_id = c.cluster_id), intent_at),
            NULL, num_nodes, offer, last_use FROM clusters c""",
        """INSERT INTO lifetimes SELECT cluster_id, MAX(cluster_name), '', MIN(started_at), MAX(ended_at),
            MAX(num_nodes), MAX(offer), '' FROM usage_intervals
            WHERE cluster_id NOT IN (SELECT cluster_id FROM clusters) GROUP BY cluster_id""",
        "ALTER TABLE attempts ADD COLUMN num_nodes BIGINT NOT NULL DEFAULT 1",
    ),
}
"""What makes the tables of a version those of the next one."""


def private_folder(path: Path) -> Path:
    """Make ``path`` if need be, and close it to other users if it is ours and no shared folder."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    shared = found.st_mode & stat.S_ISVTX
    if found.st_uid == os.getuid() and found.st_mode & 0o077 and not shared:
        path.chmod(0o700)
    return path


def open_database() -> Database:
    """Return the state database of this environment, its tables made; one object a process and location.

    Raises ``UserError`` for a URL that is not PostgreSQL's, and ``SkyError`` for a newer schema or a
    database that cannot be opened.
    """
    return _open(os.environ.get(URL_VARIABLE) or str(sky_home() / "state.db"))


@lru_cache(maxsize=8)
def _open(location: str) -> Database:
    database = connect(location)
    try:
        _prepare(database, location)
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        raise SkyError(f"the state in {_without_password(location)} cannot be opened: {reason}") from error
    return database


def connect(location: str) -> Database:
    """Return a database object for a PostgreSQL URL or an SQLite file, with its own connections."""
    scheme, separator, _ = location.partition("://")
    if not separator:
        return _sqlite(Path(location))
    if scheme not in {"postgresql", "postgres"}:
        raise UserError(
            f"{URL_VARIABLE}: {scheme}:// is not supported; write postgresql://user@host/database"
        )
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise UserError(f"{URL_VARIABLE} names PostgreSQL: run pip install 'skysolve[postgres]'") from None
    return PostgresqlDatabase(location, prefer_psycopg3=True)


def _sqlite(path: Path) -> Database:
    private_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    return SqliteDatabase(
        str(path), timeout=30, pragmas={"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1}
    )


def _prepare(database: Database, location: str) -> None:
    _run(database, "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    found = list(META.select(META.c.value).where(META.c.key == "schema_version").execute(database))
    if not found:
        with database.atomic():
            for statement in _SCHEMA:
                _run(database, statement)
            META.insert(
                {META.c.key: "schema_version", META.c.value: str(SCHEMA_VERSION)}
            ).on_conflict_ignore().execute(database)
        return
    version = int(found[0]["value"])
    if version > SCHEMA_VERSION:
        raise SkyError(
            f"the state in {_without_password(location)} has schema version {version}, and this sky knows "
            f"version {SCHEMA_VERSION}: upgrade sky, or set SKY_HOME to another folder"
        )
    while version < SCHEMA_VERSION:
        version = _migrate(database, version)


def _migrate(database: Database, version: int) -> int:
    """Make the tables those of the next version, unless another process just did; return their version."""
    stored = (META.c.key == "schema_version") & (META.c.value == str(version))
    with database.atomic():
        if META.update({META.c.value: str(version + 1)}).where(stored).execute(database):
            for statement in _MIGRATIONS[version]:
                _run(database, statement)
    return version + 1


def _run(database: Database, statement: str) -> None:
    database.execute_sql(statement)  # type: ignore[no-untyped-call]


def _without_password(location: str) -> str:
    scheme, separator, rest = location.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if separator else location
