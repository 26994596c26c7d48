"""Selection: named filters, their counts, prices, markets, and blocks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.errors import UserError
from catalog.offer import Market
from catalog.scope import Scope
from solver.candidates import candidates_of, rejections
from solver.columns import columns_of
from solver.request import Accelerators, Range, Runtime, TaskRequest
from tests.solver.builders import requirement
from tests.strategies import ToyTransfers, row_of, table_of

TOY = ToyTransfers(True, 0, 0, 0)
ROWS = [
    row_of(cloud="ares", region="east", zone="a", price_micro_usd=2_000_000, spot_price_micro_usd=500_000),
    row_of(cloud="ares", region="east", zone="b", arch="arm64"),
    row_of(cloud="ares", region="west", zone="a", burstable=True),
    row_of(cloud="brio", region="east", accelerator="K1", accelerator_count_milli=8_000),
]
COLUMNS = columns_of(TABLE := table_of(ROWS))


def test_filters_say_their_name_and_what_they_kept() -> None:
    """The filters run in the user's order, and each reports how many rows it left."""
    asked = requirement(cloud="ares", vcpus_milli=Range(4_000, None))
    found = candidates_of(COLUMNS, TaskRequest("main", (asked,)), (), TOY)
    assert [(one.name, one.kept) for one in found.filters] == [
        ("catalog", 4),
        ("cloud ares", 3),
        ("vCPUs >= 4", 3),
        ("architecture x86_64", 2),
        ("not burstable", 1),
        ("not bare metal", 1),
        ("no restricted region", 1),
        ("on-demand", 1),
    ]


def test_every_rejected_offer_has_the_first_reason() -> None:
    """``rejections`` names for each offer the first filter that turned it away."""
    names, reason = rejections(COLUMNS, requirement(cloud="ares"))
    told = [None if at < 0 else names[at] for at in reason[0]]
    assert told == [None, "architecture x86_64", "not burstable", "cloud ares"]


def test_spot_uses_the_spot_price_and_rows_without_one_are_not_sold_on_spot() -> None:
    """Both markets compete when both are asked for."""
    both = requirement(markets=(Market.SPOT, Market.ON_DEMAND), archs=("x86_64", "arm64"))
    found = candidates_of(COLUMNS, TaskRequest("main", (both,)), (), TOY)
    sold = sorted(zip(found.row.tolist(), found.market.tolist(), found.price_micro_usd.tolist(), strict=True))
    assert sold == [(0, 0, 2_000_000), (0, 1, 500_000), (1, 0, 1_000_000), (3, 0, 1_000_000)]


def test_a_block_without_a_market_covers_both() -> None:
    """``None`` is a wildcard; a market in the block limits it to that market."""
    both = requirement(markets=(Market.ON_DEMAND, Market.SPOT), cloud="ares")
    task = TaskRequest("main", (both,))
    assert len(candidates_of(COLUMNS, task, (Scope(zone="a"),), TOY)) == 0
    spot_only = candidates_of(COLUMNS, task, (Scope(zone="a", market=Market.SPOT),), TOY)
    assert spot_only.market.tolist() == [0]


def test_ordered_requirements_keep_the_first_that_has_an_offer() -> None:
    """An earlier requirement wins even when a later one is cheaper."""
    none, first, second = requirement(cloud="nowhere"), requirement(cloud="brio"), requirement(cloud="ares")
    task = TaskRequest("main", (none, first, second), ordered=True)
    found = candidates_of(COLUMNS, task, (), TOY)
    assert set(found.requirement.tolist()) == {1}
    assert len(candidates_of(COLUMNS, replace(task, ordered=False), (), TOY)) == 2


def test_cost_is_rounded_half_up_to_the_micro_dollar() -> None:
    """Two nodes, 0.000001 USD an hour, 900 seconds: half a micro-dollar, so one."""
    table = table_of([row_of(price_micro_usd=1)])
    task = TaskRequest("main", (requirement(runtime=Runtime(900)),), num_nodes=2)
    found = candidates_of(columns_of(table), task, (), TOY)
    assert found.cost_micro_usd.tolist() == [1]


def test_a_cost_beyond_exact_integers_is_refused() -> None:
    """Overflow is an error, not a wrong price."""
    task = TaskRequest("main", (requirement(runtime=Runtime(2**62)),), num_nodes=1000)
    with pytest.raises(UserError, match="too large to be exact"):
        candidates_of(COLUMNS, task, (), TOY)


def test_accelerator_counts_match_exactly() -> None:
    """Eight is not one."""
    eight = requirement(accelerators=(Accelerators("K1", 8_000),))
    one = requirement(accelerators=(Accelerators("K1", 1_000),))
    assert len(candidates_of(COLUMNS, TaskRequest("main", (eight,)), (), TOY)) == 1
    assert len(candidates_of(COLUMNS, TaskRequest("main", (one,)), (), TOY)) == 0


def test_an_offer_that_meets_two_requirements_is_one_candidate_of_the_faster() -> None:
    """Its price is one, so the shorter runtime is the better; the first requirement wins among equals."""
    slow, fast = requirement(runtime=Runtime(7_200)), requirement(runtime=Runtime(60), cloud="ares")
    found = candidates_of(COLUMNS, TaskRequest("main", (slow, fast)), (), TOY)
    assert list(zip(found.row.tolist(), found.requirement.tolist(), found.seconds.tolist(), strict=True)) == [
        (3, 0, 7_200),
        (0, 1, 60),
    ]
    same = candidates_of(COLUMNS, TaskRequest("main", (slow, slow)), (), TOY)
    assert same.row.tolist() == [0, 3]
    assert same.requirement.tolist() == [0, 0]


def test_each_kind_of_filter_says_how_many_offers_it_took_away() -> None:
    """The counts follow the order of the filters: an offer counts where it first fails."""
    found = candidates_of(COLUMNS, TaskRequest("main", (requirement(cloud="ares"),)), (), TOY)
    assert found.removed == (
        {"cloud": 1, "arch": 1, "burstable": 1, "bare_metal": 0, "restricted_region": 0, "market": 0},
    )
