"""Place: where a cluster may be made, the offers that this means, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog import accelerators
from catalog.offer import Market, Offer, OfferKey
from catalog.scope import Scope
from catalog.units import MILLI, format_milli, format_usd
from sky.control.placement import LOCAL

if TYPE_CHECKING:
    from sky.resources import Resources
    from solver.plan import Choice, Plan


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task goes: the executor, one node's offer, the request that it answers, the plan behind it."""

    executor: str
    offer: Offer
    resources: Resources
    plan: Plan

    @property
    def scope(self) -> Scope:
        """This offer alone, as a block of the next plan."""
        return offer_scope(self.offer.key)

    def __str__(self) -> str:
        return key_text(self.offer.key)


def offer_scope(key: OfferKey) -> Scope:
    """Return the scope that holds the offer ``key`` alone; of an owned node, all shares of it.

    A plan knows what is reserved as what it is on demand.
    """
    if key.market is Market.OWNED:
        return Scope(key.cloud, key.region, key.zone or None, key.instance_type)
    return Scope(
        key.cloud,
        key.region,
        key.zone or None,
        key.instance_type,
        key.accelerator,
        key.accelerator_count_milli,
        Market.ON_DEMAND if key.market is Market.RESERVED else key.market,
    )


def planned_scope(scope: Scope) -> Scope:
    """Return ``scope`` in the solver's terms, where owned nodes have no market of their own.

    That what was reserved is taken says nothing of what can be rented: such a scope holds nothing there.
    """
    if scope.market is not Market.OWNED:
        return scope
    return Scope(
        scope.cloud,
        scope.region,
        scope.zone,
        scope.instance_type,
        scope.accelerator,
        scope.accelerator_count_milli,
    )


def key_text(key: OfferKey) -> str:
    """Return how lines of progress name an offer: ``aws us-east-1a g5.xlarge[Spot]``."""
    if key.cloud == LOCAL:
        return "this machine"
    where = f"{key.region}/{key.zone}" if key.zone and key.market is Market.OWNED else key.zone or key.region
    market = {Market.SPOT: "[Spot]", Market.RESERVED: "[Reserved]"}.get(key.market, "")
    return f"{key.cloud} {where} {key.instance_type}{market}"


def scope_text(scope: Scope) -> str:
    """Return how notes name a scope: ``aws us-east-1a p4d.24xlarge``, ``aws us-east-1 spot``."""
    spot = scope.market is Market.SPOT
    instance = scope.instance_type and f"{scope.instance_type}{'[Spot]' if spot else ''}"
    count = scope.accelerator_count_milli
    accelerator = scope.accelerator and f"{scope.accelerator}{f':{format_milli(count)}' if count else ''}"
    parts = (scope.cloud, scope.zone or scope.region, instance or (spot and "spot"), accelerator)
    return " ".join(part for part in parts if part)


def price_text(offer: Offer) -> str:
    """Return the price of one node: ``$1.01/h``."""
    return f"{format_usd(offer.price_micro_usd)}/h"


def offer_of(choice: Choice) -> Offer:
    """Return the offer that a plan chose."""
    known = accelerators.lookup(choice.accelerator) if choice.accelerator else None
    key = OfferKey(
        cloud=choice.cloud,
        region=choice.region,
        zone=choice.zone or "",
        instance_type=choice.instance_type,
        accelerator=choice.accelerator or "",
        accelerator_count_milli=choice.accelerator_count_milli,
        market=Market.SPOT if choice.use_spot else Market.ON_DEMAND,
    )
    return Offer(
        key=key,
        vcpus_milli=choice.vcpus_milli,
        memory_mib=choice.memory_mib,
        accelerator_memory_mib=known.memory_mib if known else 0,
        arch=choice.arch,
        price_micro_usd=choice.price_micro_usd_per_hour,
    )


def accelerators_of(key: OfferKey) -> dict[str, float | int] | None:
    """Return ``{name: count}`` of one node, or ``None``."""
    if not key.accelerator:
        return None
    count = key.accelerator_count_milli / MILLI
    return {key.accelerator: int(count) if count.is_integer() else count}
