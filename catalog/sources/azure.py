"""Azure: the Retail Prices API, which needs no account.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices. It prices meters: a
size has one for Linux and one for Windows, each also with the suffix ``Spot`` or ``Low Priority``. Of a
machine's shape it says nothing, so sizes that the catalog does not know are left out, and counted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import TYPE_CHECKING, Any

from catalog.facts import facts_of_rows
from catalog.sources.base import endpoint
from catalog.sources.shapes import Accelerators, Known, known
from catalog.sources.work import Work

if TYPE_CHECKING:
    import pyarrow as pa

PRICES = "https://prices.azure.com"
_FILTER = "serviceName eq 'Virtual Machines' and priceType eq 'Consumption'"
_VERSION = "2023-01-01-preview"
_NOT_LINUX = ("Windows", "CloudServices", "Dedicated Host", "Reservation")
_SPOT, _LOW = " Spot", " Low Priority"
_RESTRICTED = ("usgov", "usdod", "china", "usnat", "ussec")

_log = logging.getLogger("sky.catalog")


@dataclass(frozen=True, slots=True)
class _Price:
    amount: float
    as_of: date


class Azure:
    """The source of Azure's offers."""

    name = "azure"
    cloud = "azure"
    credentials = "It needs none."
    untold = None

    def fetch(self, work: Work) -> pa.Table:
        """Return every size that is priced and known, in every region. Raises ``SourceError``."""
        on_demand: dict[tuple[str, str], list[_Price]] = {}
        spot: dict[tuple[str, str], _Price] = {}
        currencies: set[str] = set()
        pages = work.pages(
            f"{endpoint('azure', PRICES)}/api/retail/prices",
            {"api-version": _VERSION, "$filter": _FILTER, "currencyCode": "USD"},
            name="prices",
            following=lambda page: page.get("NextPageLink") or None,
        )
        try:
            for page in pages:
                for item in page["Items"]:
                    if not _is_wanted(item):
                        continue
                    currencies.add(item["currencyCode"])
                    place = item["armRegionName"], item["armSkuName"]
                    price = _Price(float(item["retailPrice"]), _day(item["effectiveStartDate"]))
                    if item["skuName"].endswith(_SPOT):
                        spot[place] = price
                    else:
                        _add(on_demand.setdefault(place, []), price)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise work.fail(f"the retail price list has changed its form ({error!r})") from error
        if not on_demand:
            raise work.fail("the retail price list prices no Linux machine; try again later")
        return facts_of_rows(_rows(on_demand, spot, known("azure")), "+".join(sorted(currencies)))


def _is_wanted(item: Mapping[str, Any]) -> bool:
    """Return whether the meter is the hour of a Linux machine on shared hardware, on demand or spot."""
    return (
        item["type"] == "Consumption"
        and item["unitOfMeasure"] == "1 Hour"
        and item["tierMinimumUnits"] == 0
        and bool(item.get("armSkuName"))
        and bool(item.get("armRegionName"))
        and not item["armRegionName"].startswith(_RESTRICTED)
        and item.get("isPrimaryMeterRegion", True)
        and not any(word in item["productName"] for word in _NOT_LINUX)
        and not item["skuName"].endswith(_LOW)
        and item["retailPrice"] > 0
    )


def _add(prices: list[_Price], price: _Price) -> None:
    """Keep each price that the list has for one machine once; several of them are for others to judge."""
    if all(price.amount != each.amount for each in prices):
        prices.append(price)


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _rows(
    on_demand: Mapping[tuple[str, str], list[_Price]], spot: Mapping[tuple[str, str], _Price], before: Known
) -> Iterator[dict[str, Any]]:
    unknown: set[str] = set()
    for (region, size), prices in sorted(on_demand.items()):
        shape = before.shapes.get(size)
        if shape is None:
            unknown.add(size)
            continue
        on_spot = spot.get((region, size))
        for price, each in product(prices, shape.accelerators or (Accelerators("", 0, None),)):
            yield {
                "cloud": "azure",
                "region": region,
                "instance_type": size,
                "arch": shape.arch,
                "vcpus": shape.vcpus,
                "memory_gib": shape.memory_gib,
                "accelerator_name": each.name or None,
                "accelerator_count": each.count or None,
                "accelerator_memory_gib": each.memory_gib,
                "price": price.amount,
                "price_as_of": price.as_of,
                "spot_price": on_spot and on_spot.amount,
                "spot_as_of": on_spot and on_spot.as_of,
                "source": "azure-retail",
            }
    if unknown:
        shown = ", ".join(sorted(unknown)[:5])
        _log.warning("azure: %d sizes of unknown shape are left out (%s, ...)", len(unknown), shown)
