"""The parts that Compute Engine bills: a vCPU and a GiB of each family, a GPU, a GiB of local SSD.

SKUs of the Cloud Billing Catalog API are told apart by their description, the only place where the family
stands: ``N2D AMD Instance Core running in Americas``. A description that is not exactly of a known form
(sole tenancy, custom types, commitments, licences, ...) is no part. A machine whose part has two prices in
one place and market has two as well, for the gates to doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from catalog.sources.shapes import Accelerators

if TYPE_CHECKING:
    from catalog.sources.work import Work

_FAMILIES = {
    "A3Plus": "a3-mega",
    "A3Ultra": "a3-ultra",
    "Compute optimized": "c2",
    "Memory-optimized": "m1",
    "N1 Predefined": "n1",
}
"""What a description calls a family where that is not simply its name."""

_FAMILY = re.compile(r"(?P<name>[A-Z]\d[A-Z]?)(?: AMD| Arm)?$")
"""What it is called elsewhere: ``N2``, ``N2D AMD``, ``T2A Arm``."""

_BY_SIZE = {"M2", "M4"}
"""Families whose parts have another price in each of its series, which a description does not tell."""

_MODELS = {
    "Tesla A100": "A100",
    "Tesla A100 80GB": "A100-80GB",
    "Tesla P100": "P100",
    "Tesla P4": "P4",
    "Tesla T4": "T4",
    "Tesla V100": "V100",
    "B200": "B200",
    "H100 80GB": "H100",
    "H100 80GB Mega": "H100-MEGA",
    "H100 80GB Plus": "H100-MEGA",
    "H200 141GB": "H200",
    "L4": "L4",
    "RTX 6000 96GB": "RTXPRO6000",
}

_MACHINE = re.compile(r"(?:Spot Preemptible )?(?P<family>.+?)(?: Instance)? (?P<what>Core|Ram) running in ")
_SHARED = re.compile(r"(?:Spot Preemptible )?(?P<what>Micro|Small) Instance with .+ running in ")
_GPU = re.compile(r"Nvidia (?P<model>.+?) GPU (?:attached to Spot Preemptible VMs )?running in ")
_SSD = re.compile(r"SSD backed Local Storage(?: attached to Spot Preemptible VMs)?(?: in .+)?$")
_SPOT = {"OnDemand": False, "Preemptible": True}
_UNITS = {"Core": "h", "Ram": "GiBy.h", "Gpu": "h", "Type": "h", "Ssd": "GiBy.mo"}
_HOURS_OF_MONTH = 730
"""What Google's price pages take for a month."""

_WHOLE_TYPES = {"Micro": "f1-micro", "Small": "g1-small"}
_SHARED_VCPUS = {"e2-micro": 0.25, "e2-small": 0.5, "e2-medium": 1.0}
"""vCPUs that are paid of E2's shared-core types ("E2 shared-core machine types")."""


@dataclass(frozen=True, slots=True)
class Part:
    """A price in ``usd`` an hour (in the list's currency), and the day from which it holds."""

    usd: float
    as_of: date


PartKey = tuple[str, str, str, bool]
"""``Core``, ``Ram``, ``Gpu``, ``Ssd`` or ``Type``; the family, model or type; the region; whether spot."""


@dataclass(slots=True)
class Prices:
    """The parts by key, each as often as the list has another price for it."""

    parts: dict[PartKey, list[Part]] = field(default_factory=dict)
    currencies: set[str] = field(default_factory=set)

    def add(self, key: PartKey, part: Part) -> None:
        """Take a part in."""
        known = self.parts.setdefault(key, [])
        if all(each.usd != part.usd for each in known):
            known.append(part)

    def of_machine(
        self,
        name: str,
        region: str,
        vcpus: float,
        memory_gib: float,
        gpu: Accelerators | None,
        ssd_gib: float,
        spot: bool,
    ) -> list[Part]:
        """Return what an hour of the machine costs: nothing where one of its parts has no price.

        Where a part has several, so has the machine: the lowest and the highest.
        """
        amounts: list[tuple[PartKey, float]]
        if name in _WHOLE_TYPES.values():
            amounts = [(("Type", name, region, spot), 1.0)]
        else:
            family = family_of(name)
            amounts = [
                (("Core", family, region, spot), _SHARED_VCPUS.get(name, vcpus)),
                (("Ram", family, region, spot), memory_gib),
            ]
        if gpu is not None:
            amounts.append((("Gpu", gpu.name, region, spot), gpu.count))
        if ssd_gib:
            amounts.append((("Ssd", "", region, spot), ssd_gib / _HOURS_OF_MONTH))
        if any(key not in self.parts for key, _ in amounts):
            return []
        sums = [
            Part(
                round(
                    sum(chosen(part.usd for part in self.parts[key]) * amount for key, amount in amounts), 6
                ),
                max(part.as_of for key, _ in amounts for part in self.parts[key]),
            )
            for chosen in (min, max)
        ]
        return sums[:1] if sums[0] == sums[1] else sums


def family_of(name: str) -> str:
    """Return the family by whose parts a machine type is billed."""
    for long, short in (("a3-megagpu", "a3-mega"), ("a3-ultragpu", "a3-ultra")):
        if name.startswith(long):
            return short
    return name.partition("-")[0]


def read_skus(pages: Iterable[Mapping[str, Any]], work: Work) -> Prices:
    """Return the parts in the pages of a list of SKUs. Raises ``SourceError`` for another form."""
    prices = Prices()
    try:
        for page in pages:
            for sku in page["skus"]:
                _take(sku, prices)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise work.fail(f"the billing catalog has changed its form ({error!r})") from error
    if not prices.parts:
        raise work.fail("the billing catalog prices no part of a machine; try again later")
    return prices


def _take(sku: Mapping[str, Any], prices: Prices) -> None:
    spot = _SPOT.get(sku["category"]["usageType"])
    named = _named(sku["description"])
    if spot is None or named is None or sku["category"]["resourceFamily"] not in {"Compute", "Storage"}:
        return
    latest = sku["pricingInfo"][-1]
    expression = latest["pricingExpression"]
    if expression["usageUnit"] != _UNITS[named[0]]:
        raise ValueError(f"{sku['description']} is by {expression['usageUnit']}")
    unit = expression["tieredRates"][-1]["unitPrice"]
    amount = int(unit.get("units", 0)) + unit.get("nanos", 0) / 1e9
    if not amount:
        return
    prices.currencies.add(unit["currencyCode"])
    part = Part(amount, date.fromisoformat(latest["effectiveTime"][:10]))
    for region in sku["serviceRegions"]:
        prices.add((*named, region, spot), part)


def _family_named(text: str) -> str | None:
    if text in _FAMILIES:
        return _FAMILIES[text]
    found = _FAMILY.match(text)
    return found["name"].lower() if found and found["name"] not in _BY_SIZE else None


def _named(description: str) -> tuple[str, str] | None:
    """Return the kind of part and whose it is, ``None`` where the description is of no known form."""
    if found := _SHARED.match(description):
        return "Type", _WHOLE_TYPES[found["what"]]
    if (found := _MACHINE.match(description)) and (family := _family_named(found["family"])):
        return found["what"], family
    if (found := _GPU.match(description)) and found["model"] in _MODELS:
        return "Gpu", _MODELS[found["model"]]
    return ("Ssd", "") if _SSD.match(description) else None
