"""What goes wrong in the make-believe EC2, how long things take there, and what was asked of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

REGIONS = ("us-east-1", "us-east-2", "us-west-2")


@dataclass
class Fault:
    """An answer in the place of the right one, to the next ``times`` calls of ``action`` that match.

    ``match`` maps parameters of the request to values. ``code`` "" cuts the connection without an answer.
    With ``after`` the call has had its effect before.
    """

    action: str
    code: str
    message: str = "it went wrong"
    status: int = 400
    times: int = 1
    after: bool = False
    region: str = ""
    match: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def fits(self, action: str, region: str, parameters: Mapping[str, str]) -> bool:
        """Return whether it is the answer to this call."""
        there = self.region in {"", region} and self.match.items() <= parameters.items()
        return self.times > 0 and self.action in {action, "*"} and there


@dataclass
class Capacity:
    """How many more instances there are of a type in a zone and market; "" stands for any."""

    left: int
    zone: str = ""
    instance_type: str = ""
    market: str = ""

    def covers(self, zone: str, instance_type: str, market: str) -> bool:
        """Return whether these are counted."""
        pairs = ((self.zone, zone), (self.instance_type, instance_type), (self.market, market))
        return all(mine in {"", other} for mine, other in pairs)


@dataclass
class Reserved:
    """A capacity reservation: machines for those who name it, or for all where ``match`` is ``open``."""

    reservation_id: str
    zone: str
    instance_type: str
    left: int
    match: str = "targeted"
    platform: str = "Linux/UNIX"

    @property
    def region(self) -> str:
        """The region of its zone."""
        return self.zone[:-1]


@dataclass
class Timing:
    """How long things take: from pending to running, to stopped and terminated, until a new one is listed,
    until a disk is copied.

    The next ``stillborn`` instances end in the place of running.
    """

    pending_s: float = 0.1
    stillborn: int = 0
    stopping_s: float = 0.1
    unlisted_s: float = 0.0
    copying_s: float = 0.1


@dataclass
class Script:
    """All of it. ``quota`` maps (region, market) to how many instances may run there."""

    faults: list[Fault] = field(default_factory=list)
    capacities: list[Capacity] = field(default_factory=list)
    reserved: list[Reserved] = field(default_factory=list)
    quota: dict[tuple[str, str], int] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    timing: Timing = field(default_factory=Timing)
    calls: list[dict[str, str]] = field(default_factory=list)

    def clear(self) -> None:
        """Begin anew."""
        for each in (self.faults, self.capacities, self.reserved, self.quota, self.denied, self.calls):
            each.clear()
        vars(self.timing).update(vars(Timing()))

    def note(self, service: str, action: str, region: str, parameters: Mapping[str, str]) -> None:
        """Write a call down, without what was sent to the machines."""
        kept = {name: value for name, value in parameters.items() if name != "UserData"}
        self.calls.append(
            {**kept, "at": f"{time.time():.3f}", "service": service, "action": action, "region": region}
        )

    def fault(self, action: str, region: str, parameters: Mapping[str, str], *, after: bool) -> Fault | None:
        """Return the fault that is due, and count it."""
        for fault in self.faults:
            if fault.after == after and fault.fits(action, region, parameters):
                fault.times -= 1
                return fault
        return None

    def take_reserved(self, reservation_id: str, zone: str, instance_type: str, count: int) -> bool:
        """Take so many from a reservation; returns whether it has so many of these machines."""
        for each in self.reserved:
            named = (each.reservation_id, each.zone, each.instance_type)
            if named == (reservation_id, zone, instance_type) and each.left >= count:
                each.left -= count
                return True
        return False

    def take(self, zone: str, instance_type: str, market: str, count: int) -> bool:
        """Take so many from what is left; returns whether there were so many, else nothing is taken."""
        counted = [each for each in self.capacities if each.covers(zone, instance_type, market)]
        if any(each.left < count for each in counted):
            return False
        for each in counted:
            each.left -= count
        return True
