"""A pool of real hosts from the command line: from `sky ssh up` to `sky down`, and after a killed launch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.executors.ssh.lab import Lab
from tests.integration.command import sky, statuses, until
from tests.integration.daily_use import DATA, OUTPUT, assert_serves, write_task

pytestmark = pytest.mark.needs("ssh")

KILLED_LAUNCH = """
import sys
from tests.integration.killed_at import arm
target, moment, nth = sys.argv[1:]
import sky
from sky import core
arm(target, moment, int(nth))
task = sky.Task(name="t", run="echo ran")
task.set_resources(sky.Resources(infra="ssh/lab"))
core.launch(task, "dev")
"""


def states() -> list[tuple[str, str | None]]:
    return [(row["state"], row["held_by"]) for row in sky("ssh", "status", "--json").json]


def test_a_pool_serves_a_cluster_from_launch_to_down(lab: Lab, home: Path, tmp_path: Path) -> None:
    lab.write(lab.take(2))
    up = sky("ssh", "up", "-y")
    assert "SHA256:" in up.err
    assert [line.split()[2] for line in up.out.splitlines()[1:]] == ["free", "free"]
    task = write_task(tmp_path, infra="ssh/lab")
    launched = sky("launch", "-y", "-c", "dev", str(task))
    assert launched.out == OUTPUT
    assert sorted(state for state, _ in states()) == ["free", "held"]
    assert_serves(task, home)
    sky("stop", "-y", "dev")
    assert [state for state, _ in states()] == ["free", "free"]
    assert statuses() == {"dev": "STOPPED"}
    sky("start", "-y", "dev")
    assert sky("exec", "dev", "cat data").out == DATA
    sky("autostop", "-y", "dev", "-i", "0")
    until({"dev": "STOPPED"})
    sky("start", "-y", "dev")
    sky("down", "-y", "dev")
    assert [each.left() for each in lab.hosts] == [[], []]
    assert statuses() == {}
    sky("ssh", "down", "lab")
    assert sky("ssh", "status").out.startswith("No pool is up.")


def test_a_busy_pool_refuses_with_the_holder_and_a_node_can_take_itself_down(lab: Lab) -> None:
    lab.up(1)
    sky("launch", "-y", "-c", "dev", "--infra", "ssh/lab", "true")
    refused = sky("launch", "-y", "-c", "two", "--infra", "ssh/lab", "true", code=100)
    assert "0 of 1" in refused.err
    assert "held by dev (" in refused.err
    assert statuses() == {"dev": "UP"}
    refused = sky("ssh", "down", "lab", code=1)
    assert "sky down dev" in refused.err
    sky("autostop", "-y", "dev", "-i", "0", "--down")
    until({})
    assert lab.hosts[0].left() == []


@pytest.mark.parametrize(
    ("target", "moment", "nth"),
    [
        ("executors.ssh.host:reserve", "after", "1"),
        ("executors.ssh.host:prepare", "after", "1"),
        ("executors.agent_queue:AgentQueue.ensure_agent", "before", "1"),
        ("executors.agent_queue:AgentQueue.ensure_agent", "after", "1"),
    ],
)
@pytest.mark.needs("time")
@pytest.mark.parametrize("ending", ["down", "launch"])
def test_a_launch_that_was_killed_is_ended_or_done_again(
    target: str, moment: str, nth: str, ending: str, lab: Lab
) -> None:
    lab.up(1)
    argv = [sys.executable, "-c", KILLED_LAUNCH, target, moment, nth]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    killed = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert statuses() == {"dev": "INIT"}
    assert statuses("--refresh") == {"dev": "INIT"}
    if ending == "launch":
        assert sky("launch", "-y", "-c", "dev", "--infra", "ssh/lab", "echo again").out == "again\n"
    sky("down", "-y", "dev")
    assert lab.hosts[0].left() == []
    assert states() == [("free", None)]
