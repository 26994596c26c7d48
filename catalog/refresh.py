"""Refresh the catalog: fetch -> judge -> merge -> compare -> swap; also as ``python -m catalog.refresh``.

Every step leaves the published snapshot alone until the last one, which is atomic. What was fetched before a
crash is used by the next refresh.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog import history
from catalog.atomic_file import replacing
from catalog.build import offers
from catalog.conform import conform
from catalog.difference import counts, difference
from catalog.errors import CatalogError, SkyError, UserError
from catalog.facts import FACTS
from catalog.gather import gather
from catalog.keys import fact_keys, offer_keys, positions
from catalog.outcome import Outcome, SourceOutcome, Status
from catalog.places import published_folder
from catalog.quality import check_names, judge
from catalog.query import Mask, dictionary, mask_equal, mask_in
from catalog.schema import OFFERS
from catalog.sources import registry
from catalog.sources.base import Source
from catalog.sources.work import Progress
from catalog.store import Snapshot, open_snapshot, shelve, sweep, use

JOBS = 4
"""How many sources are asked at a time unless told otherwise."""

_log = logging.getLogger("sky.catalog")


@dataclass(frozen=True, slots=True)
class Judged:
    """One source after the gates: its outcome, the offers that passed, and the facts in quarantine."""

    outcome: SourceOutcome
    offers: pa.Table
    quarantined: pa.Table
    untold: re.Pattern[str] | None = None

    @property
    def accepted(self) -> list[str]:
        """The gates that had something to say and were overruled."""
        return sorted({finding.gate for finding in self.outcome.findings if finding.accepted})


def chosen(clouds: Collection[str] = ()) -> tuple[Source, ...]:
    """Return the sources of these clouds, all sources for none. Raises ``UserError`` for an unknown one."""
    names = sorted(set(clouds)) or registry.names()
    if not names:
        raise UserError("no catalog source is installed; give a file of prices: sky catalog refresh --file")
    return tuple(registry.load(name) for name in names)


def refresh(
    sources: Sequence[Source],
    home: Path | None = None,
    *,
    jobs: int = JOBS,
    accept: Collection[str] = (),
    fresh: bool = False,
    report: Callable[[Progress], None] = lambda _progress: None,
    at: datetime | None = None,
) -> Outcome:
    """Fetch from ``sources``, and publish what passes the gates beside the other clouds' offers in use.

    ``accept`` names the gates to overrule (``catalog.quality.GATES``); with ``fresh`` nothing is used again
    that an earlier refresh fetched and did not publish. A source that fails or is held back leaves its cloud
    as it is. Raises ``UserError`` for two sources of one cloud or an unknown gate, and ``CatalogError`` when
    another refresh is running. Idempotent: nothing is published where nothing changed.
    """
    check_names(accept)
    clouds = [source.cloud for source in sources]
    if len(set(clouds)) < len(clouds):
        raise UserError(f"one source for each cloud at a time, not {', '.join(sorted(clouds))}")
    at = at or datetime.now(timezone.utc)
    with _alone(home):
        sweep(home)
        before = open_snapshot(home)
        history.settle(before.snapshot_id, home)
        fetched = gather(sources, home, jobs, report, fresh=fresh)
        judged = [_judged(source, fetched[source.name][1], before.table, accept, home) for source in sources]
        passed = {each.outcome.cloud: each for each in judged if each.outcome.status is Status.PASSED}
        snapshot, changes = _publish(before, passed, home, at)
        for each in passed.values():
            fetched[each.outcome.source][0].finish()
    return Outcome(
        at=at,
        before=before.snapshot_id,
        snapshot_id=snapshot.snapshot_id,
        rows=snapshot.rows,
        sources=tuple(each.outcome for each in judged),
        changes=counts(changes),
    )


def quarantine_file(source: str, home: Path | None = None) -> Path:
    """Return where the rows in quarantine of a source's last refresh are, with ``gate`` and ``reason``."""
    return published_folder(home) / "quarantine" / f"{source}.parquet"


def merge(table: pa.Table, judged: Mapping[str, Judged]) -> pa.Table:
    """Return ``table`` with the offers of each cloud in ``judged`` replaced by those that passed there.

    Where a row is in quarantine, the offer of ``table`` with its key stays; so do offers of instance types
    that a source says nothing of.
    """
    refreshed = pc.is_in(table["cloud"].cast(pa.utf8()), pa.array(sorted(judged), pa.utf8()))
    parts = [table.filter(pc.invert(refreshed)).replace_schema_metadata()]
    keys = offer_keys(table)
    for each in judged.values():
        apart = fact_keys(each.quarantined)
        kept = (positions(keys, apart) >= 0) | _are_untold(table, each.outcome.cloud, each.untold)
        stays = kept & (positions(keys, offer_keys(each.offers)) < 0)
        parts += [each.offers, table.take(pa.array(np.flatnonzero(stays))).replace_schema_metadata()]
    return conform(pa.concat_tables(parts))


def _judged(
    source: Source,
    facts: pa.Table | SkyError,
    table: pa.Table,
    accept: Collection[str],
    home: Path | None,
) -> Judged:
    """Return what came of one source. Whatever is wrong with it becomes its outcome and nothing else."""
    failed = SourceOutcome(source.name, source.cloud, Status.FAILED)
    if isinstance(facts, SkyError):
        return Judged(replace(failed, error=str(facts)), OFFERS.empty_table(), FACTS.empty_table())
    told = mask_equal(table, "cloud", source.cloud) & ~_are_untold(table, source.cloud, source.untold)
    before = table.filter(pa.array(told))
    try:
        verdict = judge(source.cloud, facts, before, accept)
        passed = offers(verdict.passed).replace_schema_metadata()
    except Exception as error:
        _log.debug("%s failed", source.name, exc_info=True)
        return Judged(
            replace(failed, rows=facts.num_rows, error=f"{source.name}: its rows cannot be judged: {error}"),
            OFFERS.empty_table(),
            FACTS.empty_table(),
        )
    outcome = SourceOutcome(
        source=source.name,
        cloud=source.cloud,
        status=Status.HELD_BACK if verdict.held_back else Status.PASSED,
        rows=facts.num_rows,
        quarantined=verdict.quarantined.num_rows,
        quarantine=_set_apart(source.name, verdict.quarantined, home),
        findings=verdict.findings,
    )
    return Judged(outcome, passed, verdict.quarantined, source.untold)


def _are_untold(table: pa.Table, cloud: str, untold: re.Pattern[str] | None) -> Mask:
    """Return the rows of ``cloud`` whose instance types are among the ``untold``."""
    types = [name for name in dictionary(table, "instance_type") if untold and untold.match(name)]
    return mask_equal(table, "cloud", cloud) & mask_in(table, "instance_type", types)


def _set_apart(source: str, quarantined: pa.Table, home: Path | None) -> str:
    """Write the rows in quarantine, or take away those of the last refresh; return the file's path."""
    import pyarrow.parquet as pq

    path = quarantine_file(source, home)
    if not quarantined.num_rows:
        path.unlink(missing_ok=True)
        return ""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        pq.write_table(quarantined, file)
    return str(path)


def _publish(
    before: Snapshot, judged: Mapping[str, Judged], home: Path | None, at: datetime
) -> tuple[Snapshot, pa.Table]:
    """Take what passed into use, unless nothing changed; return the snapshot in use and the changes."""
    table = merge(before.table, judged) if judged else before.table
    changes = difference(before.table, table)
    if table.equals(before.table):
        return before, changes
    provenance = _provenance(before.table, judged)
    snapshot = shelve(table.replace_schema_metadata({"provenance": provenance}), home)
    accepted = {cloud: each.accepted for cloud, each in judged.items() if each.accepted}
    history.record(changes, before.snapshot_id, snapshot.snapshot_id, at, accepted, home)
    use(snapshot.snapshot_id, home)
    history.settle(snapshot.snapshot_id, home)
    return snapshot, changes


def _provenance(before: pa.Table, judged: Mapping[str, Judged]) -> str:
    """Return, as JSON, cloud (or fact file) -> rows, their hash, and the gates overruled."""
    stated = (before.schema.metadata or {}).get(b"provenance", b"{}")
    known: dict[str, Any] = json.loads(stated)
    for cloud, each in judged.items():
        known.pop(f"{cloud}.parquet", None)
        rows = each.offers.num_rows
        known[cloud] = {"rows": rows, "sha256": _hash(each.offers), "accepted": each.accepted}
    return json.dumps(known, sort_keys=True)


def _hash(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()


@contextmanager
def _alone(home: Path | None) -> Iterator[None]:
    """Keep a second refresh out; the system ends this when the process ends, however it does."""
    root = published_folder(home)
    root.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(root / ".refresh.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise CatalogError("another refresh of this catalog is running; wait for it to end") from None
    try:
        yield
    finally:
        lock.release()


def _main(arguments: Sequence[str]) -> int:
    """Refresh the clouds named, all when none is; return 1 unless every source passed."""
    try:
        outcome = refresh(chosen(arguments))
    except SkyError as error:
        _log.error("%s", error)
        return 1
    for each in outcome.sources:
        found = "; ".join(
            f"{finding.gate}: {finding.rows or ''} {finding.reason}" for finding in each.findings
        )
        _log.info("%s: %s, %d rows %s", each.source, each.status.value, each.rows, each.error or found)
    _log.info("snapshot %s: %d offers", outcome.snapshot_id[:12], outcome.rows)
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    sys.exit(_main(sys.argv[1:]))
