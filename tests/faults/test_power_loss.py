"""Hosts of a cluster lose their power while jobs run, and are booted again."""

from __future__ import annotations

import pytest

import sky
from sky import core
from tests.executors.conftest import wait_until
from tests.faults.conftest import MakeSite, jobs, machine, status, submit
from tests.integration.command import sky as command

pytestmark = pytest.mark.needs("namespaces", "time")


def test_head_crashed_is_told_start_repairs_waiting_jobs_run_and_the_running_one_is_not_repeated(
    site: MakeSite,
) -> None:
    made = site(1)
    head = made.launch()
    running = submit("echo first >> ran; sleep 1000")
    waiting = [submit(f"echo {number} >> ran") for number in range(3)]
    wait_until((head.home / "sky_workdir/ran").exists)
    machine(head).crash()
    state, reason = status()
    assert state == "INIT"
    assert f"{head.host.ip} does not answer" in reason
    told = command("exec", "c", "true", code=2).err
    assert "does not answer" in told
    assert "sky start c" in told
    machine(head).boot()
    assert status() == ("INIT", "its agent does not run")
    command("start", "-y", "c")
    assert status() == ("UP", "")
    wait_until(lambda: all(each.is_terminal() for each in jobs().values()))
    assert jobs() == {running: sky.JobStatus.FAILED_DRIVER, **dict.fromkeys(waiting, sky.JobStatus.SUCCEEDED)}
    assert (head.home / "sky_workdir/ran").read_text().split() == ["first", "0", "1", "2"]
    core.down("c")
    made.assert_nothing_left()


def test_head_that_never_comes_back_is_named_by_down_and_forgotten_with_purge(site: MakeSite) -> None:
    made = site(1)
    head = made.launch()
    machine(head).crash()
    told = command("down", "-y", "c", code=1).err
    assert f"may still hold dev@{head.host.ip}" in told
    assert "When that host answers again: sky down c" in told
    command("down", "-y", "c", "--purge")
    assert core.status() == []
    machine(head).boot()
    assert "Released the hosts of c-" in command("ssh", "up", "-y").err
    made.assert_nothing_left()


@pytest.mark.needs("slurm")
def test_worker_crashed_ends_the_gang_naming_the_node_and_the_next_gang_runs_when_it_is_back(
    site: MakeSite,
) -> None:
    made = site(3)
    made.launch(nodes=3)
    worker = made.nodes()[1]
    gang = submit("echo here; sleep 1000", nodes=3)
    waiting = submit("echo next $SKYPILOT_NODE_RANK", nodes=3)
    wait_until(lambda: jobs()[gang] is sky.JobStatus.RUNNING)
    machine(worker).crash()
    ended = command("logs", "c", str(gang), code=None)
    assert ended.code != 0
    assert f"lost rank 1 (worker1, {worker.host.ip}): the node does not answer any more" in ended.out
    assert jobs()[gang] is sky.JobStatus.FAILED
    state, reason = status()
    assert (state, worker.host.ip in reason) == ("INIT", True)
    machine(worker).boot()
    command("start", "-y", "c")
    assert status() == ("UP", "")
    out = command("logs", "c", str(waiting)).out
    assert sorted(line.split()[-1] for line in out.splitlines()) == ["0", "1", "2"]
    core.down("c")
    made.assert_nothing_left()
