"""What the catalog asks for a launchable ``Resources``, and where it is on offer. Opens the Arrow catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog.units import milli
from executors import owned
from sky.clouds import Region, Zone
from sky.exceptions import MisuseError, ResourcesUnavailableError

if TYPE_CHECKING:
    from sky.resources import Resources


def hourly_micro_usd(resources: Resources) -> int:
    """Return the lowest micro-USD an hour of one node, in the region and market asked for."""
    if resources.cloud is not None and resources.cloud.canonical_name() in owned.CLOUDS:
        return _owned_price(resources)
    prices = (
        _offers(resources)
        .column("spot_price_micro_usd" if resources.use_spot else "price_micro_usd")
        .to_pylist()
    )
    known = [price for price in prices if price is not None]
    if not known:
        raise ResourcesUnavailableError(f"no offer in the catalog is {resources.repr_with_region_zone}")
    return int(min(known))


def _owned_price(resources: Resources) -> int:
    """Return what the pools file says of such a node; this machine costs nothing."""
    assert resources.cloud is not None
    prices = [
        each.offer.price_micro_usd
        for each in owned.owned_offers(resources.cloud.canonical_name())
        if resources.region in {None, each.offer.key.region}
        and resources.instance_type in {None, each.offer.key.instance_type}
    ]
    return min(prices, default=0)


def regions(resources: Resources) -> list[Region]:
    """Return the regions and zones that offer ``resources``, sorted."""
    found: dict[str, set[str]] = {}
    offers = _offers(resources)
    for region, zone in zip(
        offers.column("region").to_pylist(), offers.column("zone").to_pylist(), strict=True
    ):
        found.setdefault(region, set()).add(zone)
    return [
        Region(name, tuple(Zone(zone) for zone in sorted(zones - {""})))
        for name, zones in sorted(found.items())
    ]


def _offers(resources: Resources) -> Any:
    """Return the rows of the catalog that ``resources`` describes."""
    if resources.cloud is None or resources.instance_type is None:
        raise MisuseError(
            f"{resources!r} names no cloud and instance type; only launchable resources have a price"
        )
    import pyarrow.compute as pc

    from catalog.query import mask_equal
    from sky.offers import offers_in_use

    table = offers_in_use().table
    wanted = {
        "cloud": resources.cloud.canonical_name(),
        "instance_type": resources.instance_type,
        "region": resources.region,
        "zone": resources.zone,
    }
    for column, value in wanted.items():
        if value is not None:
            table = table.filter(mask_equal(table, column, value))
    if resources.accelerators:
        ((name, count),) = resources.accelerators.items()
        table = table.filter(mask_equal(table, "accelerator", name))
        table = table.filter(pc.greater_equal(table.column("accelerator_count_milli"), milli(count)))
    else:
        table = table.filter(mask_equal(table, "accelerator", ""))
    return table
