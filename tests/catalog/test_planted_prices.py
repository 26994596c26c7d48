"""Lies in the lists of each provider: a refresh publishes none of them, and its report says so."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from catalog.outcome import Outcome, Status
from catalog.query import mask_equal
from catalog.refresh import refresh
from catalog.sources import registry
from catalog.store import open_snapshot
from tests.catalog.price_lists import azure_item, ec2_product, ec2_term, gcp_sku
from tests.catalog.replay import Replay, publish_few

WHOLE = ("region", "zone", "instance_type", "accelerator", "accelerator_count_milli")
PLACES = {"aws": "us-east-1", "azure": "eastus", "gcp": "us-central1"}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKY_HOME", str(tmp_path_factory.mktemp("honest")))
        publish_few()
        yield Replay()


def refreshed(
    lists: Replay, cloud: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Outcome, dict[Any, int], dict[Any, int]]:
    """Refresh one cloud of a small catalog; return the outcome and the prices before and after."""
    publish_few()
    before = prices(cloud)
    with lists.served() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        outcome = refresh([registry.load(cloud)])
    return outcome, before, prices(cloud)


def prices(cloud: str) -> dict[Any, int]:
    table = open_snapshot().table
    there = table.filter(pa.array(mask_equal(table, "cloud", cloud)))
    keys = zip(*(there[name].to_pylist() for name in WHOLE), strict=True)
    return dict(zip(keys, there["price_micro_usd"].to_pylist(), strict=True))


def same(before: dict[Any, int], after: dict[Any, int]) -> bool:
    """Whether no price moved by more than rounding, and none came or went."""
    return before.keys() == after.keys() and all(
        abs(after[key] - price) <= max(2, price * 0.005) for key, price in before.items()
    )


@pytest.mark.parametrize("cloud", PLACES)
def test_honest_lists_change_nothing(cloud: str, honest: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, before, after = refreshed(honest, cloud, monkeypatch)
    assert [each.status for each in outcome.sources] == [Status.PASSED]
    assert same(before, after)
    assert len(after) > 1_000


Lie = Callable[[Replay], None]


def _ec2(
    name: str, price: float, currency: str = "USD", **changed: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    product = ec2_product("LIE", name, PLACES["aws"], **changed)
    return product, ec2_term("LIE", f"{price:.10f}", currency)


def aws_cheap(lists: Replay) -> None:
    lists.aws.entries[PLACES["aws"], "m5.2xlarge"] = _ec2("m5.2xlarge", 0.00384, memory="32 GiB")


def aws_currency(lists: Replay) -> None:
    lists.aws.entries[PLACES["aws"], "m5.2xlarge"] = _ec2("m5.2xlarge", 0.384, "CNY", memory="32 GiB")


def aws_windows(lists: Replay) -> None:
    lists.aws.extra[PLACES["aws"]] = [_ec2("m5.2xlarge", 0.752, operatingSystem="Windows")]


def aws_windows_as_linux(lists: Replay) -> None:
    lists.aws.entries[PLACES["aws"], "m5.2xlarge"] = _ec2("m5.2xlarge", 0.752, memory="32 GiB")


def aws_dedicated(lists: Replay) -> None:
    lists.aws.extra[PLACES["aws"]] = [_ec2("m5.2xlarge", 0.4224, tenancy="Dedicated")]


def aws_twice(lists: Replay) -> None:
    lists.aws.extra[PLACES["aws"]] = [_ec2("m5.2xlarge", 0.4224)]


def _azure(price: float, **changed: Any) -> dict[str, Any]:
    return azure_item("D8s_v3", price, PLACES["azure"], **changed)


def _replace_azure(lists: Replay, item: dict[str, Any]) -> None:
    place = item["armRegionName"], item["armSkuName"]
    kept = [
        each
        for each in lists.azure.items
        if (each["armRegionName"], each["armSkuName"]) != place or each["skuName"].endswith("Spot")
    ]
    lists.azure.items = [*kept, item]


def azure_cheap(lists: Replay) -> None:
    _replace_azure(lists, _azure(0.00384))


def azure_currency(lists: Replay) -> None:
    _replace_azure(lists, _azure(0.384, currencyCode="INR"))


def azure_windows(lists: Replay) -> None:
    lists.azure.items.append(_azure(0.752, productName="Virtual Machines DSv3 Series Windows"))


def azure_windows_as_linux(lists: Replay) -> None:
    _replace_azure(lists, _azure(0.752))


def azure_dedicated(lists: Replay) -> None:
    lists.azure.items.append(_azure(4.2, productName="DSv3 Series Dedicated Host"))


def azure_twice(lists: Replay) -> None:
    lists.azure.items.append(_azure(0.42))


def _gcp(
    usd: float, text: str = "N2 Instance Core", market: str = "OnDemand", currency: str = "USD"
) -> dict[str, Any]:
    return gcp_sku(f"{text} running in us-central1", usd, "h", market, (PLACES["gcp"],), currency)


def _replace_gcp(lists: Replay, sku: dict[str, Any]) -> None:
    kept = [each for each in lists.gcp.skus if each["description"] != sku["description"]]
    assert len(kept) == len(lists.gcp.skus) - 1
    lists.gcp.skus = [*kept, sku]


def gcp_cheap(lists: Replay) -> None:
    _replace_gcp(lists, _gcp(0.00031611))


def gcp_currency(lists: Replay) -> None:
    _replace_gcp(lists, _gcp(0.031611, currency="JPY"))


def gcp_windows(lists: Replay) -> None:
    lists.gcp.skus.append(_gcp(0.046, "Licensing Fee for Windows Server 2022 on N2 Instance Core"))


def gcp_dedicated(lists: Replay) -> None:
    lists.gcp.skus.append(_gcp(0.0348, "N2 Sole Tenancy Instance Core"))


def gcp_twice(lists: Replay) -> None:
    lists.gcp.skus.append(_gcp(0.0348))


LIES: list[tuple[str, Lie]] = [
    *[
        ("aws", lie)
        for lie in (aws_cheap, aws_currency, aws_windows, aws_windows_as_linux, aws_dedicated, aws_twice)
    ],
    *[
        ("azure", lie)
        for lie in (
            azure_cheap,
            azure_currency,
            azure_windows,
            azure_windows_as_linux,
            azure_dedicated,
            azure_twice,
        )
    ],
    *[("gcp", lie) for lie in (gcp_cheap, gcp_currency, gcp_windows, gcp_dedicated, gcp_twice)],
]
LEFT_OUT = {aws_windows, aws_dedicated, azure_windows, azure_dedicated, gcp_windows, gcp_dedicated}
"""Entries that say themselves that they are something else, so no gate has to find them."""


@pytest.mark.parametrize(("cloud", "lie"), LIES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_lie_is_not_published(
    cloud: str, lie: Lie, honest: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = replace(honest, **{cloud: copy.deepcopy(getattr(honest, cloud))})
    lie(lists)
    outcome, before, after = refreshed(lists, cloud, monkeypatch)
    assert same(before, after)
    (source,) = outcome.sources
    if lie in LEFT_OUT:
        assert source.status is Status.PASSED
        assert source.quarantined == 0
    else:
        assert source.findings or source.error
