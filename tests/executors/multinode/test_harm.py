"""What a cluster of several hosts does when one crashes, is switched off, or loses a process of ours."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executors import lifecycle, node_setup
from executors.job import JobState
from executors.transports import ssh
from executors.transports.address import read_nodes
from tests.executors.conftest import wait_until
from tests.executors.multinode.conftest import WHOLE, Gang, MakeGang
from tests.hosts.machine import Machine

pytestmark = pytest.mark.needs("slurm", "time")

_HOLD = "echo ready; until [ -e ~/go ]; do sleep 0.02; done; echo done"


def _running(gang: Gang, job: int, ranks: int = 3) -> None:
    wait_until(lambda: b"".join(gang.queue.tail(job, follow=False)).count(b"ready") == ranks)


def _daemons(machine: Machine) -> dict[str, int]:
    """Return pid file -> pid of Slurm's daemons on a host."""
    folder = machine.home() / ".sky_agent" / "slurm"
    return {path.name: int(path.read_text()) for path in sorted(folder.glob("*.pid"))}


def _names(machine: Machine) -> str:
    return machine.run(["ps", "-e", "-o", "comm="]).stdout


def test_a_node_that_crashes_ends_its_job_and_is_named(gang: Gang) -> None:
    job = gang.submit(_HOLD)
    _running(gang, job)
    gang.machines[2].crash()
    wait_until(lambda: gang.queue.jobs([job])[0].state.terminal, 60)
    output, record = gang.finish(job)
    assert (record.state, record.exit_code) == (JobState.FAILED, 255)
    ip = gang.machines[2].ip
    assert output.splitlines()[-1] == f"sky: lost rank 2 (worker2, {ip}): the node does not answer any more"
    survivors = [
        gang.machines[node].run(["pgrep", "-fc", "sky_workdir|[.]rank"], check=False) for node in (0, 1)
    ]
    assert [done.stdout.strip() for done in survivors] == ["0", "0"]
    output, record = gang.run("echo still here", nodes=2)
    assert record.state is JobState.SUCCEEDED


def test_a_job_that_may_be_tried_again_starts_anew_when_its_node_is_back(gang: Gang) -> None:
    job = gang.submit(f"[ ! -e ~/again ] || exec echo again; {_HOLD}", retries=1)
    _running(gang, job)
    gang.machines[1].crash()
    wait_until(lambda: b"attempt 1 of 2" in b"".join(gang.queue.tail(job, follow=False)), 60)
    for node in (0, 2):
        gang.file(node, "again").touch()
    gang.machines[1].boot()
    gang.file(1, "again").touch()
    lifecycle.ensure_agent(gang.executor, gang.handle)
    output, record = gang.finish(job)
    assert record.state is JobState.SUCCEEDED
    assert output.count(") again") == 3


def test_a_reboot_of_the_head_keeps_waiting_jobs_and_fails_running_ones(gang: Gang) -> None:
    running = gang.submit(_HOLD, demand=WHOLE)
    waiting = gang.submit("echo second", demand=WHOLE)
    _running(gang, running)
    head = gang.machines[0]
    head.kill()
    head.boot()
    lifecycle.ensure_agent(gang.executor, gang.handle)
    output, record = gang.finish(waiting)
    assert (output.count(") second"), record.state) == (3, JobState.SUCCEEDED)
    assert gang.queue.jobs([running])[0].state is JobState.FAILED_DRIVER


def test_a_killed_runner_leaves_nothing_on_any_node(gang: Gang) -> None:
    job = gang.submit(f"sleep 300 & echo $! > ~/child; {_HOLD}")
    _running(gang, job)
    pid = gang.queue.jobs([job])[0].pid
    gang.machines[0].run(["kill", "-9", str(pid)])
    wait_until(lambda: gang.queue.jobs([job])[0].state is JobState.FAILED_DRIVER)

    def alive() -> list[str]:
        return [
            host.name
            for node, host in enumerate(gang.machines)
            if not host.run(
                ["test", "-e", f"/proc/{gang.file(node, 'child').read_text().strip()}"], check=False
            ).returncode
        ]

    wait_until(lambda: not alive(), 30)
    assert gang.run("true", demand=WHOLE)[1].state is JobState.SUCCEEDED


def test_a_waiting_job_whose_runner_is_killed_waits_on(gang: Gang) -> None:
    running = gang.submit(_HOLD, demand=WHOLE)
    _running(gang, running)
    waiting = gang.submit("echo second", demand=WHOLE)
    wait_until(lambda: gang.queue.jobs([waiting])[0].pid is not None)
    first = gang.queue.jobs([waiting])[0].pid
    gang.machines[0].run(["kill", "-9", str(first)])
    wait_until(lambda: gang.queue.jobs([waiting])[0].pid not in (None, first))
    for node in range(3):
        gang.file(node, "go").touch()
    assert gang.finish(waiting)[1].state is JobState.SUCCEEDED


def test_bringing_up_again_restarts_nothing_and_revives_what_is_dead(gang: Gang) -> None:
    before = [_daemons(host) for host in gang.machines]
    assert [sorted(found) for found in before] == [
        ["munged.pid", "slurmctld.pid", "slurmd.pid"],
        ["munged.pid", "slurmd.pid"],
        ["munged.pid", "slurmd.pid"],
    ]
    lifecycle.ensure_agent(gang.executor, gang.handle)
    assert [_daemons(host) for host in gang.machines] == before
    gang.machines[0].run(["kill", "-9", str(before[0]["slurmctld.pid"])])
    wait_until(lambda: _daemons(gang.machines[0])["slurmctld.pid"] != before[0]["slurmctld.pid"])
    gang.machines[1].run(["kill", "-9", str(before[1]["slurmd.pid"])])
    lifecycle.ensure_agent(gang.executor, gang.handle)
    assert gang.run("true")[1].state is JobState.SUCCEEDED
    key = gang.file(2, ".sky_agent/slurm/munge.key")
    key.unlink()
    gang.file(2, ".sky_agent/slurm/applied.json").unlink()
    lifecycle.ensure_agent(gang.executor, gang.handle)
    assert key.read_bytes() == gang.file(0, ".sky_agent/slurm/munge.key").read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    assert gang.run("true")[1].state is JobState.SUCCEEDED


def test_a_stop_keeps_waiting_jobs_ends_running_ones_and_leaves_no_process(gang: Gang) -> None:
    running = gang.submit(_HOLD, demand=WHOLE)
    waiting = [gang.submit(f"echo {word}", demand=WHOLE, run_timestamp=word) for word in ("two", "three")]
    _running(gang, running)
    wait_until(lambda: all(job.pid for job in gang.queue.jobs(waiting)))
    lifecycle.stop(gang.executor, gang.handle)
    for host in gang.machines:
        assert not {"munged", "slurmd", "slurmctld", "srun", "python3"} & set(_names(host).split())
    assert [job.state for job in gang.queue.jobs(waiting)] == [JobState.PENDING] * 2
    lifecycle.start(gang.executor, gang.handle)
    assert [
        gang.finish(job)[0].count(f") {word}") for job, word in zip(waiting, ("two", "three"), strict=True)
    ] == [3, 3]
    assert gang.queue.jobs([running])[0].state is JobState.CANCELLED


def test_an_idle_cluster_acts_on_every_node_the_head_last(make_gang: MakeGang) -> None:
    act = ["/bin/sh", "-c", 'echo "$HOSTNAME" > ~/acted', "stop"]
    gang = make_gang(3, actions={"stop": act})
    gang.queue.ensure_agent({"seconds_per_idle_minute": 0.1})
    gang.run("true")
    from executors.api import Autostop

    gang.queue.set_autostop(Autostop(1))
    wait_until(lambda: all(gang.file(node, "acted").exists() for node in range(3)))


def test_setup_runs_on_all_nodes_and_again_only_when_something_changed(gang: Gang, tmp_path: Path) -> None:
    from executors.errors import SetupFailed
    from executors.node_setup import run_setup

    work = tmp_path / "work"
    work.mkdir()
    (work / "needs.txt").write_text("one\n")

    def go(script: str, stamp: str, **env: str) -> str:
        seen: list[bytes] = []
        run_setup(gang.executor, gang.handle, script, env=env, run_timestamp=stamp, on_output=seen.append)
        return b"".join(seen).decode()

    assert lifecycle.sync_workdir(gang.executor, gang.handle, work) == 3
    script = 'cat needs.txt; echo "$SKYPILOT_SETUP_NODE_RANK $A"; echo x >> ~/times'
    assert sorted(go(script, "one", A="a").splitlines()) == sorted(
        line for rank in range(3) for line in (f"(setup, rank={rank}) one", f"(setup, rank={rank}) {rank} a")
    )
    assert go(script, "two", A="a").count("succeeded here before") == 3
    (work / "needs.txt").write_text("another\n")
    lifecycle.sync_workdir(gang.executor, gang.handle, work)
    assert go(script, "three", A="a").count("another") == 3
    assert "1 b" in go(script, "four", A="b")
    assert [gang.file(node, "times").read_text() for node in range(3)] == ["x\n" * 3] * 3
    for node, host in enumerate(gang.machines):
        log = gang.file(node, f"sky_logs/one/setup-{host.ip}.log")
        assert log.read_text() == f"one\n{node} a\n"
    for stamp in ("five", "six"):
        with pytest.raises(SetupFailed, match="exit code 9 on rank 1 of c"):
            go('echo x >> ~/failed; [ "$SKYPILOT_SETUP_NODE_RANK" = 1 ] && exit 9; sleep 300', stamp)
    assert gang.file(1, "failed").read_text() == "x\n" * 2


def test_a_setup_that_runs_on_another_node_alone_keeps_the_cluster_from_being_idle(gang: Gang) -> None:
    script = '[ "$SKYPILOT_SETUP_NODE_RANK" != 1 ] || { touch ~/in; until [ -e ~/go ]; do sleep 0.02; done; }'
    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(
            node_setup.run_setup,
            *(gang.executor, gang.handle, script),
            env={},
            run_timestamp="one",
            on_output=lambda _: None,
        )
        wait_until(lambda: gang.file(1, "in").exists() and gang.file(0, ".sky_agent/setup.json").exists())
        assert gang.queue.idle_since() is None
        gang.file(1, "go").touch()
        done.result()
    wait_until(lambda: gang.queue.idle_since() is not None)


def test_a_node_where_slurm_cannot_be_installed_says_what_to_do(make_gang: MakeGang) -> None:
    from executors.errors import Unsupported
    from executors.gang import bring_up

    gang = make_gang(2)
    guest = ssh.connect(
        type(read_nodes(gang.handle.data)[0])(
            gang.machines[0].ip, user="guest", identity_file=str(gang.machines[0].identity_file)
        )
    )
    node = bring_up.NodeFacts("h", "guest", 1, "/home/guest", 1_000, 1_024, ["slurmd"], "", "")
    with pytest.raises(Unsupported, match="sudo asks for a password"):
        bring_up.install(guest, "10.0.0.2", node)
    guest.close()


def test_much_output_is_not_kept_in_memory(gang: Gang) -> None:
    job = gang.submit(
        "yes 0123456789abcdef | head -c 30000000; echo; echo ready; until [ -e ~/go ]; do sleep 0.02; done"
    )
    pid = None
    wait_until(lambda: b"".join(gang.queue.tail(job, follow=False, lines=3)).count(b"ready") > 0, 120)
    pid = gang.queue.jobs([job])[0].pid
    status = gang.machines[0].run(["cat", f"/proc/{pid}/status"]).stdout
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    assert peak_kib < 60_000
    for node in range(3):
        gang.file(node, "go").touch()
    assert gang.finish(job)[1].state is JobState.SUCCEEDED
