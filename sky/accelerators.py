"""``sky.list_accelerators``: which instance types have an accelerator, and what they cost."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from catalog.accelerators import GPU_VENDORS, lookup
from catalog.errors import UserError
from catalog.listing import Listed, Wanted, listed
from catalog.units import MIB_PER_GIB, MILLI, milli, usd
from executors import owned
from sky import clouds as known_clouds
from sky.clouds import Cloud


class InstanceTypeInfo(NamedTuple):
    """One instance type with accelerators.

    Memory is in GiB (``device_memory`` of one accelerator), prices are USD an hour of the whole node.
    ``None`` stands for a figure that nobody states, or for a market there is none of.
    """

    cloud: str
    instance_type: str
    accelerator_name: str
    accelerator_count: float
    cpu_count: float | None
    device_memory: float | None
    memory: float | None
    price: float | None
    spot_price: float | None
    region: str


def list_accelerators(
    gpus_only: bool = True,
    name_filter: str | None = None,
    region_filter: str | None = None,
    quantity_filter: float | None = None,
    clouds: str | Cloud | Iterable[str | Cloud] | None = None,
    case_sensitive: bool = True,
    all_regions: bool = False,
    require_price: bool = True,
) -> dict[str, list[InstanceTypeInfo]]:
    """Return accelerator name -> instance types that have it, by count, then price, lowest first.

    ``gpus_only`` leaves TPUs, Trainium, Gaudi and the like out. ``name_filter`` and ``region_filter`` are
    regular expressions that a name or region contains; ``quantity_filter`` is the exact count.
    Each instance type is listed in its cheapest region that passes, or with ``all_regions`` in all of them.
    Without ``require_price`` owned nodes (this machine, pools, Kubernetes) are listed too, at their price.
    Names are of the catalog in use, under the user's overlay. Raises ``ValueError`` for a bad filter.
    """
    from sky.offers import offers_in_use

    wanted = Wanted(
        name=_pattern(name_filter, "name_filter", case_sensitive),
        region=_pattern(region_filter, "region_filter", case_sensitive),
        count_milli=None if quantity_filter is None else milli(quantity_filter, "quantity_filter"),
        clouds=_names(clouds),
    )
    found: dict[str, list[InstanceTypeInfo]] = {}
    seen: set[tuple[str, str, str, int]] = set()
    for each in (*listed(offers_in_use().table, wanted), *(() if require_price else _owned(wanted))):
        key = (each.cloud, each.instance_type, each.accelerator, each.accelerator_count_milli)
        if (gpus_only and not is_gpu(each.accelerator)) or (key in seen and not all_regions):
            continue
        seen.add(key)
        found.setdefault(each.accelerator, []).append(_info(each))
    return found


def is_gpu(accelerator: str) -> bool:
    """Return whether it is a GPU, or one whose maker nobody here knows."""
    model = lookup(accelerator)
    return model is None or model.vendor in GPU_VENDORS


def _pattern(text: str | None, argument: str, case_sensitive: bool) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        return re.compile(text, 0 if case_sensitive else re.IGNORECASE)
    except re.error as error:
        raise UserError(f"{argument}: {text!r} is not a regular expression: {error}") from None


def _names(wanted: str | Cloud | Iterable[str | Cloud] | None) -> frozenset[str] | None:
    if wanted is None:
        return None
    if isinstance(wanted, str | Cloud):
        wanted = [wanted]
    return frozenset(
        (each if isinstance(each, Cloud) else known_clouds.from_str(each, "clouds")).canonical_name()
        for each in wanted
    )


def _owned(wanted: Wanted) -> Iterable[Listed]:
    """Return the owned nodes with accelerators that are wanted, largest part of a node last."""
    for each in owned.offers_of(owned.CLOUDS if wanted.clouds is None else wanted.clouds):
        offer, key = each.offer, each.offer.key
        if (
            key.accelerator
            and (wanted.name is None or wanted.name.search(key.accelerator))
            and (wanted.region is None or wanted.region.search(key.region))
            and wanted.count_milli in {None, key.accelerator_count_milli}
        ):
            yield Listed(
                cloud=key.cloud,
                region=key.region,
                instance_type=key.instance_type,
                accelerator=key.accelerator,
                accelerator_count_milli=key.accelerator_count_milli,
                accelerator_memory_mib=offer.accelerator_memory_mib,
                vcpus_milli=offer.vcpus_milli,
                memory_mib=offer.memory_mib,
                price_micro_usd=offer.price_micro_usd,
                spot_price_micro_usd=None,
            )


def _info(each: Listed) -> InstanceTypeInfo:
    return InstanceTypeInfo(
        cloud=known_clouds.from_str(each.cloud, "").display_name,
        instance_type=each.instance_type,
        accelerator_name=each.accelerator,
        accelerator_count=each.accelerator_count_milli / MILLI,
        cpu_count=each.vcpus_milli / MILLI or None,
        device_memory=each.accelerator_memory_mib / MIB_PER_GIB or None,
        memory=each.memory_mib / MIB_PER_GIB or None,
        price=usd(each.price_micro_usd),
        spot_price=None if each.spot_price_micro_usd is None else usd(each.spot_price_micro_usd),
        region=each.region,
    )
