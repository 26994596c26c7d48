"""Reserved capacity: it costs nothing more, is taken first, and gives way when it is used up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import sky
from catalog.free import without_price
from catalog.offer import Market
from catalog.query import mask_equal, view
from catalog.scope import Scope
from catalog.store import open_snapshot
from executors import registry
from executors.api import NodeRequest
from executors.errors import OutOfCapacity, Transient
from executors.reserved import Reservation
from sky import core
from sky.control.aws_config import read
from sky.control.state import open_store
from sky.exceptions import SpecError
from tests.sky.control.fake_infra import FakeCloud

REGION, ZONE, TYPE = "us-west-2", "us-west-2b", "p4d.24xlarge"


@dataclass
class ReservingCloud(FakeCloud):
    """A provider with reservations."""

    reserved: list[Reservation] = field(default_factory=list)
    silent: bool = False

    def reserve(self, free: int) -> None:
        self.reserved = [Reservation("cr-1", "aws", REGION, ZONE, TYPE, free)]

    def reservations(self) -> Sequence[Reservation]:
        if self.silent:
            raise Transient("no answer")
        return self.reserved


@pytest.fixture
def configuration(home: Path) -> Path:
    file = home / ".sky" / "config.yaml"
    file.parent.mkdir()
    return file


@pytest.fixture
def aws(configuration: Path) -> Iterator[ReservingCloud]:
    configuration.write_text("aws:\n  prioritize_reservations: true\n")
    cloud = ReservingCloud("aws")
    registry.register("aws", cloud.executor)
    yield cloud
    registry.unregister("aws")


def task(num_nodes: int = 1) -> sky.Task:
    return sky.Task(run="true", num_nodes=num_nodes).set_resources(sky.Resources(accelerators="A100:8"))


def asked(aws: ReservingCloud) -> list[tuple[str, Market, int]]:
    keys = [(request.offer.key, request.offer.price_micro_usd) for request in aws.requests]
    return [(key.zone, key.market, price) for key, price in keys]


def test_what_is_reserved_is_taken_first_and_costs_nothing_more(aws: ReservingCloud) -> None:
    aws.reserve(2)
    core.launch(task(2), "dev")
    assert asked(aws) == [(ZONE, Market.RESERVED, 0)]
    record = open_store().get("dev")
    assert record is not None
    notes = "\n".join(record.plan["notes"])
    assert f"aws {ZONE} {TYPE} has 2 free in cr-1: paid for already, so it counts as $0" in notes
    core.down("dev")


def test_too_little_of_it_is_not_used_and_said(aws: ReservingCloud) -> None:
    aws.reserve(1)
    core.launch(task(2), "dev")
    ((_, market, price),) = asked(aws)
    assert (market, price > 0) == (Market.ON_DEMAND, True)
    record = open_store().get("dev")
    assert record is not None
    assert f"aws {ZONE} {TYPE} has 1 free in cr-1: too few for 2 nodes" in record.plan["notes"]


def test_spot_requests_do_not_meet_it(aws: ReservingCloud) -> None:
    aws.reserve(1)
    wanted = sky.Resources(accelerators="A100:8", use_spot=True)
    core.launch(sky.Task(run="true").set_resources(wanted), "dev")
    ((_, market, price),) = asked(aws)
    assert (market, price > 0) == (Market.SPOT, True)


def test_when_it_is_used_up_meanwhile_the_same_place_can_be_rented(aws: ReservingCloud) -> None:
    aws.reserve(1)

    def used_up(request: NodeRequest) -> None:
        key = request.offer.key
        if key.market is Market.RESERVED:
            aws.reserved = []
            raise OutOfCapacity("full", Scope("aws", REGION, ZONE, TYPE, market=key.market), 600)

    aws.on_create = used_up
    here = sky.Resources(accelerators="A100:8", infra=f"aws/{REGION}/{ZONE}")
    core.launch(task().set_resources(here), "dev")
    reserved, rented = asked(aws)
    assert reserved == (ZONE, Market.RESERVED, 0)
    assert rented[:2] == (ZONE, Market.ON_DEMAND)
    assert rented[2] > 0
    core.down("dev")
    aws.requests.clear()
    core.launch(task().set_resources(here), "dev")
    assert asked(aws) == [rented]


def test_a_cloud_that_does_not_say_is_planned_without(
    aws: ReservingCloud, caplog: pytest.LogCaptureFixture
) -> None:
    aws.silent = True
    core.launch(task(), "dev")
    assert [market for _, market, _ in asked(aws)] == [Market.ON_DEMAND]
    assert "the reservations on aws are left out: no answer" in caplog.text


def test_where_the_configuration_names_none_nobody_is_asked(aws: ReservingCloud, configuration: Path) -> None:
    configuration.unlink()
    aws.reserve(1)
    core.launch(task(), "dev")
    assert [market for _, market, _ in asked(aws)] == [Market.ON_DEMAND]


def test_no_other_price_changes() -> None:
    table = open_snapshot().table
    changed = without_price(table, [Scope("aws", REGION, ZONE, TYPE)])
    before, after = view(table, "price_micro_usd"), view(changed, "price_micro_usd")
    here = mask_equal(table, "zone", ZONE) & mask_equal(table, "instance_type", TYPE)
    assert here.sum() == 1
    assert after[here].tolist() == [0]
    assert (before[~here] == after[~here]).all()
    assert changed.drop_columns(["price_micro_usd"]).equals(table.drop_columns(["price_micro_usd"]))


def test_the_configuration_names_them(configuration: Path) -> None:
    file = configuration
    assert (read().reservation_ids, read().open_ones) == ((), False)
    file.write_text("aws:\n  specific_reservations: [cr-1, cr-2]\n  prioritize_reservations: true\n")
    assert (read().reservation_ids, read().open_ones) == (("cr-1", "cr-2"), True)
    file.write_text("aws:\n  specific_reservations: [cr-1, ami-2]\n")
    with pytest.raises(SpecError, match="'ami-2' is not the id of a capacity reservation"):
        read()
