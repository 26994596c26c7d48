"""Tables of facts: their columns, their currency, and their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.build import FACTS as FACT_FILES
from catalog.errors import CatalogError
from catalog.facts import FACTS, check, currency, facts, facts_of_rows, read_facts, write_facts

ROW = {"cloud": "acme", "region": "r1", "instance_type": "m1", "price": 1.5, "source": "list"}


@pytest.mark.parametrize("path", sorted(FACT_FILES.glob("*.parquet")), ids=lambda path: path.stem)
def test_the_fact_files_are_facts(path: Path) -> None:
    assert currency(read_facts(path)) == "USD"


def test_columns_left_out_are_null_and_the_currency_is_kept(tmp_path: Path) -> None:
    table = facts_of_rows([{**ROW, "vcpus": 2}], currency="EUR")
    write_facts(table, tmp_path / "new" / "facts.parquet")
    again = read_facts(tmp_path / "new" / "facts.parquet")
    assert again.equals(table)
    assert currency(again) == "EUR"
    assert again.to_pylist()[0] == {**dict.fromkeys(FACTS.names), **ROW, "vcpus": 2.0}
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["facts.parquet"]


def test_what_is_not_a_fact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no column colour"):
        facts_of_rows([{**ROW, "colour": "red"}])
    with pytest.raises(CatalogError, match="no column colour"):
        facts({"colour": ["red"]})
    with pytest.raises(CatalogError, match="column price is not double"):
        facts_of_rows([{**ROW, "price": "cheap"}])
    with pytest.raises(CatalogError, match="price is empty in 1 rows"):
        facts_of_rows([{**ROW, "price": None}])
    with pytest.raises(CatalogError, match=r"missing, or of another type, spot_price"):
        check(facts_of_rows([ROW]).drop_columns(["spot_price"]))
    (tmp_path / "bad.parquet").write_bytes(b"no")
    with pytest.raises(CatalogError, match="cannot be read"):
        read_facts(tmp_path / "bad.parquet")
