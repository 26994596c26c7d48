"""Finding the offers that satisfy a requirement, against one raw Arrow scan of the same columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.sample import Sample, timed


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    import pyarrow.compute as pc

    from catalog import query
    from catalog.store import open_snapshot

    table = open_snapshot().table
    columns = ("vcpus_milli", "memory_mib", "accelerator_count_milli")

    def find() -> int:
        mask = pc.and_(
            query.mask_equal(table, "accelerator", "A100"),
            pc.and_(
                query.mask_range(table, "accelerator_count_milli", 8000, 8000),
                query.mask_range(table, "vcpus_milli", 8000, None),
            ),
        )
        return int(table.filter(mask).num_rows)

    def scan() -> int:
        mask = None
        for column in columns:
            hit = pc.greater(table[column], 0)
            mask = hit if mask is None else pc.and_(mask, hit)
        return int(table.filter(mask).num_rows)

    wanted = sum(
        row["accelerator"] == "A100" and row["accelerator_count_milli"] == 8000 and row["vcpus_milli"] >= 8000
        for row in table.select(["accelerator", *columns]).to_pylist()
    )

    def ours() -> Sample:
        sample, found = timed(find)
        assert found == wanted > 0
        return sample

    def raw() -> Sample:
        return timed(scan)[0]

    yield ours, raw


CASE = Case("requirement query", "raw Arrow scan of three columns", _prepare, rounds=51, target_s=0.010)
