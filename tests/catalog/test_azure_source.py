"""Azure as a source: pages, what is no price of a Linux machine, sizes of unknown shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from catalog.errors import SourceError
from catalog.facts import currency
from catalog.sources.azure import Azure
from catalog.sources.work import Work
from tests.catalog.price_lists import azure_item
from tests.catalog.provider import Answer, Asked, Provider, serving

PAGE = 2


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    with serving() as server:
        monkeypatch.setenv("SKY_CATALOG_AZURE_URL", server.url)
        yield server


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work("azure", tmp_path / "work")


def serve(provider: Provider, *items: dict[str, Any]) -> None:
    """Answer as the API does: pages, each with the address of the next."""

    def answer(asked: Asked) -> Any:
        query = parse_qs(urlsplit(asked.path).query)
        assert query["$filter"] == ["serviceName eq 'Virtual Machines' and priceType eq 'Consumption'"]
        skip = int(query.get("$skip", ["0"])[0])
        more = f"{provider.url}{asked.path.partition('&$skip')[0]}&$skip={skip + PAGE}"
        left = len(items) > skip + PAGE
        return {"Items": items[skip : skip + PAGE], "NextPageLink": more if left else None}

    provider.answer = answer


D2 = azure_item("D2s_v3", 0.096)


def test_pages_become_rows_with_spot(provider: Provider, work: Work) -> None:
    spot = azure_item("D2s_v3", 0.0191, skuName="D2s v3 Spot")
    serve(provider, D2, azure_item("D2s_v3", 0.11, "westeurope"), spot, azure_item("ND96isr_H100_v5", 98.32))
    found = {(row["region"], row["instance_type"]): row for row in Azure().fetch(work).to_pylist()}
    d2 = found["eastus", "Standard_D2s_v3"]
    assert (d2["price"], d2["spot_price"], d2["vcpus"], d2["memory_gib"]) == (0.096, 0.0191, 2, 8)
    assert str(d2["price_as_of"]) == "2026-10-01"
    assert found["westeurope", "Standard_D2s_v3"]["spot_price"] is None
    h100 = found["eastus", "Standard_ND96isr_H100_v5"]
    assert (h100["accelerator_name"], h100["accelerator_count"], h100["price"]) == ("H100", 8, 98.32)
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"productName": "Virtual Machines DSv3 Series Windows"},
        {"skuName": "D2s v3 Low Priority"},
        {"productName": "Dsv3 Series Dedicated Host"},
        {"productName": "DSv3 Series CloudServices"},
        {"type": "DevTestConsumption"},
        {"unitOfMeasure": "1/Month"},
        {"tierMinimumUnits": 100.0},
        {"armRegionName": "usgovvirginia"},
        {"armSkuName": ""},
        {"retailPrice": 0.0},
        {"isPrimaryMeterRegion": False},
    ],
    ids=lambda changed: str(next(iter(changed.values()))),
)
def test_other_meters_are_not_the_price(changed: dict[str, Any], provider: Provider, work: Work) -> None:
    serve(provider, azure_item("D2s_v3", 0.01) | changed, D2)
    assert [row["price"] for row in Azure().fetch(work).to_pylist()] == [0.096]


def test_two_prices_of_one_machine_are_two_rows_to_be_judged(provider: Provider, work: Work) -> None:
    serve(provider, D2, D2, azure_item("D2s_v3", 0.2))
    assert sorted(row["price"] for row in Azure().fetch(work).to_pylist()) == [0.096, 0.2]


def test_sizes_of_unknown_shape_are_left_out_and_said(
    provider: Provider, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    serve(provider, D2, azure_item("Z99_v9", 5.0))
    assert {row["instance_type"] for row in Azure().fetch(work).to_pylist()} == {"Standard_D2s_v3"}
    assert "1 sizes of unknown shape are left out (Standard_Z99_v9, ...)" in caplog.text


def test_another_currency_is_stated(provider: Provider, work: Work) -> None:
    serve(provider, azure_item("D2s_v3", 0.09, currencyCode="EUR"))
    assert currency(Azure().fetch(work)) == "EUR"


@pytest.mark.parametrize(
    "page",
    [{"Items": [{"retailPrice": 1}]}, {"items": []}, {"Items": [], "NextPageLink": None}],
    ids=["fields", "list", "empty"],
)
def test_another_form_is_refused(page: dict[str, Any], provider: Provider, work: Work) -> None:
    provider.answer = lambda _asked: page
    with pytest.raises(SourceError, match="retail price list"):
        Azure().fetch(work)


def test_throttling_is_waited_for_and_pages_are_kept(provider: Provider, work: Work) -> None:
    serve(provider, *(azure_item("D2s_v3", 0.1 + n / 100, f"region{n}") for n in range(6)))
    provider.next = [Answer(429, headers={"Retry-After": "0"})]
    assert len(Azure().fetch(work).to_pylist()) == 6
    asked = len(provider.asked)
    assert len(Azure().fetch(work).to_pylist()) == 6
    assert len(provider.asked) == asked, "the second attempt reads the pages of the first"
    assert json.loads((work.folder / "try.json").read_text())["id"]
