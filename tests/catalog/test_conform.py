"""Bringing tables into the schema."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.conform import conform
from catalog.errors import CatalogError
from catalog.schema import OFFERS, TEXT_COLUMNS
from catalog.store import open_snapshot

WHOLE = open_snapshot(Path("/nonexistent")).table
SOME = conform(WHOLE.slice(60_000, 40))


def plain(table: pa.Table) -> pa.Table:
    fields = [field.with_type(pa.utf8()) if field.name in TEXT_COLUMNS else field for field in OFFERS]
    return table.cast(pa.schema(fields))


def test_a_conforming_table_comes_back_equal() -> None:
    assert conform(SOME).equals(SOME)


@given(st.permutations(range(40)))
def test_row_order_and_encoding_do_not_matter(order: list[int]) -> None:
    assert conform(plain(SOME).take(order)).equals(SOME)


def test_dictionaries_hold_only_what_the_rows_use() -> None:
    for name in TEXT_COLUMNS:
        words = SOME[name].chunk(0).dictionary.to_pylist()
        assert words == sorted(set(SOME[name].to_pylist()))


def test_columns_in_any_order_and_extra_ones_are_put_right() -> None:
    mixed = SOME.select(OFFERS.names[::-1]).append_column("more", SOME["price_micro_usd"])
    assert conform(mixed).equals(SOME)


def test_errors_name_the_column() -> None:
    broken = plain(SOME)
    index = broken.column_names.index("vcpus_milli")
    nulled = broken.set_column(index, "vcpus_milli", pa.nulls(40, pa.int32()))
    with pytest.raises(CatalogError, match="vcpus_milli has nulls"):
        conform(nulled)
    text = broken.set_column(index, "vcpus_milli", pc.binary_join_element_wise(broken["cloud"], "x", ""))
    with pytest.raises(CatalogError, match=r"catalog/schema\.py"):
        conform(text)


def test_an_empty_table_conforms() -> None:
    empty = conform(SOME.slice(0, 0))
    assert empty.num_rows == 0
    assert empty.schema.equals(OFFERS)
