"""What a launch is asked for: idle minutes, and what its nodes would need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sky
from executors import registry
from executors.agent_queue import AgentQueue
from executors.api import Autostop, WaitFor
from sky import core
from sky.control.clusters import change_autostop
from sky.control.connection import connected
from sky.control.state import open_store
from sky.exceptions import NotSupportedError

NAME = "c1"


@pytest.fixture(autouse=True)
def _local(home: Path) -> Iterator[None]:
    registry.unregister("local")
    yield
    for cluster in core.status():
        core.down(cluster["name"], purge=True)
    registry.unregister("local")


@pytest.mark.parametrize(
    "idle", [{"idle_minutes_to_autostop": 0}, {"down": True, "idle_minutes_to_autostop": 0}]
)
def test_no_idle_minutes_leave_time_to_queue_the_job(idle: dict[str, Any]) -> None:
    job_id, _ = core.launch(sky.Task(setup="true", run="true"), NAME, detach_run=True, **idle)
    (found,) = core.status(NAME)
    assert (job_id, found["autostop"], found["to_down"]) == (1, 1, "down" in idle)


@pytest.mark.parametrize("minutes", [1.5, "5", True, 10**20])
def test_idle_minutes_that_cannot_be_counted(minutes: Any) -> None:
    core.launch(sky.Task(), NAME)
    with pytest.raises(ValueError, match="whole number"):
        core.autostop(NAME, minutes)
    with pytest.raises(ValueError, match="whole number"):
        core.start(NAME, minutes)
    with pytest.raises(ValueError, match="whole number"):
        core.launch(sky.Task(run="true"), "other", idle_minutes_to_autostop=minutes)
    assert [row["autostop"] for row in core.status()] == [-1]


def test_no_idle_minutes_of_the_resources_leave_time_too() -> None:
    core.launch(sky.Task(run="true", resources=sky.Resources(autostop=0)), NAME)
    assert core.status(NAME)[0]["autostop"] == 1


@pytest.mark.parametrize("field", [{"file_mounts": {"/data": "s3://b/x"}}, {"volumes": {"/data": "mine"}}])
def test_what_a_node_would_lack_is_refused_before_anything_is_made(field: dict[str, Any]) -> None:
    with pytest.raises(NotSupportedError, match="/data"):
        core.launch(sky.Task(run="true", **field), NAME)
    assert core.status() == []


def told(record_of: str) -> Autostop | None:
    """Return the setting that the cluster's agent has."""
    record = open_store().get(record_of)
    assert record is not None
    with connected(record) as cluster:
        queue = cluster.queue
        assert isinstance(queue, AgentQueue)
        return queue.autostop()


def test_what_autostop_waits_for_reaches_the_agent() -> None:
    asked = {"idle_minutes": 30, "down": True, "wait_for": "jobs_and_ssh"}
    core.launch(sky.Task(run="true", resources=sky.Resources(autostop=asked)), NAME)
    assert told(NAME) == Autostop(30, True, WaitFor.JOBS_AND_SSH)
    core.autostop(NAME, 10)
    assert told(NAME) == Autostop(10)
    change_autostop(NAME, Autostop(20, wait_for=WaitFor.NONE))
    assert told(NAME) == Autostop(20, wait_for=WaitFor.NONE)
