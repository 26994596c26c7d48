"""The column of volatilities against the history read offer by offer."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog import history
from catalog.additions import append_offers
from catalog.build import offers
from catalog.difference import difference
from catalog.facts import facts_of_rows, tidied
from catalog.offer import Market, Offer, OfferKey
from catalog.schema import SPOT_VOLATILITY
from catalog.volatility import spot_volatility_ppm, volatility, with_spot_volatility

if TYPE_CHECKING:
    import pyarrow as pa

AT = datetime(2026, 1, 1, tzinfo=timezone.utc)
PLACES = [("acme", "r1", "z1"), ("acme", "r1", "z2"), ("acme", "r2", "z1"), ("brio", "r1", "z1")]
NODES = [("m1", None, None), ("m1", "K1", 1.0), ("m1", "K1", 8.0), ("m2", "K1", 1.0)]


def offers_at(prices: dict[tuple[int, int], float | None]) -> pa.Table:
    """Return the offers (place, node) of ``prices`` at those spot prices; ``None`` is on demand alone."""
    rows = [
        {
            "cloud": PLACES[place][0],
            "region": PLACES[place][1],
            "zone": PLACES[place][2],
            "instance_type": NODES[node][0],
            "accelerator_name": NODES[node][1],
            "accelerator_count": NODES[node][2],
            "vcpus": 1,
            "memory_gib": 1,
            "price": 10.0,
            "spot_price": price,
            "source": "list",
        }
        for (place, node), price in prices.items()
    ]
    return offers(tidied(facts_of_rows(rows)))


def publish(tables: list[pa.Table], home: Path, days: int) -> None:
    for number, (before, after) in enumerate(pairwise(tables)):
        ids = (f"{at:064x}" for at in (number, number + 1))
        old, new = ids
        at = AT + timedelta(days=days * number)
        history.record(difference(before, after), old, new, at, {}, home)
        history.settle(new, home)


@pytest.mark.parametrize("days", [1, 20])
def test_every_row_has_what_its_own_series_says(days: int, home: Path) -> None:
    """Offers come and go, lose and regain their spot price, and move, at random."""
    chance = np.random.default_rng(days)
    keys = [(place, node) for place in range(len(PLACES)) for node in range(len(NODES))]
    tables = []
    for _ in range(12):
        there = [key for key in keys if chance.random() < 0.8] or keys[:1]
        prices = {key: None if chance.random() < 0.2 else float(chance.integers(1, 9)) for key in there}
        tables.append(offers_at(prices))
    publish(tables, home, days)
    table = tables[-1]
    found = spot_volatility_ppm(table, home)
    series = {**history.series(table, "x", "m1", home=home), **history.series(table, "x", "m2", home=home)}
    columns = [table[name].to_pylist() for name in history.KEY]
    told = [volatility(series[key]) * 1e6 for key in zip(*columns, strict=True)]
    assert found == pytest.approx(told, abs=1)
    assert len(set(found)) > 5


def test_no_history_and_no_change_are_no_volatility(home: Path) -> None:
    table = offers_at({(0, 0): 1.0, (0, 1): 2.0})
    assert spot_volatility_ppm(table, home).tolist() == [0, 0]
    publish([table, offers_at({(0, 0): 1.0, (0, 1): 3.0})], home, 1)
    still, moved = spot_volatility_ppm(table, home).tolist()
    assert (still, moved) == (0, round(log(1.5) * 1e6))
    assert spot_volatility_ppm(table.slice(0, 0), home).tolist() == []


def test_the_column_stays_beside_offers_that_no_snapshot_holds(home: Path) -> None:
    table = with_spot_volatility(offers_at({(0, 0): 1.0}), home)
    node = Offer(OfferKey("ssh", "mine", "", "h1", "", 0, Market.OWNED), 1_000, 1_024, 0, "x86_64", 0)
    both = append_offers(table, [node])
    assert both[SPOT_VOLATILITY].to_pylist() == [0, None]
