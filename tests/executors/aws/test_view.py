"""From how instances are to how the cluster is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from executors.api import NodeState
from executors.aws.instances import Instance, read
from executors.aws.view import view_of

ENDS = "Server.SpotInstanceTermination: taken back"


def instance(state: str, index: int = 0, nodes: int = 1) -> Instance:
    why = ENDS if state == "terminated" else ""
    marks = {"sky-num-nodes": str(nodes)}
    return Instance(f"i-{index}", state, f"1.2.3.{index}", f"10.0.0.{index}", 0, index, "z", why, marks)


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((), NodeState.GONE),
        (("terminated",), NodeState.GONE),
        (("shutting-down", "terminated"), NodeState.GONE),
        (("running", "running"), NodeState.RUNNING),
        (("running", "pending"), NodeState.PENDING),
        (("stopping", "stopped"), NodeState.STOPPED),
        (("running", "stopped"), NodeState.DEGRADED),
        (("running", "terminated"), NodeState.DEGRADED),
    ],
)
def test_states_of_instances_add_up(states: tuple[str, ...], state: NodeState) -> None:
    found = [instance(each, index, len(states)) for index, each in enumerate(states)]
    assert view_of("c", found).state is state


def test_who_took_an_instance_is_told() -> None:
    assert "taken back" in view_of("c", [instance("terminated")]).reason
    lost = view_of("c", [instance("running", 0, 2), instance("terminated", 1, 2)])
    assert "1 of 2" in lost.reason
    assert "taken back" in lost.reason
    assert lost.addresses == ("1.2.3.0",)


def test_what_is_left_of_a_dead_cluster_keeps_it_from_being_gone() -> None:
    left = view_of("c", [instance("terminated")], ["sg-1"])
    assert (left.state, left.nodeless) == (NodeState.DEGRADED, True)
    assert "sg-1" in left.reason


def test_a_stopped_cluster_says_since_when() -> None:
    started = datetime(2030, 1, 2, 3, 0, 0, tzinfo=timezone.utc)
    fields = {
        "InstanceId": "i-0",
        "State": {"Name": "stopped"},
        "LaunchTime": started,
        "StateTransitionReason": "User initiated (2030-01-02 03:04:05 GMT)",
        "Placement": {"AvailabilityZone": "us-east-1b"},
    }
    stopped = read(fields)
    view = view_of("c", [stopped])
    assert (view.state, view.place) == (NodeState.STOPPED, "us-east-1b")
    assert (view.created_at, view.since) == (int(started.timestamp()), int(started.timestamp()) + 245)
    assert view_of("c", [replace(stopped, state="running", changed_at=0)]).since == 0
