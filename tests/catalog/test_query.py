"""Vectorised predicates against plain Python over the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import query
from catalog.store import open_snapshot

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE = open_snapshot(Path("/nonexistent")).table
# Odd offsets and lengths, so that bitmaps begin and end inside a byte; ends with clouds that have nulls.
PART = WHOLE.slice(43_400, 301)
LAST = WHOLE.slice(136_844 - 133)
TEXT = ["cloud", "region", "zone", "instance_type", "arch", "accelerator", "source"]
FLAGS = ["burstable", "bare_metal", "restricted_region"]
NUMBERS = ["vcpus_milli", "memory_mib", "price_micro_usd", "spot_price_micro_usd", "interruption_ppm"]


def values(table: pa.Table, column: str) -> list[Any]:
    found: list[Any] = table[column].to_pylist()
    return found


@pytest.mark.parametrize("table", [PART, LAST, WHOLE.slice(0, 0)], ids=["middle", "end", "empty"])
@pytest.mark.parametrize("column", TEXT + FLAGS + NUMBERS)
def test_views_hold_the_columns_values(table: pa.Table, column: str) -> None:
    seen = query.view(table, column, absent=-1)
    if column in TEXT:
        words = query.dictionary(table, column)
        assert [words[code] for code in seen] == values(table, column)
    else:
        assert seen.tolist() == [-1 if value is None else value for value in values(table, column)]
    assert query.present(table, column).tolist() == [value is not None for value in values(table, column)]


def test_a_view_without_nulls_copies_nothing() -> None:
    seen = query.view(WHOLE, "price_micro_usd")
    assert not seen.flags.owndata
    assert not seen.flags.writeable


@given(st.sampled_from(TEXT), st.data())
def test_equal_text(column: str, data: st.DataObject) -> None:
    value = data.draw(st.sampled_from([*sorted(set(values(PART, column))), "no such", "zzz", "\U0001f600"]))
    assert query.mask_equal(PART, column, value).tolist() == [row == value for row in values(PART, column)]


@given(st.sampled_from(TEXT), st.data())
def test_in_text(column: str, data: st.DataObject) -> None:
    words = sorted(set(values(PART, column)))
    chosen = data.draw(st.lists(st.sampled_from([*words, "no such"]), max_size=5))
    assert query.mask_in(PART, column, chosen).tolist() == [row in chosen for row in values(PART, column)]


@given(st.sampled_from(NUMBERS), st.data())
def test_ranges(column: str, data: st.DataObject) -> None:
    bounds = st.none() | st.sampled_from([0, *{value for value in values(LAST, column) if value is not None}])
    lower, upper = data.draw(bounds), data.draw(bounds)
    expected = [
        row is not None and (lower is None or row >= lower) and (upper is None or row <= upper)
        for row in values(LAST, column)
    ]
    assert query.mask_range(LAST, column, lower, upper).tolist() == expected


@pytest.mark.parametrize("column", FLAGS)
@pytest.mark.parametrize("wanted", [True, False])
def test_equal_flags(column: str, wanted: bool) -> None:
    assert query.mask_equal(PART, column, wanted).tolist() == [row == wanted for row in values(PART, column)]


def test_a_null_equals_nothing_even_where_its_slot_holds_the_value() -> None:
    prices = values(LAST, "interruption_ppm")
    assert None in prices
    assert query.mask_equal(LAST, "interruption_ppm", 0).sum() == 0


def test_a_whole_requirement_finds_the_cheapest_offer() -> None:
    mask = (
        query.mask_equal(WHOLE, "accelerator", "A100")
        & query.mask_equal(WHOLE, "accelerator_count_milli", 8_000)
        & query.mask_in(WHOLE, "cloud", ("aws", "gcp", "azure"))
    )
    numbers = query.rows(mask)
    cheapest = numbers[np.argmin(query.view(WHOLE, "price_micro_usd")[numbers])]
    scan = [
        row["price_micro_usd"]
        for row in WHOLE.select(
            ["accelerator", "accelerator_count_milli", "cloud", "price_micro_usd"]
        ).to_pylist()
        if row["accelerator"] == "A100"
        and row["accelerator_count_milli"] == 8_000
        and row["cloud"] != "lambda"
    ]
    assert WHOLE["price_micro_usd"][int(cheapest)].as_py() == min(scan)
    assert len(numbers) == len(scan)
