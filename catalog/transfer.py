"""What it costs and how long it takes to move data between two places.

Prices are kept for *network zones*: groups of regions of one cloud with the same prices to everywhere, such
as ``"aws/us-east"``. The figures, their sources, dates and rules are in ``catalog/data/transfer.json``.
Traffic within a region is free and instant; telling that two places share a region is the caller's part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.errors import CatalogError
from catalog.units import BYTES_PER_GIB, micro_usd

DATA = Path(__file__).parent / "data" / "transfer.json"


@dataclass(frozen=True, slots=True)
class Tier:
    """One band of a price list: up to ``upper_bytes`` in total (``None``: no end) at a price for each GiB."""

    upper_bytes: int | None
    micro_usd_per_gib: int


Tiers = tuple[Tier, ...]
FREE: Tiers = (Tier(None, 0),)


@dataclass(frozen=True, slots=True)
class NetworkZone:
    """One zone and the price lists for traffic out of it.

    ``regions`` maps a zone of the same cloud to the price list towards its regions, ``"*"`` for all others.
    ``internet`` maps the ``destination`` of a zone in another cloud to a price list, ``"*"`` for all others.
    ``destination`` is ``""`` for zones that no provider prices apart.
    """

    name: str
    cloud: str
    destination: str
    regions: Mapping[str, Tiers]
    internet: Mapping[str, Tiers]


@dataclass(frozen=True, slots=True)
class _Places:
    """How the regions of one cloud fall into zones: by name, else by the longest prefix, else the default."""

    default: str
    by_region: Mapping[str, str]
    by_prefix: tuple[tuple[str, str], ...]

    def zone(self, region: str) -> str:
        if region in self.by_region:
            return self.by_region[region]
        return next((zone for prefix, zone in self.by_prefix if region.startswith(prefix)), self.default)


@dataclass(frozen=True, slots=True)
class TransferTable:
    """Prices and speed between all network zones. Immutable; clouds without prices send for free."""

    zones: Mapping[str, NetworkZone]
    within_cloud_mbit_s: int
    between_clouds_mbit_s: int
    sources: Mapping[str, str] = field(default_factory=dict)
    _places: Mapping[str, _Places] = field(default_factory=dict)
    _found: dict[tuple[str, str], Tiers] = field(default_factory=dict, compare=False, repr=False)

    def zone_of(self, cloud: str, region: str = "") -> str:
        """Return the network zone of a region; ``""`` and unknown regions get the cloud's usual zone.

        A cloud without published prices (local, ssh, kubernetes) is one zone of its own name.
        """
        places = self._places.get(cloud)
        return cloud if places is None else f"{cloud}/{places.zone(region)}"

    def tiers(self, source_zone: str, target_zone: str) -> Tiers:
        """Return the price list for traffic from a region of one zone to another region."""
        pair = source_zone, target_zone
        if pair not in self._found:
            self._found[pair] = self._tiers(source_zone, target_zone)
        return self._found[pair]

    def _tiers(self, source_zone: str, target_zone: str) -> Tiers:
        source = self.zones.get(source_zone)
        if source is None:
            return FREE
        target = self.zones.get(target_zone)
        if _cloud(source_zone) == _cloud(target_zone):
            return _choose(source.regions, target_zone)
        return _choose(source.internet, target.destination if target is not None else "")

    def cost_micro_usd(self, source_zone: str, target_zone: str, size_bytes: int) -> int:
        """Return the price of moving ``size_bytes`` to another region, rounded up.

        More bytes never cost less, because each tier prices only what lies in its own band.
        """
        total, lower = 0, 0
        for tier in self.tiers(source_zone, target_zone):
            upper = size_bytes if tier.upper_bytes is None else min(size_bytes, tier.upper_bytes)
            total += max(0, upper - lower) * tier.micro_usd_per_gib
            lower = upper
        return -(-total // BYTES_PER_GIB)

    def seconds(self, source_zone: str, target_zone: str, size_bytes: int) -> int:
        """Return how long ``size_bytes`` take to another region at the stated bandwidth, rounded up."""
        same = _cloud(source_zone) == _cloud(target_zone)
        mbit_s = self.within_cloud_mbit_s if same else self.between_clouds_mbit_s
        return -(-size_bytes * 8 // (mbit_s * 1_000_000))


def load(path: Path = DATA) -> TransferTable:
    """Read a transfer table. Raises ``CatalogError`` when a price list is not one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return from_dict(data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CatalogError(
            f"{path}: not a transfer table ({error!r}); restore the file of this release"
        ) from error


def from_dict(data: Mapping[str, Any]) -> TransferTable:
    """Return the table that ``catalog/data/transfer.json`` (or a dictionary of its shape) describes.

    Raises ``KeyError`` or ``ValueError`` for one that is incomplete or has tiers out of order.
    """
    zones: dict[str, NetworkZone] = {}
    places: dict[str, _Places] = {}
    for cloud, stated in data["clouds"].items():
        for name, zone in stated["zones"].items():
            zones[f"{cloud}/{name}"] = _zone(cloud, name, zone, stated)
        places[cloud] = _Places(
            default=stated["default_zone"],
            by_region=stated["regions"],
            by_prefix=tuple(sorted(stated["prefixes"].items(), key=lambda item: (-len(item[0]), item[0]))),
        )
        named = {stated["default_zone"], *stated["regions"].values(), *stated["prefixes"].values()}
        if unknown := named - stated["zones"].keys():
            raise ValueError(f"{cloud}: regions are put into zones that are not there: {sorted(unknown)}")
    return TransferTable(
        zones=zones,
        within_cloud_mbit_s=int(data["bandwidth"]["within_cloud_mbit_s"]),
        between_clouds_mbit_s=int(data["bandwidth"]["between_clouds_mbit_s"]),
        sources={
            cloud: f"{stated['source']}, {stated['as_of']}, {stated['url']}"
            for cloud, stated in data["clouds"].items()
        },
        _places=places,
    )


def _zone(cloud: str, name: str, zone: Mapping[str, Any], stated: Mapping[str, Any]) -> NetworkZone:
    internet = {"*": _tiers(zone.get("internet") or stated["internet"])}
    internet |= {place: _tiers(tiers) for place, tiers in stated.get("internet_to", {}).items()}
    return NetworkZone(
        name=f"{cloud}/{name}",
        cloud=cloud,
        destination=zone.get("destination", ""),
        regions={
            target if target == "*" else f"{cloud}/{target}": _tiers([[None, price]])
            for target, price in zone["regions"].items()
        },
        internet=internet,
    )


def _tiers(stated: list[list[Any]]) -> Tiers:
    tiers = tuple(
        Tier(None if upper is None else upper * BYTES_PER_GIB, micro_usd(price)) for upper, price in stated
    )
    bounds = [tier.upper_bytes for tier in tiers if tier.upper_bytes is not None]
    if not tiers or tiers[-1].upper_bytes is not None or len(bounds) != len(tiers) - 1:
        raise ValueError(f"the last tier alone must be open: {stated}")
    if any(tier.micro_usd_per_gib < 0 for tier in tiers) or bounds != sorted(set(bounds)):
        raise ValueError(f"tiers must ascend and cost nothing or more: {stated}")
    return tiers


def _choose(lists: Mapping[str, Tiers], name: str) -> Tiers:
    return lists[name] if name in lists else lists["*"]


def _cloud(zone: str) -> str:
    return zone.partition("/")[0]


DEFAULT = load()
"""The published prices."""
