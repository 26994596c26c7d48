"""The order that a launch shows is the order in which it tries places, however the task is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner

import sky
from catalog.offer import Market, OfferKey
from catalog.scope import Scope
from executors import registry
from executors.api import NodeRequest
from executors.errors import OutOfCapacity
from sky import core
from sky.cli.main import cli
from sky.control.outlook import SHOWN, Outlook
from sky.control.place import offer_of, offer_scope
from sky.control.records import Attempt
from sky.control.search import Search
from sky.control.stages import LaunchOptions, launch_task
from sky.control.state import open_store
from sky.exceptions import ResourcesUnavailableError
from tests.sky.control.fake_infra import FakeCloud


@pytest.fixture
def clouds() -> Iterator[dict[str, FakeCloud]]:
    made = {name: FakeCloud(name) for name in ("aws", "gcp")}
    for name, cloud in made.items():
        registry.register(name, cloud.executor)
    yield made
    for name in made:
        registry.unregister(name)


def of(resources: object) -> sky.Task:
    return sky.Task(name="train", run="true").set_resources(resources)  # type: ignore[arg-type]


A100 = {"accelerators": "A100:8"}
TASKS: dict[str, Callable[[], object]] = {
    "one kind": lambda: sky.Resources(**A100),  # type: ignore[arg-type]
    "processors": lambda: sky.Resources(cpus="8+"),
    "spot or not": lambda: {sky.Resources(**A100, use_spot=spot) for spot in (True, False)},  # type: ignore[arg-type]
    "any of two": lambda: {sky.Resources(accelerators=name) for name in ("L4:1", "T4:1")},
    "first this": lambda: [
        sky.Resources(accelerators="V100:8", instance_type="p3dn.24xlarge", region="us-west-2", cloud="aws"),
        sky.Resources(accelerators="A100:8", cloud="gcp"),
    ],
    "few": lambda: sky.Resources(cloud="aws", region="us-west-2", instance_type="p4d.24xlarge"),
}


def refusing(request: NodeRequest) -> None:
    raise OutOfCapacity("none left", offer_scope(request.offer.key), 300)


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("target", sky.OptimizeTarget)
def test_the_order_shown_is_the_order_that_happens(
    kind: str, target: sky.OptimizeTarget, clouds: dict[str, FakeCloud]
) -> None:
    shown: list[Outlook] = []
    asked: list[OfferKey] = []

    def note(request: NodeRequest) -> None:
        asked.append(request.offer.key)
        if len(asked) <= SHOWN + 1:
            refusing(request)

    for cloud in clouds.values():
        cloud.on_create = note
    options = LaunchOptions(target=target, on_outlook=shown.append)
    try:
        launch_task(of(TASKS[kind]()), "dev", options)
    except ResourcesUnavailableError:
        assert len(asked) <= SHOWN + 1
    (outlook,) = shown
    first, *others = outlook.places[0].plan.tasks[0].choice, *outlook.plan.tasks[0].alternatives
    expected = [offer_of(choice).key for choice in (first, *others)]
    assert asked[: len(expected)] == expected
    assert len(others) == SHOWN or outlook.more == 0


@pytest.mark.parametrize("kind", TASKS)
def test_as_many_places_follow_as_it_says(kind: str, clouds: dict[str, FakeCloud]) -> None:
    search = Search(open_store(), of(TASKS[kind]()), sky.OptimizeTarget.COST)
    outlook = search.outlook("dev", search.best())
    tried = 0
    scopes: list[Scope] = []
    places = search._places
    while places.count(scopes) and tried < 60:
        scopes.append(places.best(scopes).scope)
        tried += 1
    total = 1 + len(outlook.plan.tasks[0].alternatives) + outlook.more
    assert total == tried or (tried == 60 and total >= 60)


def test_the_second_type_of_the_same_place_is_a_next_step(clouds: dict[str, FakeCloud]) -> None:
    aws = clouds["aws"]
    wanted = sky.Resources(cpus="8+", cloud="aws", zone="us-east-1a", region="us-east-1")
    first = sky.optimize(of(wanted), quiet=True).tasks[0].choice
    narrow = Scope("aws", "us-east-1", "us-east-1a", first.instance_type, market=Market.ON_DEMAND)
    aws.failures = [OutOfCapacity("none left", narrow, 300)]
    core.launch(of(wanted), "dev")
    one, two = (request.offer.key for request in aws.requests)
    assert (one.zone, one.market) == (two.zone, two.market)
    assert one.instance_type != two.instance_type


def test_a_refused_accelerator_leaves_the_same_type_without_it(clouds: dict[str, FakeCloud]) -> None:
    gcp = clouds["gcp"]
    wanted = sky.Resources(cloud="gcp", accelerators="T4:1")
    core.launch(of(wanted), "one")
    key = gcp.requests[0].offer.key
    plain = sky.Resources(cloud="gcp", region=key.region, zone=key.zone, instance_type=key.instance_type)
    open_store().add_attempt(
        Attempt("x", "x-1", open_store().now(), "OutOfCapacity", offer_scope(key), 300, "")
    )
    core.launch(of(plain), "two")
    assert gcp.requests[1].offer.key.accelerator == ""


def test_dryrun_and_launch_show_the_order_on_screen(
    clouds: dict[str, FakeCloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    words = ["launch", "-c", "dev", "--infra", "aws", "--gpus", "A100:8"]
    dry = CliRunner().invoke(cli, [*words, "--dryrun", "--", "true"]).output
    assert "Runners-up for task-0, tried in this order where a place refuses:" in dry
    assert "... and 25 more" in dry
    real = CliRunner().invoke(cli, [*words, "-y", "--", "true"]).output
    assert "Where that refuses, next in this order:" in real
    assert "... and 25 more" in real


def test_progress_says_why_and_what_is_next(
    clouds: dict[str, FakeCloud], caplog: pytest.LogCaptureFixture
) -> None:
    aws = clouds["aws"]
    aws.failures = [OutOfCapacity("none", Scope("aws", "us-east-2", "us-east-2a"), 300)]
    with caplog.at_level("INFO", "sky.launch"):
        core.launch(of(sky.Resources(cloud="aws", accelerators="A100:8")), "dev")
    (line,) = [line for line in caplog.messages if "no capacity" in line]
    wanted = (
        r"aws us-east-2a p4d.24xlarge: no capacity \(\d+\.\d s\); "
        r"next: aws us-east-2b p4d.24xlarge \$\d+\.\d\d/h"
    )
    assert re.fullmatch(wanted, line)
