"""Opening the embedded snapshot, against Arrow's own memory-mapped read of the same file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.sample import Sample, timed


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    import pyarrow as pa

    from catalog.snapshot import EMBEDDED, OFFERS_FILE, read_snapshot

    def ours() -> Sample:
        sample, snapshot = timed(lambda: read_snapshot(EMBEDDED))
        assert snapshot.rows == snapshot.table.num_rows > 100_000
        return sample

    def raw() -> Sample:
        sample, table = timed(lambda: pa.ipc.open_file(pa.memory_map(str(EMBEDDED / OFFERS_FILE))).read_all())
        assert table.num_rows > 100_000
        return sample

    yield ours, raw


CASE = Case("open the snapshot", "Arrow's memory-mapped read", _prepare, rounds=51, target_s=0.010)
