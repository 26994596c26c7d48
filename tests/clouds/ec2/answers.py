"""Answers of EC2 in its own format, where moto does not give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from tests.clouds.ec2.script import Reserved


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; ``status`` 0 is none at all: the connection is cut."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the call had its effect."""
        return self.status == 200


CUT = Answer(0)


def error(code: str, message: str, status: int = 400, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an error as EC2 words it."""
    error = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    # EC2 looks for its errors in Errors, IAM and STS at the root.
    body = (
        f"<?xml version='1.0'?><Response><Errors>{error}</Errors>{error}<RequestID>0</RequestID></Response>"
    )
    return Answer(status, body.encode(), {"Content-Type": "text/xml", **(headers or {})})


def no_capacity(instance_type: str, zone: str) -> Answer:
    """Return what EC2 says, with status 500, where it has no such machine left."""
    return error(
        "InsufficientInstanceCapacity",
        f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you "
        f"requested ({zone}). Our system will be working on provisioning additional capacity.",
        500,
    )


def reservation_full(reservation_id: str) -> Answer:
    """Return what EC2 says where a reservation has no such machine left."""
    return error(
        "ReservationCapacityExceeded",
        f"The targeted Capacity Reservation ({reservation_id}) does not have enough available instance "
        f"capacity to fulfill your request.",
    )


def reservations(found: Iterable[Reserved]) -> Answer:
    """Return capacity reservations."""
    items = "".join(
        f"<item><capacityReservationId>{each.reservation_id}</capacityReservationId>"
        f"<instanceType>{each.instance_type}</instanceType><instancePlatform>{each.platform}</instancePlatform>"
        f"<availabilityZone>{each.zone}</availabilityZone><tenancy>default</tenancy><state>active</state>"
        f"<availableInstanceCount>{each.left}</availableInstanceCount>"
        f"<instanceMatchCriteria>{each.match}</instanceMatchCriteria></item>"
        for each in found
    )
    return listing(
        "DescribeCapacityReservations", f"<capacityReservationSet>{items}</capacityReservationSet>"
    )


def over_quota(limit: int, market: str) -> Answer:
    """Return what EC2 says when the account may not have that many."""
    if market == "spot":
        return error("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
    return error(
        "VcpuLimitExceeded",
        f"You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the "
        f"instance bucket that the specified instance type belongs to.",
    )


def denied(action: str) -> Answer:
    """Return what EC2 says to those who may not."""
    return error("UnauthorizedOperation", f"You are not authorized to perform: {action}", 403)


def listing(action: str, items: str) -> Answer:
    """Return a successful answer of EC2 that holds ``items``."""
    body = f'<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">{items}</{action}Response>'
    return Answer(200, body.encode(), {"Content-Type": "text/xml"})


def regions(names: tuple[str, ...]) -> Answer:
    """Return the regions of the account."""
    items = "".join(
        f"<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>"
        f"<optInStatus>opt-in-not-required</optInStatus></item>"
        for name in names
    )
    return listing("DescribeRegions", f"<regionInfo>{items}</regionInfo>")
