"""No job is lost or run twice, whatever part of the agent is killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from executors.agent_archive import agent_version
from executors.agent_queue import AgentQueue
from executors.errors import AgentMissing
from executors.job import Demand, JobState
from tests.executors.conftest import Node, spec, wait_until

COUNT = int(os.environ.get("SKY_TEST_JOBS", "100"))
"""How many jobs are queued while the agent is killed; set ``SKY_TEST_JOBS=1000`` for the long form."""


def _submit_counted(node: Node, count: int) -> list[int]:
    """Queue jobs that each append their id to one file, one at a time."""
    whole = Demand(cpus_milli=2_000)
    return node.queue.submit_many(
        [
            spec("echo $SKYPILOT_INTERNAL_JOB_ID >> ~/ran", demand=whole, run_timestamp=f"sky-{i}")
            for i in range(count)
        ]
    )


def _over(node: Node, jobs: list[int]) -> bool:
    return all(job.state.terminal for job in node.queue.jobs(jobs))


@pytest.mark.parametrize("and_spawner", [False, True], ids=["daemon", "daemon-and-spawner"])
def test_jobs_all_run_once_and_in_order_while_the_agent_is_killed_again_and_again(
    node: Node, and_spawner: bool
) -> None:
    jobs = _submit_counted(node, COUNT)
    ran = node.home / "ran"
    for share in (COUNT // 10, COUNT // 3, COUNT * 2 // 3):
        wait_until(lambda share=share: ran.exists() and len(ran.read_text().split()) >= share, 60)
        old = node.kill_daemon(and_spawner=and_spawner)
        if and_spawner:
            node.queue.ensure_agent()
        wait_until(lambda old=old: node.daemon_pid() != old)
    wait_until(lambda: _over(node, jobs), 60 + COUNT / 10)
    assert [int(line) for line in ran.read_text().split()] == jobs
    assert {job.state for job in node.queue.jobs()} == {JobState.SUCCEEDED}


def test_a_running_job_outlives_the_daemon_and_is_adopted(node: Node) -> None:
    job = node.queue.submit(spec("until [ -e ~/go ]; do sleep 0.02; done; echo survived; exit 4"))
    wait_until(lambda: node.queue.jobs([job])[0].state is JobState.RUNNING)
    node.kill_daemon(and_spawner=True)
    node.queue.ensure_agent()
    (node.home / "go").touch()
    assert b"".join(node.queue.tail(job)) == b"survived\n"
    record = node.queue.jobs([job])[0]
    assert (record.state, record.exit_code) == (JobState.FAILED, 4)


def test_a_killed_runner_fails_its_job_and_leaves_no_process(node: Node) -> None:
    job = node.queue.submit(spec("sleep 300 & echo $! > ~/child; echo ready; wait", env={"TOKEN": "s3cret"}))
    assert next(iter(node.queue.tail(job))) == b"ready\n"
    pid = node.queue.jobs([job])[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: _over(node, [job]))
    assert node.queue.jobs([job])[0].state is JobState.FAILED_DRIVER
    child = Path(f"/proc/{(node.home / 'child').read_text().strip()}/stat")
    assert not child.exists() or ") Z " in child.read_text()
    assert list((node.state / "scripts").iterdir()) == []
    assert node.queue.idle_since() is not None


def test_a_job_whose_runner_has_another_start_time_or_boot_is_over(node: Node) -> None:
    """The pid belongs to a live process (this one), but not to the runner that was recorded."""
    node.kill_daemon(and_spawner=True)
    with sqlite3.connect(node.state / "agent.db") as db:
        for job, started, boot in ((1, "1", _boot()), (2, _started(os.getpid()), "another boot")):
            db.execute(
                "INSERT INTO jobs (job_id, name, username, resources, run_timestamp, state, submitted_at,"
                " cpus_milli, memory_mib, accelerator, accelerators_milli, pid, pid_started, boot)"
                " VALUES (?, '', '', '', ?, 'RUNNING', 0, 100, 0, '', 0, ?, ?, ?)",
                (job, f"sky-{job}", os.getpid(), started, boot),
            )
    db.close()
    node.queue.ensure_agent()
    wait_until(lambda: _over(node, [1, 2]))
    assert [job.state for job in node.queue.jobs()] == [JobState.FAILED_DRIVER] * 2


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _started(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def test_waiting_jobs_outlive_a_reboot_and_running_ones_do_not(node: Node) -> None:
    whole = Demand(cpus_milli=2_000)
    running, waiting = (
        node.queue.submit(
            spec(f"echo {word}; [ {word} = second ] || sleep 300", demand=whole, run_timestamp=word)
        )
        for word in ("first", "second")
    )
    assert next(iter(node.queue.tail(running))) == b"first\n"
    node.kill_daemon(and_spawner=True)
    pid = node.queue.jobs([running])[0].pid
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)
    with sqlite3.connect(node.state / "agent.db") as db:
        db.execute("UPDATE jobs SET boot = 'before' WHERE job_id = ?", (running,))
        db.execute("UPDATE facts SET value = 'before' WHERE name = 'boot'")
    db.close()
    node.queue.ensure_agent()
    assert b"".join(node.queue.tail(waiting)) == b"second\n"
    assert [job.state for job in node.queue.jobs([running, waiting])] == [
        JobState.SUCCEEDED,
        JobState.FAILED_DRIVER,
    ]


def test_only_one_daemon_can_be(node: Node) -> None:
    before = node.daemon_pid()
    transport = node.executor.connect(node.handle)
    starts = [transport.run([sys.executable, "-I", ".sky_agent/agent.pyz", "start"]) for _ in range(3)]
    assert [start.returncode for start in starts] == [0, 0, 0]
    assert node.daemon_pid() == before


def test_an_upgrade_replaces_the_daemon_and_keeps_jobs(node: Node) -> None:
    job = node.queue.submit(spec("until [ -e ~/go ]; do sleep 0.02; done; echo through"))
    wait_until(lambda: node.queue.jobs([job])[0].state is JobState.RUNNING)
    before = node.daemon_pid()
    current = node.state / f"{agent_version()}.pyz"
    newer = node.state / "agent-newer.pyz"
    newer.write_bytes(current.read_bytes())
    done = node.executor.connect(node.handle).run([sys.executable, "-I", str(newer), "install"], stdin=b"{}")
    assert json.loads(done.stdout)["ok"]["version"] == "agent-newer"
    assert node.daemon_pid() != before
    assert not current.exists()
    node.queue.ensure_agent()
    assert (node.state / "agent.pyz").resolve() == current.resolve()
    (node.home / "go").touch()
    assert b"".join(node.queue.tail(job)) == b"through\n"
    assert node.queue.jobs([job])[0].state is JobState.SUCCEEDED


def test_a_submission_revives_a_dead_agent(node: Node) -> None:
    node.kill_daemon(and_spawner=True)
    job = node.queue.submit(spec("echo hello"))
    assert b"".join(node.queue.tail(job)) == b"hello\n"


def test_the_daemon_ends_when_its_home_is_removed(node: Node) -> None:
    pid = node.daemon_pid()
    node.home.rename(node.home.with_name("elsewhere"))
    wait_until(lambda: not Path(f"/proc/{pid}").exists() or ") Z " in Path(f"/proc/{pid}/stat").read_text())


def test_the_agent_works_below_a_path_longer_than_a_socket_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from executors import lifecycle, local
    from executors.api import NodeRequest, NodeState
    from executors.local.bundle import bundle

    monkeypatch.setenv("SKY_HOME", str(tmp_path / "sky"))
    executor = bundle(tmp_path / ("d" * 120))
    node = Node(executor, lifecycle.bring_up(executor, NodeRequest("c-1", "c", replace(local.offer()))))
    try:
        assert executor.provisioner.describe(node.handle).state is NodeState.RUNNING
        assert b"".join(node.queue.tail(node.queue.submit(spec("echo far")))) == b"far\n"
    finally:
        lifecycle.tear_down(executor, node.handle)


def _oldest_python() -> str:
    """Return Python 3.8 where there is one, else the oldest that is at hand."""
    found = [Path(path) for minor in range(8, 14) if (path := shutil.which(f"python3.{minor}"))]
    behind_shims = [
        python for path in found for python in path.parents[1].glob(f"versions/{path.name[6:]}.*/bin/python")
    ]
    for python in [*behind_shims, *found]:
        if subprocess.run([python, "-c", "import sqlite3"], check=False, capture_output=True).returncode == 0:
            return str(python.resolve())
    return sys.executable


def test_the_agent_runs_on_the_oldest_python(node: Node) -> None:
    python = _oldest_python()
    node.queue.stop_agent()
    queue = AgentQueue(node.executor.connect(node.handle), python)
    queue.ensure_agent()
    job = queue.submit(spec("echo from $(readlink /proc/$PPID/exe)", setup="echo setup"))
    assert b"".join(queue.tail(job)) == f"setup\nfrom {python}\n".encode()
    waiting = queue.submit(spec("sleep 300"))
    assert queue.cancel([waiting]) == [waiting]
    assert queue.setup("exit 3", {}, "sky-s", lambda _: None) == 3


def test_no_secret_stands_in_an_argument_or_a_readable_file(node: Node) -> None:
    secret = "hunter2-0f9a"
    job = node.queue.submit(spec("echo ready; sleep 300", env={"TOKEN": secret}, setup="true"))
    stream = node.queue.tail(job)
    assert next(iter(stream)) == b"ready\n"
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            assert secret.encode() not in (process / "cmdline").read_bytes()
    assert node.state.stat().st_mode & 0o077 == 0
    for file in (path for path in node.home.rglob("*") if path.is_file()):
        if secret.encode() in file.read_bytes():
            assert file.stat().st_mode & 0o077 == 0, file
    node.queue.cancel([job])
    node.queue.stop_agent()
    done = subprocess.run(
        ["grep", "-rl", secret, str(node.home)], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


def test_a_node_without_an_agent_says_so_in_few_words(node: Node) -> None:
    (node.state / "agent.pyz").unlink()
    with pytest.raises(AgentMissing, match=r"^the node has no agent$"):
        node.queue.jobs()
    node.queue.ensure_agent()
    assert node.queue.jobs() == []
