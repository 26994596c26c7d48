"""What refused earlier launches: left out of later ones for a while, told, forgotten, never in the way."""

from __future__ import annotations

import json
import time

import pytest
from click.testing import CliRunner

import sky
from catalog.offer import Market
from catalog.scope import Scope
from executors.api import NodeRequest
from executors.errors import AuthError, OutOfCapacity, QuotaExceeded
from sky import core
from sky.cli.main import cli
from sky.control import shortages
from sky.control.place import offer_scope
from sky.control.places import Places
from sky.control.records import Attempt
from sky.control.state import Store, open_store
from sky.exceptions import ResourcesUnavailableError
from tests.sky.control.fake_infra import FakeCloud

A100 = {"accelerators": "A100:8"}


def task(num_nodes: int = 1, **resources: object) -> sky.Task:
    made = sky.Task(name="train", run="true", num_nodes=num_nodes)
    return made.set_resources(sky.Resources(**(resources or A100)))  # type: ignore[arg-type]


def scope(request: NodeRequest) -> Scope:
    return offer_scope(request.offer.key)


def refuse_first(aws: FakeCloud, ttl_s: int = 300) -> Scope:
    """Let the best place refuse one launch; return what it refused."""
    best = Places.of(task(), sky.OptimizeTarget.COST).best().offer.key
    refused = Scope(best.cloud, best.region, best.zone, best.instance_type, market=Market.ON_DEMAND)
    aws.failures = [OutOfCapacity("none left", refused, ttl_s)]
    core.launch(task(), "first")
    return refused


def refused(scope: Scope, ago_s: int = 10, ttl_s: int = 300, number: int = 0, num_nodes: int = 1) -> Attempt:
    at = int(time.time()) - ago_s
    return Attempt("other", f"other-{number}", at, "OutOfCapacity", scope, ttl_s, "none left", num_nodes)


def shown() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(CliRunner().invoke(cli, ["failover", "--json"]).output)
    return found


def test_a_second_launch_does_not_ask_again_and_says_so(aws: FakeCloud) -> None:
    lost = refuse_first(aws)
    core.launch(task(), "second")
    assert not any(lost.matches(request.offer.key) for request in aws.requests[1:])
    record = open_store().get("second")
    assert record is not None
    assert record.plan is not None
    (note,) = [note for note in record.plan["notes"] if "refused" in note]
    assert note.startswith(f"aws {lost.zone} p4d.24xlarge refused ")
    assert "(no capacity), not tried again until " in note


def test_it_is_tried_again_when_its_time_is_over(aws: FakeCloud) -> None:
    lost = refuse_first(aws, ttl_s=0)
    core.launch(task(), "second")
    assert lost.matches(aws.requests[-1].offer.key)


def test_a_launch_that_meets_none_of_them_says_nothing(aws: FakeCloud) -> None:
    refuse_first(aws)
    core.launch(task(cpus="8+"), "second")
    plan = open_store().get("second").plan  # type: ignore[union-attr]
    assert not any("refused" in note for note in plan["notes"])  # type: ignore[index]


def test_spot_shortages_leave_on_demand_alone(aws: FakeCloud) -> None:
    best = Places.of(task(), sky.OptimizeTarget.COST).best().offer.key
    open_store().add_attempt(refused(Scope("aws", best.region, best.zone, market=Market.SPOT)))
    core.launch(task(), "dev")
    assert aws.requests[0].offer.key == best


def test_when_nothing_else_fits_the_least_certain_are_tried_first(aws: FakeCloud) -> None:
    places = Places.of(task(), sky.OptimizeTarget.COST)
    keys: list[Scope] = []
    while places.count(keys):
        keys.append(places.best(keys).scope)
    store = open_store()
    for number, key in enumerate(keys):
        store.add_attempt(refused(key, ago_s=1 + number, number=number))
    aws.failures = [OutOfCapacity("none left", key, 300) for key in reversed(keys[-3:])]
    core.launch(task(), "dev")
    assert [scope(request) for request in aws.requests] == keys[:-5:-1]


def test_the_order_says_what_comes_last(aws: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    open_store().add_attempt(refused(Scope("aws", "us-west-2")))
    words = ["launch", "-c", "dev", "--gpus", "A100:8"]
    for more in (["--dryrun"], ["-y"]):
        shown = CliRunner().invoke(cli, [*words, *more, "--", "true"]).output
        assert "... and 21 more" in shown
        assert "... and last 4 that refused lately (sky failover)" in shown


def test_a_broad_old_shortage_gives_way_and_a_narrow_one_stays(aws: FakeCloud) -> None:
    best = Places.of(task(), sky.OptimizeTarget.COST).best().scope
    store = open_store()
    store.add_attempt(refused(best, ago_s=200, number=1))
    store.add_attempt(refused(Scope("aws"), ago_s=1, number=2))
    core.launch(task(), "dev")
    assert scope(aws.requests[0]) != best


def test_a_request_that_nothing_satisfies_fails_as_without_them(aws: FakeCloud) -> None:
    open_store().add_attempt(refused(Scope("aws")))
    with pytest.raises(ResourcesUnavailableError) as caught:
        core.launch(task(cpus="100000+"), "dev")
    assert caught.value.failover_history == []


def test_refused_credentials_are_of_one_launch(aws: FakeCloud) -> None:
    aws.failures = [AuthError("the key has expired", Scope("aws"), 600)]
    with pytest.raises(ResourcesUnavailableError):
        core.launch(task(), "first")
    assert shown() == []
    core.launch(task(), "second")
    assert len(aws.requests) == 2


def test_owned_nodes_say_themselves_what_is_free() -> None:
    open_store().add_attempt(refused(Scope("ssh", "lab")))
    assert shortages.in_force(open_store()) == []


def test_success_at_a_place_ends_what_was_said_of_it(aws: FakeCloud) -> None:
    best = Places.of(task(), sky.OptimizeTarget.COST).best().scope
    store = open_store()
    store.add_attempt(refused(Scope("aws"), number=1))
    store.add_attempt(refused(Scope("aws", "us-west-2"), number=2))
    store.add_attempt(refused(Scope("aws"), number=3, num_nodes=2))
    core.launch(task(), "dev")
    assert scope(aws.requests[0]) == best
    assert [attempt.cluster_id for attempt in shortages.in_force(store)] == ["other-2", "other-3"]
    (kept,) = store.attempts("other-1")
    assert kept.message == "none left"


def test_a_refusal_of_more_nodes_says_nothing_of_fewer(aws: FakeCloud) -> None:
    best = Places.of(task(), sky.OptimizeTarget.COST).best().scope
    open_store().add_attempt(refused(best, num_nodes=4))
    core.launch(task(), "one")
    assert scope(aws.requests[0]) == best
    core.launch(task(num_nodes=4), "four")
    assert scope(aws.requests[1]) != best


def test_the_command_shows_and_forgets_them(aws: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    store = open_store()
    store.add_attempt(refused(Scope("aws", "us-east-1", "us-east-1a", "p4d.24xlarge"), ago_s=190, number=1))
    store.add_attempt(refused(Scope("aws", "us-west-2", market=Market.SPOT), number=2))
    table = CliRunner().invoke(cli, ["failover"]).output
    assert "aws us-east-1a p4d.24xlarge" in table
    assert "3 min ago" in table
    assert "aws us-west-2 spot" in table
    assert {row["until"] for row in shown()} == {row["at"] + 300 for row in shown()}  # type: ignore[operator]
    kept = CliRunner().invoke(cli, ["failover", "aws/us-west-2", "--forget"], input="n\n")
    assert kept.exit_code != 0
    assert len(shown()) == 2
    CliRunner().invoke(cli, ["failover", "aws/us-west-2", "--forget", "-y"])
    assert [row["scope"]["region"] for row in shown()] == ["us-east-1"]  # type: ignore[index]
    CliRunner().invoke(cli, ["failover", "--forget", "-y"])
    assert "No place is left out" in CliRunner().invoke(cli, ["failover"]).output


def test_a_quota_is_kept_as_long_as_it_says(aws: FakeCloud) -> None:
    aws.failures = [QuotaExceeded("0 of P", Scope("aws", "us-east-2"), 3_600)]
    core.launch(task(), "first")
    (row,) = shown()
    assert (row["reason"], row["until"]) == ("over quota", row["at"] + 3_600)  # type: ignore[operator]


def test_certainty_falls_evenly() -> None:
    attempt = Attempt("dev", "dev-1", 1_000, "OutOfCapacity", Scope("aws"), 200, "")
    assert [shortages.certainty(attempt, now) for now in (1_000, 1_050, 1_200, 9_999)] == [1, 0.75, 0, 0]


def test_ending_many_at_once(store: Store) -> None:
    many = [refused(Scope("aws", f"r{number}"), number=number) for number in range(1_200)]
    for attempt in many:
        store.add_attempt(attempt)
    store.end_attempts(many[:1_100])
    assert len(store.standing_attempts()) == 100


@pytest.fixture
def store() -> Store:
    return open_store()
