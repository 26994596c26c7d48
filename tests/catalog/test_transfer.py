"""Transfer prices: tiers, zones and speed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CatalogError
from catalog.names import names
from catalog.transfer import DATA, DEFAULT, from_dict, load

GIB = 2**30
TIB = 2**40
ZONES = [*sorted(DEFAULT.zones), "local", "kubernetes"]
zones = st.sampled_from(ZONES)
sizes = st.integers(0, 10**16)


def cost(source: tuple[str, str], target: tuple[str, str], size_bytes: int) -> int:
    return DEFAULT.cost_micro_usd(DEFAULT.zone_of(*source), DEFAULT.zone_of(*target), size_bytes)


@given(zones, zones, sizes, sizes)
def test_more_bytes_never_cost_less_or_arrive_earlier(source: str, target: str, one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert DEFAULT.cost_micro_usd(source, target, small) <= DEFAULT.cost_micro_usd(source, target, large)
    assert DEFAULT.seconds(source, target, small) <= DEFAULT.seconds(source, target, large)


@given(zones, zones, sizes)
def test_cost_is_that_of_a_walk_through_the_bands(source: str, target: str, size: int) -> None:
    exact, lower = 0.0, 0
    for tier in DEFAULT.tiers(source, target):
        upper = float("inf") if tier.upper_bytes is None else tier.upper_bytes
        exact += max(0, min(size, upper) - lower) / GIB * tier.micro_usd_per_gib
        lower = min(size, upper)  # type: ignore[assignment]
    found = DEFAULT.cost_micro_usd(source, target, size)
    assert found == pytest.approx(exact, abs=1.01, rel=1e-9)


@given(zones, zones)
def test_nothing_costs_nothing_and_takes_no_time(source: str, target: str) -> None:
    assert DEFAULT.cost_micro_usd(source, target, 0) == 0
    assert DEFAULT.seconds(source, target, 0) == 0


@pytest.mark.parametrize("bound_gib", [1_024, 10_240, 51_200, 153_600])
@pytest.mark.parametrize("source", ZONES)
def test_no_price_falls_at_a_tier_bound(source: str, bound_gib: int) -> None:
    around = [
        DEFAULT.cost_micro_usd(source, "local", bound_gib * GIB + step) for step in (-GIB, -1, 0, 1, GIB)
    ]
    assert around == sorted(around)
    assert around[2] > 0 or source in {"local", "kubernetes", "lambda/all", "lambda/oceania"}


@pytest.mark.parametrize(
    ("source", "target", "size", "usd"),
    [
        (("aws", "us-east-1"), ("aws", "us-east-2"), 1_000 * GIB, 10.0),
        (("aws", "us-east-1"), ("aws", "us-west-2"), 1_000 * GIB, 20.0),
        (("aws", "eu-west-1"), ("aws", "us-east-1"), 1_000 * GIB, 20.0),
        (("aws", "sa-east-1"), ("aws", "us-east-1"), 1_000 * GIB, 138.0),
        (("aws", "us-east-1"), ("gcp", "us-central1"), 10 * TIB, 921.6),
        (("aws", "us-east-1"), ("gcp", "us-central1"), 20 * TIB, 921.6 + 870.4),
        (("gcp", "us-central1"), ("gcp", "us-east1"), 100 * GIB, 2.0),
        (("gcp", "us-central1"), ("gcp", "europe-west4"), 100 * GIB, 5.0),
        (("gcp", "us-central1"), ("aws", "us-east-1"), 1 * TIB, 122.88),
        (("gcp", "us-central1"), ("aws", "ap-southeast-2"), 1 * TIB, 194.56),
        (("azure", "eastus"), ("azure", "westus2"), 100 * GIB, 2.0),
        (("azure", "eastus"), ("azure", "westeurope"), 100 * GIB, 5.0),
        (("azure", "japaneast"), ("azure", "eastus"), 100 * GIB, 8.0),
        (("azure", "eastus"), ("aws", "us-east-1"), 1_000 * GIB, 87.0),
        (("lambda", "us-east-1"), ("aws", "us-east-1"), 100 * TIB, 0.0),
        (("local", "local"), ("aws", "us-east-1"), 100 * TIB, 0.0),
        (("aws", "us-east-1"), ("local", "local"), 100 * GIB, 9.0),
    ],
)
def test_published_prices(source: tuple[str, str], target: tuple[str, str], size: int, usd: float) -> None:
    assert cost(source, target, size) == pytest.approx(usd * 1e6, abs=1)


def test_every_region_of_the_catalog_lies_in_a_zone_of_its_continent() -> None:
    index = names()
    for cloud in index.clouds:
        for region in index.regions(cloud):
            assert DEFAULT.zone_of(cloud, region) in DEFAULT.zones
    usual = {
        "aws": ("us-", "eu-", "ca-", "mx-"),
        "gcp": ("us-", "northamerica-northeast"),
        "azure": ("eastus", "westus", "centralus", "north", "south", "westcentralus", "canada", "mexico"),
    }
    for cloud, prefixes in usual.items():
        for region in index.regions(cloud):
            if DEFAULT.zone_of(cloud, region) == DEFAULT.zone_of(cloud):
                assert region.startswith(prefixes), f"{cloud} {region} has no zone of its own"


@given(zones, zones, zones, sizes)
def test_only_gcp_prices_other_clouds_by_destination(source: str, target: str, other: str, size: int) -> None:
    if source.partition("/")[0] != target.partition("/")[0] and not source.startswith("gcp/"):
        elsewhere = "local" if other.partition("/")[0] == source.partition("/")[0] else other
        assert DEFAULT.cost_micro_usd(source, target, size) == DEFAULT.cost_micro_usd(source, elsewhere, size)


def test_speed_is_the_stated_bandwidth_rounded_up() -> None:
    assert DEFAULT.seconds("aws/us-east", "aws/na-eu", 10 * 10**9 // 8 * 7) == 7
    assert DEFAULT.seconds("aws/us-east", "aws/na-eu", 1) == 1
    assert DEFAULT.seconds("aws/us-east", "gcp/asia", 10**11) == 160


def test_unknown_clouds_are_one_free_zone() -> None:
    assert DEFAULT.zone_of("ssh", "rack-7") == "ssh"
    assert DEFAULT.cost_micro_usd("ssh", "aws/us-east", TIB) == 0
    assert DEFAULT.seconds("ssh", "aws/us-east", 10**11) == 160


def test_every_cloud_of_the_catalog_states_its_source() -> None:
    assert set(DEFAULT.sources) == set(names().clouds)
    assert all("https://" in source for source in DEFAULT.sources.values())


def toy(**changes: Any) -> dict[str, Any]:
    cloud = {
        "source": "list",
        "url": "https://example.com",
        "as_of": "2026-01",
        "default_zone": "a",
        "prefixes": {"b-": "b"},
        "regions": {"b-9": "a"},
        "internet": [[10, 0.1], [None, 0.05]],
        "zones": {"a": {"regions": {"*": 0.02}}, "b": {"regions": {"a": 0.03, "*": 0.04}}},
    }
    return {
        "bandwidth": {"within_cloud_mbit_s": 8, "between_clouds_mbit_s": 4},
        "clouds": {"c": {**cloud, **changes}},
    }


def test_a_toy_table() -> None:
    table = from_dict(toy())
    assert [table.zone_of("c", region) for region in ("x", "b-1", "b-9", "")] == ["c/a", "c/b", "c/a", "c/a"]
    assert table.cost_micro_usd("c/b", "c/a", GIB) == 30_000
    assert table.cost_micro_usd("c/b", "c/b", GIB) == 40_000
    assert table.cost_micro_usd("c/a", "d", 20 * GIB) == 1_500_000
    assert table.seconds("c/a", "d", 10**6) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"internet": []},
        {"internet": [[10, 0.1]]},
        {"internet": [[None, 0.1], [10, 0.1]]},
        {"internet": [[20, 0.1], [10, 0.1], [None, 0.1]]},
        {"internet": [[10, -0.1], [None, 0.1]]},
        {"default_zone": "nowhere"},
        {"regions": {"x": "nowhere"}},
        {"zones": {}},
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_path(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "transfer.json"
    path.write_text(json.dumps(toy(**changes)))
    with pytest.raises(CatalogError, match=r"transfer\.json: not a transfer table"):
        load(path)


def test_the_embedded_file_is_the_default() -> None:
    assert load(DATA) == DEFAULT
