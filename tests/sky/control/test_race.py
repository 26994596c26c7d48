"""Several places at once: the first that is up stays, and nothing of the others, whatever happens."""

from __future__ import annotations

import itertools
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner

import sky
from catalog.errors import UserError
from catalog.scope import Scope
from executors.api import Handle, NodeRequest
from executors.errors import CleanupIncomplete, HostUnreachable, OutOfCapacity
from sky import core
from sky.cli.main import cli
from sky.control import tries
from sky.control.place import offer_scope
from sky.control.places import Places
from sky.control.records import RACER
from sky.control.state import open_store
from sky.exceptions import ClusterSetUpError, ResourcesUnavailableError, StopFailoverError
from sky.statuses import ClusterStatus, OptimizeTarget
from tests.sky.control.fake_infra import FakeCloud

NAME = "dev"
PATIENCE_S = 30.0


def task() -> sky.Task:
    return sky.Task(name="train", run="true").set_resources(sky.Resources(accelerators="A100:8"))


def best(count: int) -> list[Scope]:
    places = Places.of(task(), OptimizeTarget.COST)
    found: list[Scope] = []
    while len(found) < count:
        found.append(places.best(found).scope)
    return found


@contextmanager
def heard(text: str) -> Iterator[threading.Event]:
    """An event that is set once the launch says ``text``."""
    said, log = threading.Event(), logging.getLogger("sky.launch")
    handler = logging.Handler()
    handler.emit = lambda record: said.set() if text in record.getMessage() else None  # type: ignore[method-assign]
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield said
    finally:
        log.removeHandler(handler)


class Track:
    """Holds every racer at the start until all are there; then the one at ``first`` alone goes through."""

    def __init__(self, first: Scope, done: threading.Event, racers: int = 3) -> None:
        self._first, self._done = first, done
        self._start = threading.Barrier(racers)
        self.records: list[set[str]] = []

    def __call__(self, request: NodeRequest) -> None:
        self.records.append({record.cluster_id for record in open_store().records()})
        self._start.wait(PATIENCE_S)
        if not self._first.matches(request.offer.key):
            assert self._done.wait(PATIENCE_S)


@pytest.mark.parametrize("winner", range(3))
def test_the_first_that_is_up_stays_and_the_others_go(winner: int, aws: FakeCloud) -> None:
    scopes = best(3)
    with heard("is up first") as won:
        aws.on_create = Track(scopes[winner], won)
        _, handle = core.launch(task(), NAME, race=3)
    assert handle is not None
    assert scopes[winner].matches(handle.offer.key)
    assert {offer_scope(request.offer.key) for request in aws.requests} == set(scopes)
    assert {request.cluster_name for request in aws.requests} == {NAME}
    assert list(aws.existing) == [handle.cluster_id]
    (row,) = core.status()
    assert (row["name"], row["status"]) == (NAME, ClusterStatus.UP)
    paid = {interval.cluster_id: interval for interval in open_store().usage()}
    assert paid[handle.cluster_id].cluster_name == NAME
    assert [each.ended_at is None for each in paid.values()].count(True) == 1
    core.down(NAME)
    assert core.status() == []


def test_the_job_does_not_wait_until_the_others_are_removed(
    aws: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = aws.delete
    with heard("Job 1 on cluster") as submitted, heard("is up first") as won:

        def delete_late(handle: Handle) -> None:
            assert submitted.wait(PATIENCE_S), "the job waits for this"
            delete(handle)

        monkeypatch.setattr(aws, "delete", delete_late)
        aws.on_create = Track(best(1)[0], won, racers=2)
        _, handle = core.launch(task(), NAME, race=2)
    assert handle is not None
    assert (list(aws.existing), len(core.status())) == ([handle.cluster_id], 1)


def test_every_racer_is_recorded_before_the_first_call(aws: FakeCloud) -> None:
    with heard("is up first") as won:
        aws.on_create = track = Track(best(1)[0], won)
        core.launch(task(), NAME, race=3)
    asked = {request.cluster_id for request in aws.requests}
    assert len(asked) == 3
    assert all(asked <= recorded for recorded in track.records[:3])


def test_those_that_refuse_are_remembered_and_the_next_ones_race(aws: FakeCloud) -> None:
    scopes = best(4)
    aws.on_create = lambda request: refuse(request, scopes[:2])
    core.launch(task(), NAME, race=2)
    record = open_store().get(NAME)
    assert record is not None
    assert any(scope.matches(record.offer.key) for scope in scopes[2:])
    assert {attempt.scope for attempt in open_store().standing_attempts()} == set(scopes[:2])
    assert list(aws.existing) == [record.cluster_id]


def refuse(request: NodeRequest, scopes: list[Scope]) -> None:
    for scope in scopes:
        if scope.matches(request.offer.key):
            raise OutOfCapacity("none left", scope, 300)


def test_when_all_refuse_the_history_holds_each(aws: FakeCloud) -> None:
    def refuse_all(request: NodeRequest) -> None:
        raise OutOfCapacity("none left", offer_scope(request.offer.key), 300)

    aws.on_create = refuse_all
    few = task().set_resources(sky.Resources(accelerators="A100:8", region="us-west-2"))
    with pytest.raises(ResourcesUnavailableError) as caught:
        core.launch(few, NAME, race=3)
    assert len(caught.value.failover_history) == len(aws.requests) == 4
    assert (core.status(), aws.existing) == ([], {})


def test_an_error_of_one_does_not_end_the_race(aws: FakeCloud) -> None:
    broken, sound = best(2)
    aws.on_create = lambda request: fail(request, broken)
    _, handle = core.launch(task(), NAME, race=2)
    assert handle is not None
    assert sound.matches(handle.offer.key)
    assert list(aws.existing) == [handle.cluster_id]


def fail(request: NodeRequest, scope: Scope) -> None:
    if scope.matches(request.offer.key):
        raise HostUnreachable("no route", "10.0.0.9")


def test_an_error_of_all_passes_and_leaves_nothing(aws: FakeCloud) -> None:
    aws.on_create = lambda request: fail(request, Scope("aws"))
    with pytest.raises(ClusterSetUpError, match="no route"):
        core.launch(task(), NAME, race=2)
    assert (core.status(), aws.existing) == ([], {})


def test_what_cannot_be_removed_is_loud_and_stays_in_sight(aws: FakeCloud) -> None:
    scopes = best(2)
    aws.on_create = lambda request: refuse(request, scopes[:1])
    aws.clean_up_failure = CleanupIncomplete("i-123 is still running")
    with pytest.raises(StopFailoverError, match="i-123"):
        core.launch(task(), NAME, race=2)
    left = {row["name"]: row["status"] for row in core.status()}
    assert left == {NAME: ClusterStatus.UP, f"{NAME}{RACER}1": ClusterStatus.INIT}
    aws.clean_up_failure = None
    core.launch(task(), NAME)
    assert [row["name"] for row in core.status()] == [NAME]
    assert len(aws.existing) == 1


def test_ctrl_c_ends_the_race_and_leaves_nothing(aws: FakeCloud) -> None:
    both = threading.Barrier(2)
    with heard("Ending the race") as ended:

        def press(_request: NodeRequest) -> None:
            if both.wait(PATIENCE_S) == 0:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # type: ignore[arg-type]
            assert ended.wait(PATIENCE_S), "the race did not end"

        aws.on_create = press
        with pytest.raises(KeyboardInterrupt):
            core.launch(task(), NAME, race=2)
    assert (core.status(), aws.existing, len(aws.requests)) == ([], {}, 2)


def test_ctrl_c_before_all_have_started_leaves_nothing(
    aws: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, calls = tries.ThreadPoolExecutor.submit, itertools.count(1)

    def interrupted(*arguments: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return submit(*arguments)

    monkeypatch.setattr(tries.ThreadPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        core.launch(task(), NAME, race=3)
    assert (core.status(), aws.existing) == ([], {})


def test_one_place_alone_needs_no_race(aws: FakeCloud) -> None:
    single = task().set_resources(sky.Resources(accelerators="A100:8", cloud="aws", zone="us-east-2a"))
    core.launch(single, NAME, race=3)
    assert len(aws.requests) == 1


def test_the_price_of_a_race_is_said_before_and_asked_for(
    aws: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    words = ["launch", "-c", NAME, "--gpus", "A100:8", "--race", "3", "--num-nodes", "2", "--", "true"]
    asked = CliRunner().invoke(cli, words, input="n\n")
    price = 21.9576
    assert "Race of 3 places: aws us-east-2a p4d.24xlarge $21.96/h; aws us-east-2b" in asked.output
    assert f"at most ${2 * 2 * price:.2f}/h more than the first alone for 2 nodes" in asked.output
    assert aws.requests == []


@pytest.mark.parametrize("race", [0, -1, 17])
def test_how_many_may_race(race: int, aws: FakeCloud) -> None:
    with pytest.raises(UserError, match="race"):
        core.launch(task(), NAME, race=race)
    assert aws.requests == []
