"""Capacity reservations: which are used, and what a machine that is for one asks EC2 for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.offer import Market
from executors.aws import reservations, settings
from executors.aws.provisioner import AwsProvisioner
from executors.aws.settings import Settings
from executors.errors import AuthError, OutOfCapacity
from tests.clouds.ec2.cloud import Cloud
from tests.executors.aws.conftest import request

ZONE, TYPE = "us-east-1b", "m5.large"


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Settings]]:
    """The settings of the test: the last of these."""
    chosen = [Settings()]
    monkeypatch.setattr(settings, "current", lambda: chosen[-1])
    yield chosen
    reservations._last.clear()
    reservations._refused.clear()


def ids() -> list[str]:
    return [each.reservation_id for each in reservations.usable()]


def test_those_that_the_user_names_are_used_and_open_ones_where_he_says_so(
    ec2: Cloud, wanted: list[Settings]
) -> None:
    ec2.reserve("cr-mine", ZONE, TYPE, 2)
    ec2.reserve("cr-open", "us-west-2a", TYPE, 1, match="open")
    ec2.reserve("cr-other", ZONE, TYPE, 1)
    ec2.reserve("cr-empty", ZONE, TYPE, 0, match="open")
    ec2.reserve("cr-windows", ZONE, TYPE, 1, match="open", platform="Windows")
    assert (ids(), ec2.calls()) == ([], [])
    wanted.append(Settings(("cr-mine",)))
    assert ids() == ["cr-mine"]
    wanted.append(Settings(("cr-mine",), open_ones=True))
    assert ids() == ["cr-mine", "cr-open"]
    asked = len(ec2.calls("DescribeCapacityReservations"))
    assert ids() == ["cr-mine", "cr-open"]
    assert len(ec2.calls("DescribeCapacityReservations")) == asked


def test_regions_that_may_not_be_looked_into_hold_none(ec2: Cloud, wanted: list[Settings]) -> None:
    wanted.append(Settings(open_ones=True))
    ec2.reserve("cr-open", ZONE, TYPE, 1, match="open")
    ec2.fail("DescribeCapacityReservations", "UnauthorizedOperation", region="us-west-2")
    assert ids() == ["cr-open"]
    reservations._last.clear()
    ec2.deny("ec2:DescribeCapacityReservations")
    with pytest.raises(AuthError, match="DescribeCapacityReservations"):
        reservations.usable()


def test_a_machine_goes_into_the_fullest_reservation_that_has_room(
    aws: AwsProvisioner, ec2: Cloud, wanted: list[Settings]
) -> None:
    ec2.capacity(0)
    wanted.append(Settings(open_ones=True))
    for reservation_id, left in (("cr-1", 1), ("cr-3", 3), ("cr-2", 2)):
        ec2.reserve(reservation_id, ZONE, TYPE, left, match="open")
    aws.create(request(num_nodes=2, market=Market.RESERVED))
    (call,) = ec2.calls("RunInstances")
    target = "CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId"
    assert call[target] == "cr-2"


def test_one_that_is_full_after_all_is_left_out_and_blocks_nothing_that_is_rented(
    aws: AwsProvisioner, ec2: Cloud, wanted: list[Settings]
) -> None:
    wanted.append(Settings(("cr-1",)))
    ec2.reserve("cr-1", ZONE, TYPE, 1)
    ec2.fail("RunInstances", "ReservationCapacityExceeded")
    with pytest.raises(OutOfCapacity, match="ReservationCapacityExceeded") as caught:
        aws.create(request(market=Market.RESERVED))
    assert caught.value.scope.market is Market.RESERVED
    assert ids() == []
    with pytest.raises(OutOfCapacity, match="no reservation has 1 free"):
        aws.create(request(market=Market.RESERVED))
    aws.create(request())
    assert len(ec2.calls("RunInstances")) == 2
