"""Ranks on real hosts are confined on every node, by a login user who is not root but may be."""

from __future__ import annotations

import pytest

from executors import lifecycle
from executors.job import Demand, JobState
from tests.executors.conftest import wait_until
from tests.executors.multinode.conftest import Gang, MakeGang
from tests.hosts.machine import Machine

pytestmark = pytest.mark.needs("slurm", "host-cgroups")

CAPPED = Demand(cpus_milli=100, memory_mib=64, cpus_capped=True, memory_capped=True)
HOLD = "echo ready; until [ -e ~/go ]; do sleep 0.02; done; echo done"
HIDE = "( setsid sh -c 'echo $$ > ~/hidden; exec sleep 300' <&- >&- 2>&- & )\n"


def _ready(gang: Gang, job: int, ranks: int) -> None:
    wait_until(lambda: b"".join(gang.queue.tail(job, follow=False)).count(b"ready") == ranks, 60)


def _hidden(gang: Gang, node: int) -> int:
    path = gang.file(node, "hidden")
    wait_until(lambda: path.exists() and path.read_text().strip())
    return int(path.read_text())


def _groups(machine: Machine) -> list[str]:
    """Return the folders of jobs in the host's control groups."""
    found = machine.run(["find", "/sys/fs/cgroup", "-type", "d", "-name", "job-*"], check=False)
    return found.stdout.split()


def test_a_rank_that_takes_too_much_memory_ends_its_job_and_nobody_else(make_gang: MakeGang) -> None:
    gang = make_gang(2)
    other = gang.submit(HOLD, nodes=2, run_timestamp="other")
    _ready(gang, other, 2)
    greedy = "until [ -e ~/ate ]; do sleep 0.02; done", "exec python3 -c 'bytearray(256 << 20)'"
    output, record = gang.run(*greedy, nodes=2, pinned=True, demand=CAPPED)
    who = f"rank 1 (worker1, {gang.machines[1].ip})"
    assert (record.state, record.exit_code) == (JobState.FAILED, 137)
    assert output.splitlines()[-1].startswith(
        f"sky: {who}: a process of this job was killed as its 64 MiB of memory were used up; "
        f"ask for more memory in its resources. {who} failed: run ended with exit code 137; log: "
    )
    for node in range(2):
        gang.file(node, "go").touch()
    output, record = gang.finish(other)
    assert (output.count("done"), record.state) == (2, JobState.SUCCEEDED)
    assert [_groups(machine) for machine in gang.machines] == [[], []]


def test_what_hides_from_a_rank_ends_with_its_job_on_every_node(make_gang: MakeGang) -> None:
    gang = make_gang(2)
    other = gang.submit(HOLD, nodes=2, run_timestamp="other")
    job = gang.submit(f"{HIDE}{HOLD}", nodes=2, run_timestamp="hides")
    _ready(gang, job, 2)
    hidden = [_hidden(gang, node) for node in range(2)]
    assert all(machine.alive(pid) for machine, pid in zip(gang.machines, hidden, strict=True))
    assert gang.queue.cancel([job]) == [job]
    assert not any(machine.alive(pid) for machine, pid in zip(gang.machines, hidden, strict=True))
    assert gang.queue.jobs([other])[0].state is JobState.RUNNING


@pytest.mark.needs("time")
def test_what_a_killed_rank_left_ends_before_the_next_rank_there(make_gang: MakeGang) -> None:
    gang = make_gang(2)
    job = gang.submit(f"{HIDE}{HOLD}", nodes=2)
    _ready(gang, job, 2)
    worker, hidden = gang.machines[1], _hidden(gang, 1)
    worker.run(["pkill", "-KILL", "-f", "agent.pyz rank"])
    wait_until(lambda: gang.queue.jobs([job])[0].state.terminal, 60)
    assert gang.run("echo next", nodes=2)[1].state is JobState.SUCCEEDED
    assert not worker.alive(hidden)
    assert _groups(worker) == []


@pytest.mark.needs("time")
def test_a_host_without_control_groups_runs_jobs_and_says_that_it_cannot_confine_them(
    make_gang: MakeGang,
) -> None:
    gang = make_gang(2)
    lifecycle.stop(gang.executor, gang.handle)
    for machine in gang.machines:
        machine.run(["umount", "-a", "-t", "cgroup"])
    lifecycle.start(gang.executor, gang.handle)
    output, record = gang.run("echo hello", nodes=2, demand=CAPPED)
    assert record.state is JobState.SUCCEEDED
    assert output.splitlines()[0] == (
        "sky: this job is not confined to its 0.1 CPUs and 64 MiB of memory: "
        "the node has no control groups of CPU and memory that groups can be made in"
    )
