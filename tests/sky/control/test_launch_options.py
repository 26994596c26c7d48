"""What a launch is asked for: idle minutes, and what its nodes would need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sky
from executors import registry
from sky import core
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
