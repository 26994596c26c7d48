"""Capacity reservations: which the user wants used, what of them is free, and which one a machine goes into.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-reservations.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalog.offer import OfferKey
from catalog.scope import Scope
from executors.aws import settings
from executors.aws.errors import CLOUD, translated
from executors.aws.session import client, in_each, regions
from executors.errors import AuthError, OutOfCapacity
from executors.reserved import Reservation

_FRESH_S, _REFUSED_S = 60.0, 600
_ATTEMPTS = 2
_last: dict[settings.Settings, tuple[float, tuple[Reservation, ...]]] = {}
_refused: dict[str, float] = {}


def usable() -> Sequence[Reservation]:
    """Return the reservations that may be used and have a machine free, but for those that just refused.

    All regions are asked at once, at most once a minute; nobody is where the configuration names none.
    """
    wanted = settings.current()
    if not wanted.reservation_ids and not wanted.open_ones:
        return ()
    now = time.monotonic()
    if wanted not in _last or now - _last[wanted][0] > _FRESH_S:
        _last[wanted] = (now, _everywhere(wanted))
    return [each for each in _last[wanted][1] if now > _refused.get(each.reservation_id, 0.0)]


def reservation_for(key: OfferKey, count: int) -> str:
    """Return the id of the fullest one that has room for ``count`` machines. Raises ``OutOfCapacity``."""
    fitting = [each for each in usable() if each.holds(key) and each.free >= count]
    if not fitting:
        raise OutOfCapacity(
            f"{CLOUD}/{key.zone} {key.instance_type}: no reservation has {count} free",
            Scope(CLOUD, key.region, key.zone, key.instance_type, market=key.market),
            _REFUSED_S,
        )
    return min(fitting, key=lambda each: (each.free, each.reservation_id)).reservation_id


def leave_out(key: OfferKey) -> None:
    """Use none of these machines for a while, whatever EC2 says that there is: it refused one."""
    for each in usable():
        if each.holds(key):
            _refused[each.reservation_id] = time.monotonic() + _REFUSED_S


def _everywhere(wanted: settings.Settings) -> tuple[Reservation, ...]:
    """Ask every region that may be looked into. Raises ``AuthError`` where that is none."""
    refused: list[AuthError] = []

    def look(region: str) -> Sequence[Reservation]:
        try:
            return tuple(_in_region(region, wanted))
        except AuthError as error:
            refused.append(error)
            return ()

    found = in_each(regions(), look)
    if len(refused) == len(found):
        raise refused[0]
    return tuple(each for there in found.values() for each in there)


def _in_region(region: str, wanted: settings.Settings) -> Iterator[Reservation]:
    pages = client("ec2", region, attempts=_ATTEMPTS).get_paginator("describe_capacity_reservations")
    with translated():
        for page in pages.paginate(Filters=[{"Name": "state", "Values": ["active"]}]):
            for each in page["CapacityReservations"]:
                if _is_wanted(each, wanted):
                    yield Reservation(
                        each["CapacityReservationId"],
                        CLOUD,
                        region,
                        each["AvailabilityZone"],
                        each["InstanceType"],
                        each["AvailableInstanceCount"],
                    )


def _is_wanted(fields: Mapping[str, Any], wanted: settings.Settings) -> bool:
    """Return whether our machines (Linux, no host of their own) fit in, and the user wants it used."""
    named = fields["CapacityReservationId"] in wanted.reservation_ids
    is_open = fields.get("InstanceMatchCriteria", "open") == "open"
    fits = fields["InstancePlatform"] == "Linux/UNIX" and fields.get("Tenancy", "default") == "default"
    return fits and fields["AvailableInstanceCount"] > 0 and (named or (wanted.open_ones and is_open))
