"""Differences between tables, the history of refreshes, and how restless a price is."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise
from math import log, sqrt

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from catalog import history
from catalog.build import offers
from catalog.difference import Counts, counts, difference
from catalog.facts import facts_of_rows, tidied
from catalog.history import Point
from catalog.offer import Market
from catalog.volatility import volatility

AT = datetime(2026, 11, 1, tzinfo=timezone.utc)


def _offers(**prices: float | tuple[float, float]) -> pa.Table:
    """Offers m1, m2, ... of one place at a price, or at a price and a spot price."""
    rows = [
        {
            "cloud": "acme",
            "region": "r1",
            "instance_type": name,
            "vcpus": 1,
            "memory_gib": 1,
            "price": price[0] if isinstance(price, tuple) else price,
            "spot_price": price[1] if isinstance(price, tuple) else None,
            "source": "list",
        }
        for name, price in prices.items()
    ]
    return offers(tidied(facts_of_rows(rows)))


def test_a_difference_has_what_was_added_is_gone_and_moved_and_nothing_else() -> None:
    before = _offers(gone=1.0, same=2.0, dearer=3.0, cheaper=4.0, spot=(5.0, 2.0), lost_spot=(6.0, 2.0))
    after = _offers(same=2.0, dearer=3.5, cheaper=3.5, spot=(5.0, 2.5), lost_spot=6.0, added=7.0)
    changes = difference(before, after)
    found = {row["instance_type"]: row for row in changes.to_pylist()}
    assert sorted(found) == ["added", "cheaper", "dearer", "gone", "lost_spot", "spot"]
    assert (found["gone"]["price_micro_usd_before"], found["gone"]["price_micro_usd"]) == (1_000_000, None)
    assert (found["added"]["price_micro_usd_before"], found["added"]["price_micro_usd"]) == (None, 7_000_000)
    assert found["spot"]["spot_price_micro_usd"] == 2_500_000
    assert found["lost_spot"]["spot_price_micro_usd"] is None
    assert counts(changes) == {"acme": Counts(added=1, gone=1, dearer=1, cheaper=1, spot=2, interruption=0)}


def test_nothing_differs_from_itself_or_from_nothing_at_all() -> None:
    table = _offers(m1=1.0, m2=(2.0, 1.0))
    assert difference(table, table).num_rows == 0
    assert counts(difference(table.slice(0, 0), table))["acme"].added == 2
    assert counts(difference(table, table.slice(0, 0)))["acme"].gone == 2


def _id(number: int) -> str:
    return f"{number:x}" * 64


def _record(tables: list[pa.Table], settle: bool = True) -> None:
    for number, (before, after) in enumerate(pairwise(tables)):
        ids = _id(number), _id(number + 1)
        changes = difference(before, after)
        history.record(changes, *ids, AT + timedelta(days=number), {"acme": ["moved"]})
        if settle:
            history.settle(ids[1])


def test_the_points_of_an_offer_are_its_first_figures_and_every_change() -> None:
    tables = [_offers(m1=(2.0, 1.0), m2=9.0), _offers(m1=(2.0, 1.5)), _offers(m1=(2.0, 1.5), m2=8.0)]
    _record([*tables, tables[-1]])
    ((key, points),) = history.series(tables[-1], "x", "m1").items()
    assert key == ("acme", "r1", "", "m1", "", 0)
    assert [(point.at, point.spot_price_micro_usd) for point in points] == [
        (None, 1_000_000),
        (AT, 1_500_000),
    ]
    ((_, points),) = history.series(tables[-1], "x", "m2", region="r1").items()
    assert [point.price_micro_usd for point in points] == [9_000_000, None, 8_000_000]
    assert history.series(tables[-1], "x", "m2", region="r2") == {}
    assert [each.changed for each in history.refreshes()] == [2, 1, 0]
    assert history.refreshes()[0].accepted == {"acme": ["moved"]}


def test_an_offer_that_never_changed_has_the_price_in_use() -> None:
    ((_, points),) = history.series(_offers(m1=2.0), "now", "m1").items()
    assert points == [Point(None, "now", 2_000_000, None, None)]


def test_changes_to_a_snapshot_that_never_came_into_use_do_not_count() -> None:
    tables = [_offers(m1=1.0), _offers(m1=2.0)]
    _record(tables, settle=False)
    assert history.refreshes() == []
    history.settle(_id(0))
    history.settle(_id(1))
    assert history.refreshes() == []
    _record(tables, settle=False)
    history.settle(_id(1))
    assert len(history.refreshes()) == 1


def test_a_history_holds_only_what_changed() -> None:
    before = _offers(**{f"m{number}": 1.0 for number in range(1000)})
    after = pc.if_else(pc.equal(before["instance_type"].cast(pa.utf8()), "m7"), 2_000_000, 1_000_000)
    at = before.schema.get_field_index("price_micro_usd")
    _record([before, before.set_column(at, before.schema.field(at), after.cast(pa.int64()))])
    (only,) = history.refreshes()
    assert only.changed == 1
    assert only.path.stat().st_size < 20_000


def test_volatility_is_the_root_of_the_squared_steps_of_a_month() -> None:
    def points(*spots: int | None, days: int = 30) -> list[Point]:
        return [
            Point(AT + timedelta(days=days * number), "", 10, spot, None) for number, spot in enumerate(spots)
        ]

    assert volatility(points(100, 110)) == pytest.approx(log(1.1))
    assert volatility(points(100, 110, 100)) == pytest.approx(log(1.1))
    assert volatility(points(100, 110, 100, days=1)) == pytest.approx(sqrt(2) * log(1.1))
    assert volatility(points(100, 200)) > volatility(points(100, 110))
    assert volatility(points(100)) == volatility(points(100, None, 100)) == volatility([]) == 0
    assert volatility(points(100, 200), Market.ON_DEMAND) == 0
