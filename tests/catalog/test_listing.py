"""Listing: one row a region and kind, the lowest price of its zones, in order."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from catalog.listing import Listed, Wanted, listed
from catalog.store import open_snapshot

WHOLE = open_snapshot(Path("/nonexistent")).table


def by_hand(wanted: Wanted) -> set[Listed]:
    """Group the catalog's rows one by one."""
    groups: dict[tuple[str, str, str, str, int], list[dict[str, object]]] = defaultdict(list)
    for row in WHOLE.to_pylist():
        if (
            row["accelerator"]
            and (wanted.name is None or wanted.name.search(row["accelerator"]))
            and (wanted.region is None or wanted.region.search(row["region"]))
            and wanted.count_milli in {None, row["accelerator_count_milli"]}
            and (wanted.clouds is None or row["cloud"] in wanted.clouds)
        ):
            key = ("cloud", "region", "instance_type", "accelerator", "accelerator_count_milli")
            groups[tuple(row[name] for name in key)].append(row)  # type: ignore[index]
    found = set()
    for key, rows in groups.items():
        cheapest = min(rows, key=lambda row: row["price_micro_usd"])  # type: ignore[arg-type, return-value]
        spots = [row["spot_price_micro_usd"] for row in rows if row["spot_price_micro_usd"] is not None]
        figures = ("accelerator_memory_mib", "vcpus_milli", "memory_mib", "price_micro_usd")
        spot = min(spots, default=None)  # type: ignore[type-var]
        found.add(Listed(*key, *(cheapest[name] for name in figures), spot))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(name=re.compile("^A100")),
        Wanted(region=re.compile("us-east"), count_milli=8_000),
        Wanted(clouds={"lambda", "nebius"}),
        Wanted(clouds={"nowhere"}),
    ],
    ids=["name", "region and count", "clouds", "none"],
)
def test_rows_are_those_of_the_catalog(wanted: Wanted) -> None:
    found = list(listed(WHOLE, wanted))
    assert set(found) == by_hand(wanted)
    assert len(found) == len(set(found))


def test_rows_ascend_by_accelerator_count_and_price() -> None:
    found = list(listed(WHOLE, Wanted()))
    keys = [(each.accelerator, each.accelerator_count_milli, each.price_micro_usd) for each in found]
    assert keys == sorted(keys)
    assert len(found) > 5_000
