"""Infeasible requests: which filter removed the last offers, and the smallest change that would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from catalog.errors import Infeasible
from catalog.offer import Market
from catalog.scope import Scope
from catalog.units import micro_usd
from solver.api import solve_request
from solver.plan import CatalogInfo
from solver.request import Accelerators, Range, Request
from tests.solver.builders import one_task
from tests.strategies import ToyTransfers, row_of, table_of

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = table_of(
    [
        row_of(region="east", instance_type="small", vcpus_milli=4_000, memory_mib=16_384),
        row_of(
            region="west",
            instance_type="large",
            vcpus_milli=16_000,
            memory_mib=65_536,
            price_micro_usd=4_000_000,
        ),
        row_of(cloud="brio", region="north", accelerator="K1", accelerator_count_milli=1_000, arch="arm64"),
        row_of(cloud="brio", region="north", accelerator="K1", accelerator_count_milli=8_000, arch="arm64"),
    ]
)


def explain(request: Request, table: pa.Table = TABLE) -> Infeasible:
    with pytest.raises(Infeasible) as caught:
        solve_request(request, table, ToyTransfers(True, 0, 0, 0), CatalogInfo("0", "2026-01-01", 4))
    return caught.value


@pytest.mark.parametrize(
    ("asked", "removed", "suggestion"),
    [
        ({"vcpus_milli": Range(32_000, None)}, "vCPUs >= 32", "vCPUs 16 (1 offer)"),
        ({"cloud": "brio"}, "architecture x86_64", "another architecture: arm64 (2 offers)"),
        ({"memory_mib": Range(20_480, 28_672)}, "memory 20 to 28 GiB", "memory 16 or 64 GiB (2 offers)"),
        ({"instance_type": "smal"}, "instance type smal", "another instance type than smal: small"),
        ({"max_price_micro_usd": 500_000}, "price <= $0.5/h", "a price of at least $1.00/h (1 offer)"),
        ({"markets": (Market.SPOT,)}, "spot", "another market: on-demand (2 offers)"),
        (
            {"accelerators": (Accelerators("K11", 1_000),), "archs": ()},
            "accelerators K11:1",
            "K1 in counts of 1, 8 (2 offers)",
        ),
        (
            {"accelerators": (Accelerators("K1", 4_000),), "archs": ("arm64",)},
            "accelerators K1:4",
            "K1 in counts of 1, 8 (2 offers)",
        ),
        (
            {"accelerators": (Accelerators("K1", 8_000),)},
            "architecture x86_64",
            "another architecture: arm64 (1 offer)",
        ),
    ],
)
def test_one_change_is_enough(asked: dict[str, Any], removed: str, suggestion: str) -> None:
    """The error names the filter that removed the last offers, and says what to change."""
    error = explain(one_task(**asked))
    assert removed in str(error)
    assert any(suggestion in text for text in error.suggestions), error.suggestions
    assert error.task == "main"
    assert error.filters[0].kept == 4
    assert error.filters[-1].kept == 0


def test_two_changes_are_named_together_when_one_is_not_enough() -> None:
    """The smallest set of filters that has to go, when no single one does."""
    error = explain(
        one_task(cloud="ares", region="north", accelerators=(Accelerators("K1", 8_000),), archs=("arm64",))
    )
    assert error.suggestions == ("another cloud than ares: brio (1 offer)",)
    error = explain(
        one_task(cloud="ares", region="moon", accelerators=(Accelerators("K1", 8_000),), archs=("arm64",))
    )
    assert error.suggestions == (
        "another cloud than ares: brio and another region than moon: north (1 offer)",
    )


def test_blocks_are_a_filter_like_any_other() -> None:
    """A request that only blocks make infeasible says so."""
    request = Request(one_task(cloud="ares").tasks, blocks=(Scope(cloud="ares"),))
    assert "'not blocked'" in str(explain(request))
    assert "lift the blocks (2 offers)" in explain(request).suggestions


def test_a_price_is_suggested_for_what_is_sold_on_the_market_asked_for() -> None:
    """A row without a spot price is no cheap spot offer, and its on-demand price is above the ceiling."""
    table = table_of(
        [row_of(price_micro_usd=5_000_000), row_of(region="west", spot_price_micro_usd=2_000_000)]
    )
    error = explain(one_task(markets=(Market.SPOT,), max_price_micro_usd=500_000), table)
    assert error.suggestions == ("a price of at least $2.00/h (1 offer)",)
    nowhere = table_of([row_of(price_micro_usd=5_000_000)])
    error = explain(one_task(markets=(Market.SPOT,), max_price_micro_usd=500_000), nowhere)
    assert error.suggestions == ("another market: on-demand and a price of at least $5.00/h (1 offer)",)


@pytest.mark.parametrize(("price", "shown"), [(23_604_999, "$23.61"), (123_451, "$0.1235"), (99_999, "$0.1")])
def test_a_suggested_price_is_enough_when_it_is_typed_in(price: int, shown: str) -> None:
    """The figure is rounded up, never below the offer that it speaks of."""
    table = table_of([row_of(price_micro_usd=price)])
    error = explain(one_task(max_price_micro_usd=1), table)
    assert error.suggestions == (f"a price of at least {shown}/h (1 offer)",)
    enough = one_task(max_price_micro_usd=micro_usd(shown))
    solve_request(enough, table, ToyTransfers(True, 0, 0, 0), CatalogInfo("0", "2026-01-01", 1))


def test_an_unknown_size_is_no_suggestion() -> None:
    """Nobody can ask for a node of 0 vCPUs, and a node of unknown size has no memory per vCPU."""
    table = table_of([row_of(vcpus_milli=0, memory_mib=0), row_of(region="west", vcpus_milli=4_000)])
    assert explain(one_task(vcpus_milli=Range(8_000)), table).suggestions == ("vCPUs 4 (1 offer)",)
    error = explain(one_task(memory_mib_per_vcpu=65_536), table)
    assert error.suggestions == ("less memory per vCPU, or none stated (2 offers)",)
