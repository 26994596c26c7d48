"""Capacity that the user has reserved with a cloud, and pays for whether it is used or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from catalog.offer import OfferKey


@dataclass(frozen=True, slots=True)
class Reservation:
    """Machines of one type in one zone, of which ``free`` can be had now."""

    reservation_id: str
    cloud: str
    region: str
    zone: str
    instance_type: str
    free: int

    def holds(self, key: OfferKey) -> bool:
        """Return whether such machines are what ``key`` names."""
        mine = (self.cloud, self.region, self.zone, self.instance_type)
        return mine == (key.cloud, key.region, key.zone, key.instance_type)


@runtime_checkable
class Reserving(Protocol):
    """What a provisioner has besides, where its cloud lets capacity be reserved.

    A request whose offer is in the market ``reserved`` is for such capacity alone.
    """

    def reservations(self) -> Sequence[Reservation]:
        """Return what of the user's reservations may be used and is free; none costs no call."""
        ...
