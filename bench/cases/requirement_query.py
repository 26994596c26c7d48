"""Finding the offers that satisfy a requirement, against one raw scan of the same columns by Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.sample import Sample, timed

COLUMNS = ("vcpus_milli", "memory_mib", "accelerator_count_milli")


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    import pyarrow.compute as pc

    from catalog import query
    from catalog.store import open_snapshot

    table = open_snapshot().table

    def find() -> list[int]:
        mask = query.mask_equal(table, "accelerator", "A100")
        mask &= query.mask_range(table, "accelerator_count_milli", 8000, 8000)
        mask &= query.mask_range(table, "vcpus_milli", 8000)
        mask &= query.mask_range(table, "memory_mib", 65536)
        mask &= ~query.mask_equal(table, "restricted_region", True)
        found: list[int] = query.rows(mask).tolist()
        return found

    def scan() -> int:
        mask = pc.greater(table[COLUMNS[0]], 0)
        for column in COLUMNS[1:]:
            mask = pc.and_(mask, pc.greater_equal(table[column], 8000))
        return int(pc.sum(mask).as_py())

    wanted = [
        number
        for number, row in enumerate(table.select(["accelerator", "restricted_region", *COLUMNS]).to_pylist())
        if row["accelerator"] == "A100"
        and row["accelerator_count_milli"] == 8000
        and row["vcpus_milli"] >= 8000
        and row["memory_mib"] >= 65536
        and not row["restricted_region"]
    ]

    def ours() -> Sample:
        sample, found = timed(find)
        assert found == wanted != []
        return sample

    def raw() -> Sample:
        return timed(scan)[0]

    yield ours, raw


CASE = Case("requirement query", "raw Arrow scan of three columns", _prepare, rounds=51, target_s=0.010)
