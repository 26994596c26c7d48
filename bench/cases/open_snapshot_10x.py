"""Opening a snapshot of ten times today's offers, against opening today's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.large_catalog import TIMES, write_large_catalog
from bench.sample import Sample, timed


@contextmanager
def _prepare(home: Path) -> Iterator[Pair]:
    from catalog.snapshot import EMBEDDED, read_snapshot

    folder = write_large_catalog(home / "large").folder

    def large() -> Sample:
        sample, snapshot = timed(lambda: read_snapshot(folder))
        assert snapshot.rows == TIMES * read_snapshot(EMBEDDED).rows
        return sample

    def today() -> Sample:
        return timed(lambda: read_snapshot(EMBEDDED))[0]

    yield large, today


CASE = Case("open a snapshot of 1.4 M offers", "today's snapshot", _prepare, rounds=51, target_s=0.010)
