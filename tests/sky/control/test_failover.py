from __future__ import annotations

import logging

import pytest

import sky
from catalog.errors import Infeasible
from catalog.home import sky_home
from catalog.offer import Market
from catalog.scope import Scope
from executors import registry
from executors.api import NodeRequest, NodeState
from executors.docker_login import DockerLogin
from executors.errors import AuthError, CleanupIncomplete, Declined, OutOfCapacity, QuotaExceeded, SetupFailed
from sky import core
from sky.control import failover, patience
from sky.control.patience import Patience
from sky.control.places import Places
from sky.control.state import open_store
from sky.exceptions import (
    NotSupportedError,
    ResourcesMismatchError,
    ResourcesUnavailableError,
    StopFailoverError,
)
from tests.sky.control.fake_infra import FakeCloud
from tests.sky.control.store_suite import Clock

NAME = "dev"


def task(**resources: object) -> sky.Task:
    asked = sky.Resources(**(resources or {"accelerators": "A100:8"}))  # type: ignore[arg-type]
    return sky.Task(name="train", run="true").set_resources(asked)


def zone(request: NodeRequest) -> str:
    return request.offer.key.zone


def price(request: NodeRequest) -> int:
    return request.offer.price_micro_usd


def out_of(scope: Scope) -> OutOfCapacity:
    return OutOfCapacity(f"no capacity in {scope}", scope, ttl_s=300)


def test_only_enabled_clouds_are_used(aws: FakeCloud) -> None:
    job_id, handle = core.launch(task(), NAME)
    assert (job_id, handle.executor) == (1, "aws")  # type: ignore[union-attr]
    (request,) = aws.requests
    assert request.offer.key.cloud == "aws"
    best = sky.optimize(task(accelerators="A100:8", cloud="aws"), quiet=True).tasks[0].choice
    assert request.offer.key.instance_type == best.instance_type
    assert request.offer.price_micro_usd == best.price_micro_usd_per_hour


def test_the_next_best_place_is_tried_in_order_of_price(aws: FakeCloud) -> None:
    aws.failures = [
        out_of(Scope(cloud="aws", region="us-east-2", zone="us-east-2a")),
        out_of(Scope(cloud="aws", region="us-east-2")),
    ]
    core.launch(task(), NAME)
    zones = [zone(request) for request in aws.requests]
    assert zones[0] == "us-east-2a"
    assert zones[1].startswith("us-east-2")
    assert zones[1] != zones[0]
    assert not zones[2].startswith("us-east-2")
    prices = [price(request) for request in aws.requests]
    assert prices == sorted(prices)
    assert len({request.cluster_id for request in aws.requests}) == 3


def test_what_failed_is_cleaned_up_and_recorded(aws: FakeCloud) -> None:
    scope = Scope(cloud="aws", region="us-east-2")
    aws.failures = [out_of(scope)]
    core.launch(task(), NAME)
    failed, made = (request.cluster_id for request in aws.requests)
    assert list(aws.existing) == [made]
    (attempt,) = open_store().attempts(failed)
    assert (attempt.kind, attempt.scope, attempt.ttl_s) == ("OutOfCapacity", scope, 300)
    (record,) = open_store().records()
    assert record.cluster_id == made


def test_an_auth_error_blocks_the_cloud_for_this_run(aws: FakeCloud, gcp: FakeCloud) -> None:
    aws.failures = [AuthError("the key has expired; run aws sso login", Scope(cloud="aws"), ttl_s=600)]
    core.launch(task(), NAME)
    assert len(aws.requests) == 1
    assert len(gcp.requests) == 1


def test_spot_blocks_leave_on_demand(aws: FakeCloud) -> None:
    either = sky.Task(run="true").set_resources(
        [sky.Resources(accelerators="A100:8", use_spot=True), sky.Resources(accelerators="A100:8")]
    )
    aws.failures = [QuotaExceeded("no spot quota", Scope(cloud="aws", market=Market.SPOT), ttl_s=60)]
    core.launch(either, NAME)
    markets = [request.offer.key.market for request in aws.requests]
    assert markets == [Market.SPOT, Market.ON_DEMAND]


def test_when_nothing_is_left_the_history_says_so(aws: FakeCloud) -> None:
    aws.failures = [out_of(Scope(cloud="aws"))]
    with pytest.raises(ResourcesUnavailableError, match="What was tried") as caught:
        core.launch(task(), NAME)
    assert [type(error) for error in caught.value.failover_history] == [OutOfCapacity]
    assert core.status() == []
    assert aws.existing == {}


def test_what_never_fitted_has_no_history(aws: FakeCloud) -> None:
    with pytest.raises(ResourcesUnavailableError) as caught:
        core.launch(task(cpus="100000+"), NAME)
    assert caught.value.failover_history == []
    assert aws.requests == []


def test_retry_until_up_starts_over(aws: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_S", 0.0)
    aws.failures = [out_of(Scope(cloud="aws")), out_of(Scope(cloud="aws"))]
    core.launch(task(), NAME, retry_until_up=True)
    assert len({zone(request) for request in aws.requests}) == 1
    assert len(aws.requests) == 3


def test_a_quota_or_a_bad_key_alone_is_not_waited_for(aws: FakeCloud, gcp: FakeCloud) -> None:
    aws.failures = [QuotaExceeded("0 of P", Scope("aws"), 3_600)]
    gcp.failures = [AuthError("the key has expired", Scope("gcp"), 600)]
    with pytest.raises(ResourcesUnavailableError, match="0 of P") as caught:
        core.launch(task(), NAME, retry_until_up=True)
    assert [type(error) for error in caught.value.failover_history] == [QuotaExceeded, AuthError]


def test_what_fits_nowhere_is_not_waited_for(aws: FakeCloud) -> None:
    with pytest.raises(ResourcesUnavailableError) as caught:
        core.launch(task(cpus="100000+"), NAME, retry_until_up=True)
    assert caught.value.failover_history == []


def test_a_bad_key_is_not_tried_in_the_next_round(
    aws: FakeCloud, gcp: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_S", 0.0)
    aws.failures = [AuthError("the key has expired", Scope("aws"), 600)]
    gcp.failures = [out_of(Scope("gcp"))]
    core.launch(task(), NAME, retry_until_up=True)
    assert (len(aws.requests), len(gcp.requests)) == (1, 2)


def test_the_limit_of_retrying_ends_it(aws: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_request: NodeRequest) -> None:
        raise out_of(Scope("aws"))

    def wait(name: str, pause_s: float, waited_for: str) -> None:
        told.append(waited_for)
        clock.now += pause_s

    clock, told = Clock(), list[str]()
    monkeypatch.setattr(Patience, "of", lambda **_: Patience(40.0, clock))
    monkeypatch.setattr(failover, "wait_for_capacity", wait)
    aws.on_create = refuse
    with pytest.raises(ResourcesUnavailableError) as caught:
        core.launch(task(), NAME, retry_for_s=40)
    assert len(caught.value.failover_history) == len(aws.requests) == 3
    assert told == ["1 place has none, the next round begins with aws us-east-2a p4d.24xlarge"] * 2


def test_a_stopped_cluster_waits_for_its_place(aws: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_S", 0.0)
    core.launch(task(), NAME)
    core.stop(NAME)
    aws.failures = [out_of(Scope("aws", zone="us-east-2a"))] * 2
    core.start(NAME, retry_until_up=True)
    assert len({request.cluster_id for request in aws.requests}) == 1


def test_a_failed_launch_says_all_that_was_tried(aws: FakeCloud, gcp: FakeCloud) -> None:
    aws.failures = [
        out_of(Scope("aws", "us-east-2", "us-east-2a")),
        QuotaExceeded("ask for P", Scope("aws"), 60),
    ]
    gcp.failures = [out_of(Scope("gcp"))]
    with pytest.raises(ResourcesUnavailableError) as caught:
        core.launch(task(), NAME)
    lines = str(caught.value).splitlines()
    assert lines[1].split() == ["PLACE", "INSTANCE", "MARKET", "PRICE", "REASON", "AT", "TOOK"]
    asked = [zone(request) for request in (*aws.requests, *gcp.requests)]
    assert [row.split()[0].partition("/")[2] for row in lines[2:5]] == asked
    assert [" ".join(row.split()[4:6]) for row in lines[2:5]] == ["no capacity", "over quota", "no capacity"]
    assert "over quota: ask for P" in lines
    assert [each["zone"] for each in caught.value.attempts] == asked
    assert all(each["seconds"] >= 0 and each["price_usd_per_hour"] > 0 for each in caught.value.attempts)


def test_what_only_the_provider_can_explain_is_told_whole(
    aws: FakeCloud, gcp: FakeCloud, caplog: pytest.LogCaptureFixture
) -> None:
    strange = "the flux capacitor of us-east-2 is empty (FluxTooLow)"
    aws.failures = [Declined(strange, Scope("aws"), ttl_s=60)]
    with caplog.at_level(logging.INFO, logger="sky"):
        core.launch(task(), NAME)
    (line,) = [line for line in caplog.messages if "declined" in line]
    assert strange in line
    core.down(NAME)
    gcp.failures = [out_of(Scope("gcp"))]
    aws.failures = [Declined(strange, Scope("aws"), ttl_s=60)]
    with pytest.raises(ResourcesUnavailableError) as caught:
        core.launch(task(), NAME)
    assert f"declined: {strange}" in str(caught.value).splitlines()
    assert "no capacity: " not in str(caught.value)


def test_this_machine_is_asked_once() -> None:
    here = FakeCloud("local", failures=[out_of(Scope("local"))])
    registry.register("local", here.executor)
    try:
        with pytest.raises(ResourcesUnavailableError, match="this-machine"):
            core.launch(sky.Task(run="true"), NAME)
    finally:
        registry.unregister("local")
    assert len(here.requests) == 1


def test_a_scope_that_misses_the_failed_offer_still_blocks_it(aws: FakeCloud) -> None:
    aws.failures = [out_of(Scope(cloud="gcp"))]
    core.launch(task(), NAME)
    first, second = aws.requests
    assert zone(first) != zone(second)


def test_a_failed_clean_up_stops_everything(aws: FakeCloud) -> None:
    aws.failures = [out_of(Scope(cloud="aws", region="us-east-2"))]
    aws.clean_up_failure = CleanupIncomplete("i-123 is still running")
    with pytest.raises(StopFailoverError, match="i-123"):
        core.launch(task(), NAME)
    assert len(aws.requests) == 1
    (cluster,) = core.status(refresh=True)
    assert cluster["status"] is sky.ClusterStatus.INIT
    with pytest.raises(RuntimeError, match="i-123"):
        core.down(NAME)
    aws.clean_up_failure = None
    core.down(NAME)
    assert core.status() == []


def test_purge_forgets_what_cannot_be_removed(aws: FakeCloud) -> None:
    core.launch(task(), NAME)
    aws.clean_up_failure = CleanupIncomplete("i-123 is still running")
    core.down(NAME, purge=True)
    assert core.status() == []


def test_a_users_failure_is_never_failed_over(aws: FakeCloud) -> None:
    aws.failures = [SetupFailed("broken", 1, "log")]
    with pytest.raises(sky.exceptions.CommandError):
        core.launch(task(), NAME)
    assert len(aws.requests) == 1


def test_a_stopped_cluster_is_started_where_it_was(aws: FakeCloud) -> None:
    core.launch(task(), NAME)
    core.stop(NAME)
    aws.failures = [out_of(Scope(cloud="aws", zone="us-east-2a"))]
    with pytest.raises(ResourcesUnavailableError) as caught:
        core.start(NAME)
    assert caught.value.no_failover
    core.start(NAME)
    assert len({request.cluster_id for request in aws.requests}) == 1


def test_an_existing_cluster_must_satisfy_the_task(aws: FakeCloud) -> None:
    core.launch(task(), NAME)
    core.launch(task(accelerators="A100:4"), NAME)
    for other in (task(accelerators="H100:8"), task(accelerators="A100:16"), task(cloud="gcp")):
        with pytest.raises(ResourcesMismatchError, match="dev has"):
            core.launch(other, NAME)
    with pytest.raises(ResourcesMismatchError, match="2 nodes"):
        core.exec(sky.Task(run="true", num_nodes=2), NAME)
    assert len(aws.requests) == 1


def test_gangs_get_every_address(aws: FakeCloud) -> None:
    gang = sky.Task(run=_by_rank, num_nodes=3).set_resources(sky.Resources(cpus="4+"))
    core.launch(gang, NAME)
    (spec,) = aws.specs
    assert spec.num_nodes == 3
    assert spec.scripts == (
        "echo 0 of 10.0.0.1 10.0.0.2 10.0.0.3",
        "",
        "echo 2 of 10.0.0.1 10.0.0.2 10.0.0.3",
    )


def _by_rank(rank: int, ips: list[str]) -> str | None:
    return None if rank == 1 else f"echo {rank} of {' '.join(ips)}"


def test_abilities_are_checked_before_anything_is_made(aws: FakeCloud) -> None:
    with pytest.raises(NotSupportedError, match="image"):
        core.launch(task(cloud="aws", image_id="docker:ubuntu"), NAME)
    assert aws.requests == []


@pytest.mark.parametrize("race", [1, 2])
def test_the_login_of_a_registry_reaches_the_provider_and_is_recorded_nowhere(
    aws: FakeCloud, race: int
) -> None:
    variables = {"SKYPILOT_DOCKER_USERNAME": "me", "SKYPILOT_DOCKER_SERVER": "example.com"}
    private = task().update_secrets({**variables, "SKYPILOT_DOCKER_PASSWORD": "hunter2"})
    core.launch(private, NAME, race=race)
    aws.existing[aws.requests[-1].cluster_id] = NodeState.STOPPED
    core.launch(private, NAME)
    assert len(aws.requests) > 1
    assert {each.docker_login for each in aws.requests} == {DockerLogin("me", "hunter2", "example.com")}
    assert not [each for each in sky_home().rglob("*") if each.is_file() and b"hunter2" in each.read_bytes()]


def test_the_plan_is_kept_with_the_cluster(aws: FakeCloud) -> None:
    core.launch(task(), NAME)
    (record,) = open_store().records()
    assert record.plan is not None
    assert record.plan["tasks"][0]["instance_type"] == record.offer.key.instance_type
    (paid,) = open_store().usage()
    assert paid.price_micro_usd == record.offer.price_micro_usd


def test_this_machine_is_used_when_asked_for_even_with_clouds(aws: FakeCloud) -> None:
    place = Places.of(task(cloud="local"), sky.OptimizeTarget.COST).best()
    assert place.executor == "local"
    assert place.offer.price_micro_usd == 0


def test_dryrun_does_nothing(aws: FakeCloud) -> None:
    assert core.launch(task(), NAME, dryrun=True) == (None, None)
    assert aws.requests == []
    assert core.status() == []


def test_infeasible_is_one_family() -> None:
    assert issubclass(ResourcesUnavailableError, Infeasible)
