"""The client is killed with SIGKILL at any step of a launch, a stop or a down on a pool of hosts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sky
from sky import core
from sky.control.state import open_store
from tests.faults.conftest import INFRA, MakeSite, Site, jobs, task
from tests.integration import killed_at

pytestmark = pytest.mark.needs("namespaces", "time")

NAME = "c"
Step = tuple[str, str, int]
RESERVED: Step = ("executors.ssh.host:reserve", "after", 1)
SUBMITTED: Step = ("executors.agent_queue:AgentQueue.submit", "after", 1)
LAUNCH_STEPS: list[Step] = [
    ("sky.control.state:Store.add", "after", 1),
    ("executors.ssh.claims:claim", "after", 1),
    RESERVED,
    ("executors.ssh.host:prepare", "after", 1),
    ("sky.control.state:Store.update", "after", 1),
    ("executors.lifecycle:ensure_agent", "after", 1),
    ("sky.control.state:Store.update", "after", 2),
    ("executors.lifecycle:sync_workdir", "after", 1),
    ("executors.node_setup:run_setup", "after", 1),
    ("executors.agent_queue:AgentQueue.set_autostop", "after", 1),
    SUBMITTED,
    ("executors.agent_queue:AgentQueue.tail", "after", 1),
]


def ids(steps: list[Step]) -> list[str]:
    return [f"{target.rpartition(':')[2]}-{moment}-{nth}" for target, moment, nth in steps]


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "file").write_text("x")
    return tmp_path / "work"


def killed(verb: str, step: Step, workdir: Path) -> None:
    """Run ``verb`` in a process of its own that dies at ``step``."""
    target, moment, nth = step
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.killed_at", verb, NAME, target, moment, str(nth)],
        env={**os.environ, killed_at.WORKDIR_ENV: str(workdir), killed_at.INFRA_ENV: INFRA},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, f"the step was not reached: {done.stderr}"


def assert_known(made: Site) -> None:
    """Every host that is held is held by a cluster that has a record, also after a refresh."""
    for _ in range(2):
        assert made.held() <= {record.cluster_id for record in open_store().records()}
        core.status(refresh=True)


@pytest.mark.parametrize("step", LAUNCH_STEPS, ids=ids(LAUNCH_STEPS))
def test_a_killed_launch_is_seen_by_status_and_removed_by_down(
    step: Step, site: MakeSite, workdir: Path
) -> None:
    made = site(1)
    killed("launch", step, workdir)
    assert_known(made)
    for cluster in core.status():
        core.down(cluster["name"])
    made.assert_nothing_left()


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, id=name, marks=() if step in {RESERVED, SUBMITTED} else pytest.mark.needs("time"))
        for step, name in zip(LAUNCH_STEPS, ids(LAUNCH_STEPS), strict=True)
    ],
)
def test_a_killed_launch_is_completed_by_launching_again(step: Step, site: MakeSite, workdir: Path) -> None:
    made = site(1)
    killed("launch", step, workdir)
    job_id, _ = core.launch(task("echo once more"), NAME, stream_logs=False)
    assert job_id is not None
    assert jobs()[job_id] is sky.JobStatus.SUCCEEDED
    assert_known(made)
    core.down(NAME)
    made.assert_nothing_left()


@pytest.mark.parametrize(
    ("verb", "step"),
    [
        ("stop", ("executors.lifecycle:stop", "before", 1)),
        ("stop", ("executors.agent_queue:AgentQueue.stop_agent", "after", 1)),
        ("stop", ("executors.ssh.host:stop", "after", 1)),
        ("down", ("executors.lifecycle:tear_down", "before", 1)),
        ("down", ("executors.ssh.host:remove", "after", 1)),
        ("down", ("executors.lifecycle:tear_down", "after", 1)),
    ],
)
def test_a_killed_stop_or_down_is_completed_by_another(
    verb: str, step: Step, site: MakeSite, workdir: Path
) -> None:
    made = site(1)
    made.launch()
    killed(verb, step, workdir)
    assert_known(made)
    for cluster in core.status():
        getattr(core, verb)(cluster["name"])
    if verb == "stop":
        assert [cluster["status"] for cluster in core.status(refresh=True)] == [sky.ClusterStatus.STOPPED]
        core.start(NAME)
        core.down(NAME)
    made.assert_nothing_left()
