"""Finding what satisfies a requirement among ten times today's offers, against one raw scan by Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.large_catalog import TIMES, write_large_catalog
from bench.sample import Sample, timed

COLUMNS = ("vcpus_milli", "memory_mib", "accelerator_count_milli")


@contextmanager
def _prepare(home: Path) -> Iterator[Pair]:
    import pyarrow as pa
    import pyarrow.compute as pc

    from catalog import query
    from catalog.store import open_snapshot

    table = write_large_catalog(home / "large").table

    def find(offers: pa.Table) -> int:
        mask = query.mask_equal(offers, "accelerator", "A100")
        mask &= query.mask_range(offers, "accelerator_count_milli", 8000, 8000)
        mask &= query.mask_range(offers, "vcpus_milli", 8000)
        mask &= query.mask_range(offers, "memory_mib", 65536)
        mask &= ~query.mask_equal(offers, "restricted_region", True)
        return len(query.rows(mask))

    def scan() -> int:
        mask = pc.greater(table[COLUMNS[0]], 0)
        for column in COLUMNS[1:]:
            mask = pc.and_(mask, pc.greater_equal(table[column], 8000))
        return int(pc.sum(mask).as_py())

    wanted = TIMES * find(open_snapshot().table)

    def ours() -> Sample:
        sample, found = timed(lambda: find(table))
        assert found == wanted > 0
        return sample

    def raw() -> Sample:
        return timed(scan)[0]

    yield ours, raw


CASE = Case("query of 1.4 M offers", "raw Arrow scan of three columns", _prepare, rounds=51, target_s=0.010)
