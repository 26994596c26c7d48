"""SQL: two views of the same rows, and nothing else within reach of a statement."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.errors import UserError
from catalog.sql import select
from catalog.store import open_snapshot

TABLE = open_snapshot(Path("/nonexistent")).table


def test_views_agree_row_by_row() -> None:
    (found,) = select(
        TABLE,
        "select count(*) n, max(abs(o.price * 1e6 - e.price_micro_usd)) price,"
        " max(abs(o.memory_gib * 1024 - e.memory_mib)) memory"
        " from offers o positional join exact e",
    ).to_pylist()
    assert found["n"] == TABLE.num_rows
    assert found["price"] < 0.01
    assert found["memory"] < 0.01


def test_a_question_is_answered() -> None:
    (cheapest,) = select(
        TABLE,
        "select cloud, instance_type, price from offers where accelerator = 'H100' and accelerator_count = 8"
        " order by price limit 1",
    ).to_pylist()
    rows = [
        r for r in TABLE.to_pylist() if r["accelerator"] == "H100" and r["accelerator_count_milli"] == 8_000
    ]
    assert cheapest["price"] == min(row["price_micro_usd"] for row in rows) / 1e6


@pytest.mark.parametrize(
    "statement",
    [
        "selekt 1",
        "select * from nowhere",
        "select * from read_csv('/etc/passwd')",
        "copy offers to '{tmp}/stolen.csv'",
        "attach '{tmp}/other.db'",
        "set enable_external_access = true",
        "install httpfs",
        "select * from table",
    ],
)
def test_what_is_out_of_reach_is_an_error_that_says_what_there_is(statement: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"offers|SELECT"):
        select(TABLE, statement.format(tmp=tmp_path))
    assert not list(tmp_path.iterdir())
