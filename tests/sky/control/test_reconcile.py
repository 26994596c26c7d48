from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.offer import Market
from executors.api import ClusterView, NodeState
from sky.control.reconcile import SETTLE_S, Action, decide
from sky.statuses import ClusterStatus
from tests.sky.control.store_suite import OFFER, record

INIT, UP, STOPPED = ClusterStatus.INIT, ClusterStatus.UP, ClusterStatus.STOPPED
KEEP, MARK_INIT, MARK_STOPPED, CLOSE = Action.KEEP, Action.MARK_INIT, Action.MARK_STOPPED, Action.CLOSE

TABLE = {
    (INIT, NodeState.PENDING): KEEP,
    (INIT, NodeState.RUNNING): KEEP,
    (INIT, NodeState.DEGRADED): KEEP,
    (INIT, NodeState.STOPPED): MARK_STOPPED,
    (INIT, NodeState.GONE): CLOSE,
    (UP, NodeState.PENDING): MARK_INIT,
    (UP, NodeState.RUNNING): KEEP,
    (UP, NodeState.DEGRADED): MARK_INIT,
    (UP, NodeState.STOPPED): MARK_STOPPED,
    (UP, NodeState.GONE): CLOSE,
    (STOPPED, NodeState.PENDING): MARK_INIT,
    (STOPPED, NodeState.RUNNING): MARK_INIT,
    (STOPPED, NodeState.DEGRADED): MARK_INIT,
    (STOPPED, NodeState.STOPPED): KEEP,
    (STOPPED, NodeState.GONE): CLOSE,
}


@pytest.mark.parametrize(
    ("status", "state"), [(status, state) for status in ClusterStatus for state in NodeState]
)
def test_every_pair_of_record_and_view(status: ClusterStatus, state: NodeState) -> None:
    known = record(status=status, handle={"id": "i-1"})
    step = decide(known, ClusterView("dev-1", state), now=10_000)
    assert step.action is TABLE[status, state]
    assert step.action is KEEP or step.reason
    if step.action in {MARK_INIT, MARK_STOPPED}:
        known.check_transition(INIT if step.action is MARK_INIT else STOPPED)


@pytest.mark.parametrize(("age_s", "action"), [(0, KEEP), (SETTLE_S - 1, KEEP), (SETTLE_S, CLOSE)])
def test_a_creation_that_is_not_visible_yet_is_waited_for(age_s: int, action: Action) -> None:
    begun = record(intent_at=500)
    assert decide(begun, ClusterView("dev-1", NodeState.GONE), now=500 + age_s).action is action


def test_what_was_up_and_runs_again_is_up() -> None:
    lost = record(status=INIT, ever_up=True, handle={"id": "i-1"})
    assert decide(lost, ClusterView("dev-1", NodeState.RUNNING), now=0).action is Action.MARK_UP
    assert decide(lost, ClusterView("dev-1", NodeState.DEGRADED), now=0).action is KEEP


def test_the_providers_reason_is_told() -> None:
    view = ClusterView("dev-1", NodeState.DEGRADED, reason="2 of 3 nodes are gone")
    assert decide(record(status=UP), view, now=0).reason == "2 of 3 nodes are gone"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "its spot instances were preempted, or terminated outside"),
        (
            {"offer": replace(OFFER, key=replace(OFFER.key, market=Market.ON_DEMAND))},
            "it was terminated outside",
        ),
        ({"autostop_minutes": 5, "to_down": True}, "idle and took itself down, or its spot instances"),
        ({"status": INIT, "handle": None}, "its launch was interrupted before it had a node"),
    ],
)
def test_what_is_gone_has_a_reason(changes: dict[str, object], reason: str) -> None:
    known = record(**{"status": UP, "handle": {"id": "i-1"}, **changes})
    step = decide(known, ClusterView("dev-1", NodeState.GONE, since=70), now=10_000)
    assert reason in step.reason
    assert step.since == 70


def test_what_stopped_itself_is_told_from_what_was_stopped() -> None:
    view = ClusterView("dev-1", NodeState.STOPPED, since=70)
    assert "stopped itself" in decide(record(status=UP, autostop_minutes=5), view, now=99).reason
    step = decide(record(status=UP), view, now=99)
    assert (step.reason, step.since) == ("its nodes are stopped", 70)
