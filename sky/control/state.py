"""The cluster store: records with versioned compare-and-set, what was paid, and what was tried."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from peewee import Database, IntegrityError

from catalog.errors import SkyError
from sky.control.database import ATTEMPTS, CLUSTERS, LIFETIMES, URL_VARIABLE, USAGE, open_database
from sky.control.locks import PATIENCE_S, cluster_lock
from sky.control.records import (
    ASIDE,
    Attempt,
    ClusterRecord,
    Lifetime,
    UsageInterval,
    offer_from_json,
    offer_to_json,
    scope_from_json,
    scope_to_json,
)
from sky.statuses import ClusterStatus

_JSON_FIELDS = ("resources", "handle", "plan")
_FLAGS = ("ever_up", "to_down")
_IDS_A_QUERY = 500


class StaleRecord(SkyError):
    """Somebody else changed or closed the record since it was read; read it again and decide anew."""


class Store:
    """Clusters by name. Every write is one transaction that names the version it was made from."""

    def __init__(
        self, database: Database, url: str | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._url = url
        self._clock = clock

    def now(self) -> int:
        """Return the time in whole seconds since the epoch."""
        return int(self._clock())

    def thread(self) -> AbstractContextManager[object]:
        """Return a context for work in another thread: its own connection, closed at the end."""
        context: AbstractContextManager[object] = self._database.connection_context()
        return context

    def lock(self, name: str, timeout_s: float = PATIENCE_S) -> AbstractContextManager[None]:
        """Return the lock of cluster ``name``; see ``sky.control.locks.cluster_lock``."""
        return cluster_lock(name, self._url, timeout_s)

    def get(self, name: str) -> ClusterRecord | None:
        """Return the record of ``name``, or ``None``."""
        rows = list(CLUSTERS.select().where(CLUSTERS.c.name == name).execute(self._database))
        return _record(rows[0]) if rows else None

    def records(self) -> list[ClusterRecord]:
        """Return all records, the newest launch first."""
        rows = (
            CLUSTERS.select().order_by(CLUSTERS.c.launched_at.desc(), CLUSTERS.c.name).execute(self._database)
        )
        return [_record(row) for row in rows]

    def add(self, record: ClusterRecord) -> ClusterRecord:
        """Commit a new record, and return it as stored. Raises ``StaleRecord`` if the name is taken."""
        stored = replace(record, version=1, status_at=self.now())
        try:
            with self._database.atomic():
                CLUSTERS.insert(_row(stored)).execute(self._database)
                LIFETIMES.insert(_life_row(stored, self.now())).execute(self._database)
                self._account(stored)
        except IntegrityError:
            raise StaleRecord(f"cluster {record.name} was created by another command meanwhile") from None
        return stored

    def update(self, record: ClusterRecord, *, since: int = 0, **changes: Any) -> ClusterRecord:
        """Commit ``changes`` to ``record``, and return it as stored.

        ``since`` is when a cluster that is found stopped did so, if that is known. Raises
        ``StaleRecord`` when ``record`` is not the newest version, ``IllegalTransition`` for a status that may
        not follow.
        """
        changed = replace(record, version=record.version + 1, **changes)
        record.check_transition(changed.status)
        if changed.status is ClusterStatus.UP:
            changed = replace(changed, ever_up=True, reason="")
        if changed.status is not record.status:
            changed = replace(changed, status_at=self.now())
        with self._database.atomic():
            query = CLUSTERS.update(_row(changed)).where(*_same(record))
            if query.execute(self._database) != 1:
                raise _stale(record)
            self._account(changed, since)
        return changed

    def close(self, record: ClusterRecord, *, since: int = 0) -> None:
        """Remove ``record``: the cluster is gone, ``since`` then if that is known.

        What was paid for it stays, and that it was. Raises ``StaleRecord``.
        """
        with self._database.atomic():
            if CLUSTERS.delete().where(*_same(record)).execute(self._database) != 1:
                raise _stale(record)
            self._end_usage(record, since)
            ended = {
                LIFETIMES.c.closed_at: self.now(),
                LIFETIMES.c.name: record.name,
                LIFETIMES.c.last_use: record.last_use,
            }
            LIFETIMES.update(ended).where(LIFETIMES.c.cluster_id == record.cluster_id).execute(self._database)

    def rename(self, record: ClusterRecord, name: str) -> ClusterRecord:
        """Commit ``name`` as the record's, and return it as stored. Raises ``StaleRecord``, also if taken."""
        renamed = replace(record, name=name, version=record.version + 1)
        try:
            with self._database.atomic():
                changes = {CLUSTERS.c.name: name, CLUSTERS.c.version: renamed.version}
                if CLUSTERS.update(changes).where(*_same(record)).execute(self._database) != 1:
                    raise _stale(record)
                USAGE.update({USAGE.c.cluster_name: name}).where(
                    USAGE.c.cluster_id == record.cluster_id
                ).execute(self._database)
        except IntegrityError:
            raise StaleRecord(f"cluster {name} was created by another command meanwhile") from None
        return renamed

    def aside(self, name: str) -> list[ClusterRecord]:
        """Return the records of what was made on the way to cluster ``name``: racers, the copy of a disk."""
        prefix = f"{name}{ASIDE}"
        rows = CLUSTERS.select().where(CLUSTERS.c.name.startswith(prefix)).execute(self._database)
        return [_record(row) for row in rows if row["name"].startswith(prefix)]

    def add_attempt(self, attempt: Attempt) -> None:
        """Append a failed try."""
        row = {name: getattr(attempt, name) for name in Attempt.__slots__}
        row["scope"] = scope_to_json(attempt.scope)
        ATTEMPTS.insert({getattr(ATTEMPTS.c, name): value for name, value in row.items()}).execute(
            self._database
        )

    def attempts(self, cluster_id: str) -> list[Attempt]:
        """Return the failed tries to make a cluster, oldest first."""
        rows = ATTEMPTS.select().where(ATTEMPTS.c.cluster_id == cluster_id).order_by(ATTEMPTS.c.at)
        return [_attempt(row) for row in rows.execute(self._database)]

    def standing_attempts(self) -> list[Attempt]:
        """Return the failed tries that are expected to fail still, oldest first."""
        standing = ATTEMPTS.c.at + ATTEMPTS.c.ttl_s > self.now()
        rows = ATTEMPTS.select().where(standing).order_by(ATTEMPTS.c.at)
        return [_attempt(row) for row in rows.execute(self._database)]

    def end_attempts(self, attempts: Iterable[Attempt]) -> None:
        """Expect these to fail no longer than until now; over already is fine."""
        now = self.now()
        ids = [attempt.cluster_id for attempt in attempts]
        with self._database.atomic():
            for start in range(0, len(ids), _IDS_A_QUERY):
                among = ATTEMPTS.c.cluster_id.in_(ids[start : start + _IDS_A_QUERY])
                standing = ATTEMPTS.c.at + ATTEMPTS.c.ttl_s > now
                over = ATTEMPTS.update({ATTEMPTS.c.ttl_s: now - ATTEMPTS.c.at}).where(among, standing)
                over.execute(self._database)

    def usage(self) -> list[UsageInterval]:
        """Return every interval that was paid for, of clusters that are gone too, oldest first."""
        rows = USAGE.select().order_by(USAGE.c.started_at).execute(self._database)
        return [UsageInterval(**{**row, "offer": offer_from_json(row["offer"])}) for row in rows]

    def lifetimes(self) -> list[Lifetime]:
        """Return every cluster that ever had a record here, the newest first."""
        rows = LIFETIMES.select().order_by(LIFETIMES.c.created_at.desc(), LIFETIMES.c.cluster_id)
        return [
            Lifetime(**{**row, "offer": offer_from_json(row["offer"])})
            for row in rows.execute(self._database)
        ]

    def _account(self, record: ClusterRecord, since: int = 0) -> None:
        """Open or end the interval of use: nodes are paid for from the first handle until they stop."""
        if record.handle is None:
            return
        if record.status is ClusterStatus.STOPPED:
            self._end_usage(record, since)
            return
        if self._open_since(record) is None:
            interval = {
                USAGE.c.cluster_id: record.cluster_id,
                USAGE.c.cluster_name: record.name,
                USAGE.c.started_at: self.now(),
                USAGE.c.ended_at: None,
                USAGE.c.num_nodes: record.num_nodes,
                USAGE.c.price_micro_usd: record.offer.price_micro_usd,
                USAGE.c.offer: offer_to_json(record.offer),
            }
            USAGE.insert(interval).execute(self._database)

    def _open_since(self, record: ClusterRecord) -> int | None:
        rows = USAGE.select(USAGE.c.started_at).where(*_open_interval(record)).execute(self._database)
        return next((int(row["started_at"]) for row in rows), None)

    def _end_usage(self, record: ClusterRecord, since: int) -> None:
        """End the open interval at ``since``, which lies between its start and now; now where it is 0."""
        started_at, now = self._open_since(record), self.now()
        if started_at is not None:
            ended_at = min(max(since or now, started_at), now)
            ended = USAGE.update({USAGE.c.ended_at: ended_at}).where(*_open_interval(record))
            ended.execute(self._database)


def open_store() -> Store:
    """Return the store of this environment; see ``sky.control.database.open_database``."""
    return Store(open_database(), os.environ.get(URL_VARIABLE) or None)


def _stale(record: ClusterRecord) -> StaleRecord:
    return StaleRecord(
        f"cluster {record.name} was changed by another command meanwhile; run the command again"
    )


def _same(record: ClusterRecord) -> tuple[Any, ...]:
    return (
        CLUSTERS.c.name == record.name,
        CLUSTERS.c.cluster_id == record.cluster_id,
        CLUSTERS.c.version == record.version,
    )


def _open_interval(record: ClusterRecord) -> tuple[Any, ...]:
    return USAGE.c.cluster_id == record.cluster_id, USAGE.c.ended_at.is_null()


def _life_row(record: ClusterRecord, now: int) -> dict[Any, Any]:
    life = Lifetime(
        cluster_id=record.cluster_id,
        name=record.name,
        owner=record.owner,
        created_at=now,
        closed_at=None,
        num_nodes=record.num_nodes,
        offer=record.offer,
        last_use=record.last_use,
    )
    values = {name: getattr(life, name) for name in Lifetime.__slots__}
    values["offer"] = offer_to_json(life.offer)
    return {getattr(LIFETIMES.c, name): value for name, value in values.items()}


def _row(record: ClusterRecord) -> dict[Any, Any]:
    values = {name: getattr(record, name) for name in ClusterRecord.__slots__}
    values["status"] = record.status.value
    values["offer"] = offer_to_json(record.offer)
    for name in _JSON_FIELDS:
        values[name] = None if values[name] is None else json.dumps(values[name], sort_keys=True)
    for name in _FLAGS:
        values[name] = int(values[name])
    return {getattr(CLUSTERS.c, name): value for name, value in values.items()}


def _attempt(row: dict[str, Any]) -> Attempt:
    return Attempt(**{**row, "scope": scope_from_json(row["scope"])})


def _record(row: dict[str, Any]) -> ClusterRecord:
    values = dict(row)
    values["status"] = ClusterStatus(values["status"])
    values["offer"] = offer_from_json(values["offer"])
    for name in _JSON_FIELDS:
        values[name] = None if values[name] is None else json.loads(values[name])
    for name in _FLAGS:
        values[name] = bool(values[name])
    return ClusterRecord(**values)
