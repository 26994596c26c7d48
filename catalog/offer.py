"""Offer: one thing that can be rented at one place, and the key that names it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Market(str, Enum):
    """How capacity is bought; the value is what tables and JSON show."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    RESERVED = "reserved"
    OWNED = "owned"


@dataclass(frozen=True, slots=True, order=True)
class OfferKey:
    """The unique name of an offer in a snapshot; its order is the last tie-break of every plan.

    ``zone`` is ``""`` where the cloud has no zones, ``accelerator`` is ``""`` where there is none, so
    that keys always compare.
    """

    cloud: str
    region: str
    zone: str
    instance_type: str
    accelerator: str
    accelerator_count_milli: int
    market: Market


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer and what it holds, for one node.

    ``price_micro_usd`` is an hour of the whole node, accelerators counted in. ``accelerator_memory_mib``
    is per accelerator. ``vcpus_milli`` and ``memory_mib`` are 0 where the provider publishes none
    (a TPU slice).
    """

    key: OfferKey
    vcpus_milli: int
    memory_mib: int
    accelerator_memory_mib: int
    arch: str
    price_micro_usd: int
