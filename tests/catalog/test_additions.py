"""Offers beside a snapshot: every row is kept, the new ones stand in key order, the schema holds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from catalog.additions import append_offers
from catalog.conform import conform
from catalog.errors import CatalogError
from catalog.offer import Market, Offer, OfferKey
from catalog.schema import OFFERS
from catalog.store import open_snapshot


def machine(accelerator: str = "", count_milli: int = 0) -> Offer:
    key = OfferKey("local", "local", "", "this-machine", accelerator, count_milli, Market.OWNED)
    return Offer(key, 2_000, 8_192, 0, "x86_64", 0)


@pytest.mark.parametrize("base", [(0, 0), (0, 50), (90_000, 2_000)])
def test_appending_equals_conforming_the_concatenation(base: tuple[int, int]) -> None:
    table = open_snapshot().table.slice(*base)
    joined = append_offers(table, [machine("T4", 2_000), machine()])
    joined.validate(full=True)
    assert joined.schema.equals(OFFERS)
    assert joined.num_rows == table.num_rows + 2
    assert joined.to_pylist() == conform(joined).to_pylist()
    added = [row for row in joined.to_pylist() if row["cloud"] == "local"]
    assert [row["accelerator"] for row in added] == ["", "T4"]
    assert [row["accelerator_gflops_bf16"] for row in added] == [0, 65_000]
    assert all(row["spot_price_micro_usd"] is None and row["price_micro_usd"] == 0 for row in added)
    assert [row for row in joined.to_pylist() if row["cloud"] != "local"] == table.to_pylist()


def test_a_cloud_that_is_there_already_is_refused() -> None:
    joined = append_offers(open_snapshot().table.slice(0, 10), [machine()])
    with pytest.raises(CatalogError, match="local"):
        append_offers(joined, [machine()])


def test_pandas_stays_out() -> None:
    code = (
        "import sys; from catalog.store import open_snapshot; from catalog.additions import append_offers;"
        "from catalog.offer import *;"
        "key = OfferKey('local', 'local', '', 'this-machine', '', 0, Market.OWNED);"
        "append_offers(open_snapshot().table, [Offer(key, 1, 1, 0, 'x86_64', 0)]);"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
