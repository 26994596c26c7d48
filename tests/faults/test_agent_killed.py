"""Parts of the agent on a host are killed while a job runs there and others wait."""

from __future__ import annotations

import pytest

import sky
from sky import core
from tests.executors.conftest import wait_until
from tests.faults.conftest import MakeSite, children_of, daemon_of, jobs, kill, marked, over, status, submit
from tests.hosts.process import Process

pytestmark = pytest.mark.needs("namespaces", "time")

FIRST = "echo first >> ran; until [ -e go ]; do sleep 0.02; done; echo end >> ran"


def test_daemon_killed_is_revived_by_itself_and_every_job_runs_once(site: MakeSite) -> None:
    head = site(1).launch()
    running, waiting = submit(FIRST), [submit(f"echo {number} >> ran") for number in range(3)]
    wait_until((head.home / "sky_workdir/ran").exists)
    before = daemon_of(head)
    kill(before)
    wait_until(lambda: _other_daemon(head, before))
    assert jobs()[running] is sky.JobStatus.RUNNING
    (head.home / "sky_workdir/go").touch()
    wait_until(lambda: over(running, *waiting))
    assert set(jobs().values()) == {sky.JobStatus.SUCCEEDED}
    assert (head.home / "sky_workdir/ran").read_text().split() == ["first", "end", "0", "1", "2"]
    core.down("c")


def test_daemon_and_spawner_killed_show_as_init_and_start_goes_on_with_every_job(site: MakeSite) -> None:
    made = site(1)
    head = made.launch()
    running, waiting = submit(FIRST), submit("echo waited >> ran")
    wait_until((head.home / "sky_workdir/ran").exists)
    daemon = daemon_of(head)
    for each in [each for each in children_of(daemon) if "agent" in " ".join(each.argv)]:
        kill(each)
    kill(daemon)
    wait_until(lambda: status()[0] == "INIT")
    assert "its agent does not run" in status()[1]
    core.start("c")
    assert status() == ("UP", "")
    assert jobs() == {running: sky.JobStatus.RUNNING, waiting: sky.JobStatus.PENDING}
    (head.home / "sky_workdir/go").touch()
    wait_until(lambda: over(running, waiting))
    assert (head.home / "sky_workdir/ran").read_text().split() == ["first", "end", "waited"]
    core.down("c")
    made.assert_nothing_left()


def test_runner_killed_fails_its_job_leaves_no_process_and_the_next_job_runs(site: MakeSite) -> None:
    head = site(1).launch(agent={"cancel_grace_s": 0.3})
    running, waiting = submit(f"sleep 1000 & {FIRST}"), submit("echo waited >> ran")
    wait_until((head.home / "sky_workdir/ran").exists)
    (runner,) = [
        each
        for each in (Process.of(pid) for pid in marked(head))
        if each is not None and any("bash" in child.argv[0] for child in children_of(each) if child.argv)
    ]
    kill(runner)
    wait_until(lambda: over(running, waiting))
    assert jobs() == {running: sky.JobStatus.FAILED_DRIVER, waiting: sky.JobStatus.SUCCEEDED}
    assert (head.home / "sky_workdir/ran").read_text().split() == ["first", "waited"]
    assert not [pid for pid in marked(head) if "sleep" in _argv(pid)]
    core.down("c")


def _argv(pid: int) -> str:
    process = Process.of(pid)
    return " ".join(process.argv) if process else ""


def _other_daemon(head: object, before: Process) -> bool:
    try:
        return daemon_of(head) != before  # type: ignore[arg-type]
    except (AssertionError, OSError):
        return False
