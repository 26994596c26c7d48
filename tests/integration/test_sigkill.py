"""A launcher killed at any step leaves nothing that ``status`` and ``down`` cannot see and clean."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sky
from executors import registry
from executors.agent import processes
from executors.local.provisioner import marker_of
from sky import core
from sky.control.state import open_store
from tests.integration import killed_at

NAME = "doomed"
LAUNCH_STEPS = [
    ("sky.control.state:Store.add", "before", 1),
    ("sky.control.state:Store.add", "after", 1),
    ("executors.local.provisioner:LocalProvisioner.create", "before", 1),
    ("executors.local.provisioner:_write", "before", 1),
    ("executors.local.provisioner:LocalProvisioner.create", "after", 1),
    ("sky.control.state:Store.update", "after", 1),
    ("executors.lifecycle:ensure_agent", "after", 1),
    ("sky.control.state:Store.update", "before", 2),
    ("sky.control.state:Store.update", "after", 2),
    ("executors.lifecycle:sync_workdir", "before", 1),
    ("executors.lifecycle:sync_workdir", "after", 1),
    ("executors.node_setup:run_setup", "after", 1),
    ("executors.agent_queue:AgentQueue.set_autostop", "after", 1),
    ("executors.agent_queue:AgentQueue.submit", "before", 1),
    ("executors.agent_queue:AgentQueue.submit", "after", 1),
    ("executors.agent_queue:AgentQueue.tail", "after", 1),
]
IDS = [f"{target.rpartition(':')[2]}-{moment}-{nth}" for target, moment, nth in LAUNCH_STEPS]


@pytest.fixture(autouse=True)
def fresh_executor(home: Path) -> None:
    registry.unregister("local")


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "file").write_text("x")
    return tmp_path / "work"


def killed(verb: str, step: tuple[str, str, int], workdir: Path) -> None:
    """Run ``verb`` in a process of its own that dies at ``step``."""
    target, moment, nth = step
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.killed_at", verb, NAME, target, moment, str(nth)],
        env={**os.environ, killed_at.WORKDIR_ENV: str(workdir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, f"the step was not reached: {done.stderr}"


def existing_on_this_machine() -> list[str]:
    return [view.cluster_id for view in registry.load("local").provisioner.list()]


def assert_nothing_is_left(home: Path, cluster_ids: set[str]) -> None:
    assert core.status(refresh=True) == []
    assert existing_on_this_machine() == []
    assert [path.name for path in (home / ".sky" / "local").glob("*")] == []
    for cluster_id in cluster_ids:
        assert processes.marked(marker_of(home / ".sky" / "local" / cluster_id)) == []


def known_ids() -> set[str]:
    return {record.cluster_id for record in open_store().records()}


@pytest.mark.parametrize("step", LAUNCH_STEPS, ids=IDS)
def test_what_a_killed_launch_left_is_seen_and_removed(
    step: tuple[str, str, int], home: Path, workdir: Path
) -> None:
    killed("launch", step, workdir)
    ids = known_ids()
    assert set(existing_on_this_machine()) <= ids, "something exists without a record"
    core.status(refresh=True)
    assert set(existing_on_this_machine()) <= known_ids(), "a refresh forgot what exists"
    for cluster in core.status():
        core.down(cluster["name"])
    assert_nothing_is_left(home, ids)


@pytest.mark.parametrize("step", LAUNCH_STEPS, ids=IDS)
def test_a_killed_launch_can_be_launched_again(
    step: tuple[str, str, int], home: Path, workdir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    killed("launch", step, workdir)
    ids = known_ids()
    capfd.readouterr()
    job_id, handle = core.launch(sky.Task(run="echo once more"), NAME)
    assert job_id is not None
    assert handle is not None
    assert "once more" in capfd.readouterr().out
    assert core.job_status(NAME, [job_id]) == {job_id: sky.JobStatus.SUCCEEDED}
    core.down(NAME)
    assert_nothing_is_left(home, ids | {handle.cluster_id})


@pytest.mark.parametrize(
    ("verb", "step", "statuses"),
    [
        ("stop", ("executors.lifecycle:stop", "before", 1), {"UP"}),
        ("stop", ("executors.local.provisioner:LocalProvisioner.stop", "after", 1), {"STOPPED"}),
        ("stop", ("sky.control.state:Store.update", "after", 1), {"STOPPED"}),
        ("down", ("executors.lifecycle:tear_down", "before", 1), {"UP"}),
        ("down", ("executors.lifecycle:tear_down", "after", 1), set()),
        ("down", ("sky.control.state:Store.close", "after", 1), set()),
    ],
)
def test_killed_while_ending(
    verb: str, step: tuple[str, str, int], statuses: set[str], home: Path, workdir: Path
) -> None:
    core.launch(sky.Task(run="echo first"), NAME, stream_logs=False)
    ids = known_ids()
    killed(verb, step, workdir)
    assert {cluster["status"].name for cluster in core.status(refresh=True)} == statuses
    for cluster in core.status():
        core.down(cluster["name"])
    assert_nothing_is_left(home, ids)


@pytest.mark.parametrize(
    "step",
    [
        ("sky.control.state:Store.update", "after", 1),
        ("executors.local.provisioner:LocalProvisioner.start", "after", 1),
        ("executors.lifecycle:ensure_agent", "after", 1),
    ],
)
def test_killed_while_starting(step: tuple[str, str, int], home: Path, workdir: Path) -> None:
    core.launch(sky.Task(run="echo first"), NAME, stream_logs=False)
    ids = known_ids()
    core.stop(NAME)
    killed("start", step, workdir)
    core.status(refresh=True)
    core.start(NAME)
    assert [cluster["status"] for cluster in core.status()] == [sky.ClusterStatus.UP]
    assert [job["job_id"] for job in core.queue(NAME)] == [1]
    core.down(NAME)
    assert_nothing_is_left(home, ids)
