"""Clusters on a Slurm of others: its reasons, its accelerators, its shared home, and what it does to us."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.errors import ExecutorError
from executors import lifecycle, node_setup, slurm
from executors.agent_queue import AgentQueue
from executors.api import Handle, NodeRequest, NodeState
from executors.errors import AgentUnreachable, CleanupIncomplete, OutOfCapacity
from executors.job import Demand, JobSpec, JobState
from tests.slurm_site.site import Site

pytestmark = pytest.mark.needs("slurm", "time")

Launch = Callable[..., Handle]
EXECUTOR = slurm.executor()


@pytest.fixture
def launch(slurm_site: Site) -> Iterator[Launch]:
    made: list[Handle] = []

    def one(cluster_id: str, partition: str, share: str, num_nodes: int = 1) -> Handle:
        request = NodeRequest(cluster_id, cluster_id, slurm_site.offer(partition, share), num_nodes)
        made.append(Handle("slurm", cluster_id, cluster_id))
        handle = lifecycle.bring_up(EXECUTOR, request)
        queue(handle).ensure_agent({"poll_s": 0.2, "cancel_grace_s": 1.0})
        return handle

    yield one
    for handle in made:
        lifecycle.tear_down(EXECUTOR, handle)


def queue(handle: Handle) -> AgentQueue:
    found = EXECUTOR.queue(handle, EXECUTOR.connect(handle))
    assert isinstance(found, AgentQueue)
    return found


def submit(handle: Handle, script: str, **fields: object) -> int:
    values = {"demand": Demand(cpus_milli=100), "run_timestamp": "sky-t", **fields}
    return queue(handle).submit(JobSpec("j", (script,), **values))  # type: ignore[arg-type]


def output(handle: Handle, job_id: int) -> str:
    return b"".join(queue(handle).tail(job_id)).decode()


def wait_for(true: Callable[[], bool], limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_no_turn_in_time_is_out_of_capacity_with_slurms_reason_and_nothing_stays_queued(
    slurm_site: Site, launch: Launch
) -> None:
    slurm_site.slurm("sbatch", "-p", "cpu", "-N2", "--exclusive", "--wrap=sleep 300")
    slurm_site.name_it({"wait": 0.02})
    try:
        with pytest.raises(
            OutOfCapacity, match=r"slurm/site/cpu: Slurm job \d+ waits \(\w+\).*within 1 s"
        ) as caught:
            launch("c-full", "cpu", "004cpu-8gb")
        assert (caught.value.scope.region, caught.value.scope.zone) == ("site", "cpu")
        assert slurm_site.slurm("squeue", "-h", "-u", "dev", "-o", "%j %T") == ""
    finally:
        slurm_site.slurm("scancel", "-u", "root")


def test_what_the_partition_never_gives_is_refused_at_once(slurm_site: Site, launch: Launch) -> None:
    slurm_site.name_it({"wait": 60})
    with pytest.raises(OutOfCapacity, match=r"MaxNodes.*PartitionNodeLimit"):
        launch("c-wide", "single", "001cpu-2gb", 2)
    offer = slurm_site.offer("cpu", "001cpu-2gb")
    gone = replace(offer, key=replace(offer.key, zone="nowhere"))
    with pytest.raises(OutOfCapacity, match=r"slurm/site/nowhere.*no such nodes any more"):
        EXECUTOR.provisioner.create(NodeRequest("c-gone", "c-gone", gone))


def test_a_preempted_cluster_says_so_and_starts_again_with_its_queue(
    slurm_site: Site, launch: Launch
) -> None:
    handle = launch("c-1", "cpu", "004cpu-8gb")
    running = submit(handle, "echo on; sleep 300", demand=Demand(cpus_milli=4_000))
    assert next(iter(queue(handle).tail(running))) == b"on\n"
    waiting = submit(handle, "echo later", demand=Demand(cpus_milli=4_000))
    slurm_site.slurm("sbatch", "-p", "urgent", "-N2", "--exclusive", "--wrap=sleep 1")
    wait_for(lambda: EXECUTOR.provisioner.describe(handle).state is NodeState.STOPPED)
    view = EXECUTOR.provisioner.describe(handle)
    assert "PREEMPTED, it was preempted for another job" in view.reason
    with pytest.raises(AgentUnreachable, match=r"PREEMPTED.*sky start"):
        queue(handle).jobs()
    again = lifecycle.start(EXECUTOR, handle)
    assert output(again, waiting) == "later\n"
    states = {job.job_id: job.state for job in queue(again).jobs()}
    assert states[waiting] is JobState.SUCCEEDED
    assert states[running] in {JobState.FAILED_DRIVER, JobState.CANCELLED}
    assert submit(again, "true") == waiting + 1


def test_a_job_outlives_the_login_node(slurm_site: Site, launch: Launch) -> None:
    handle = launch("c-1", "cpu", "001cpu-2gb")
    job = submit(handle, "echo begun; until [ -e ~/go ]; do sleep 0.1; done; echo done")
    assert next(iter(queue(handle).tail(job))) == b"begun\n"
    home = slurm_site.home / ".sky_slurm" / "c-1" / "home"
    slurm_site.login.partition()
    try:
        (home / "go").touch()
        wait_for(lambda: "done" in (home / "sky_logs" / "sky-t" / "run.log").read_text())
    finally:
        slurm_site.login.heal()
    assert output(handle, job) == "begun\ndone\n"
    assert queue(handle).jobs([job])[0].state is JobState.SUCCEEDED


def test_accelerators_are_those_that_slurm_gave(slurm_site: Site, launch: Launch) -> None:
    for node, count in (("g1", 1), ("g2", 2)):
        gres = f"--gres=gpu:a100:{count}"
        slurm_site.slurm("sbatch", "-p", "gpu", "-w", node, gres, "--mem=100", "--wrap=sleep 300")
    try:
        handle = launch("c-1", "gpu", "002cpu-4gb-A100x1")
        demand = Demand(cpus_milli=100, accelerator="A100", accelerators_milli=1_000)
        job = submit(handle, 'echo "$CUDA_VISIBLE_DEVICES $SKYPILOT_NUM_GPUS_PER_NODE"', demand=demand)
        assert output(handle, job) == "1 1\n"
    finally:
        slurm_site.slurm("scancel", "-u", "root")


def test_a_job_on_two_nodes_has_ranks_logs_and_the_first_failures_exit_code(launch: Launch) -> None:
    handle = launch("c-1", "gpu", "004cpu-8gb-A100x2", 2)
    demand = Demand(cpus_milli=100, accelerator="A100", accelerators_milli=2_000)
    script = (
        'echo "$SKYPILOT_NODE_RANK/$SKYPILOT_NUM_NODES $CUDA_VISIBLE_DEVICES $PWD"; '
        '[ "$SKYPILOT_NODE_RANK" = 0 ] && sleep 300; exit 7'
    )
    job = submit(handle, script, num_nodes=2, demand=demand)
    text = output(handle, job)
    record = queue(handle).jobs([job])[0]
    assert (record.state, record.exit_code) == (JobState.FAILED, 7)
    workdir = f"{handle.data['folder']}/home/sky_workdir"
    first, second = (node["internal_ip"] for node in json.loads(handle.data["hosts"]))
    assert f"(head, rank=0, ip={first}) 0/2 0,1 {workdir}\n" in text
    assert f"(worker1, rank=1, ip={second}) 1/2 0,1 {workdir}\n" in text
    look = ["sh", "-c", "cd sky_logs/sky-t/tasks; cat 1-worker1.log; ls"]
    listed = EXECUTOR.connect(handle).run(look).stdout
    assert listed.splitlines()[:1] == [f"1/2 0,1 {workdir}"]
    assert {"0-head.log", "1-worker1.log"} <= set(listed.split())
    one = submit(handle, 'echo "$SKYPILOT_NUM_NODES $SKYPILOT_NODE_IPS"')
    assert output(handle, one) == f"1 {first}\n"


def test_a_job_on_two_nodes_is_cancelled_on_both(slurm_site: Site, launch: Launch) -> None:
    handle = launch("c-1", "cpu", "001cpu-2gb", 2)
    job = submit(handle, "echo $$; sleep 300", num_nodes=2)
    lines: list[bytes] = []
    for chunk in (stream := queue(handle).tail(job)):
        lines += chunk.splitlines()
        if len(lines) == 2:
            break
    addresses = [node["internal_ip"] for node in json.loads(handle.data["hosts"])]
    words = [line.decode().split() for line in lines]
    pids = {place.rstrip(")").removeprefix("ip="): int(pid) for _, _, place, pid in words}
    assert [slurm_site.alive(address, pids[address]) for address in addresses] == [True, True]
    assert queue(handle).cancel([job]) == [job]
    assert queue(handle).jobs([job])[0].state is JobState.CANCELLED
    assert [slurm_site.alive(address, pids[address]) for address in addresses] == [False, False]
    assert list(stream) == []


def test_secrets_stand_in_no_argument_and_in_no_file_of_others(slurm_site: Site, launch: Launch) -> None:
    handle = launch("c-1", "cpu", "001cpu-2gb", 2)
    for nodes in (1, 2):
        env = {"TOKEN": f"hunter{nodes}secret"}
        job = submit(handle, "echo on; sleep 300 # hunter", env=env, num_nodes=nodes)
        assert b"on\n" in next(iter(queue(handle).tail(job)))
        list_all = ["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"]
        hosts = (slurm_site.login, *slurm_site.nodes)
        seen = " ".join(host.run(list_all, check=False).stdout for host in hosts)
        assert "sleep 300" in seen
        assert "agent.pyz" in seen
        assert env["TOKEN"] not in seen
        queue(handle).cancel([job])
    for file in slurm_site.home.rglob("*"):
        if file.is_file() and b"hunter" in file.read_bytes():
            assert file.stat().st_mode & 0o077 == 0, file


def test_the_users_own_profile_is_read_with_their_own_home(slurm_site: Site, launch: Launch) -> None:
    profile = slurm_site.home / ".profile"
    profile.write_text('export TOOLS="$HOME/tools"\n')
    try:
        handle = launch("c-1", "cpu", "001cpu-2gb")
        job = submit(handle, 'echo "$TOOLS $SKY_USER_HOME $HOME"')
        assert output(handle, job) == f"/home/dev/tools /home/dev {handle.data['folder']}/home\n"
    finally:
        profile.unlink()


def test_setup_runs_once_until_what_was_copied_changes(launch: Launch, tmp_path: Path) -> None:
    handle = launch("c-1", "cpu", "001cpu-2gb", 2)
    source = tmp_path / "work"
    source.mkdir()

    def set_up() -> str:
        lifecycle.sync_workdir(EXECUTOR, handle, source)
        seen: list[bytes] = []
        node_setup.run_setup(
            EXECUTOR, handle, "cat file", env={}, run_timestamp="sky-s", on_output=seen.append
        )
        return b"".join(seen).decode()

    (source / "file").write_text("one\n")
    assert set_up() == "one\n"
    assert "nothing that it reads has changed" in set_up()
    (source / "file").write_text("three\n")
    assert set_up() == "three\n"


def test_an_interrupted_creation_is_found_by_its_id_and_not_called_gone_while_nobody_answers(
    slurm_site: Site, launch: Launch
) -> None:
    launch("c-1", "cpu", "001cpu-2gb")
    bare = Handle("slurm", "c-1", "c-1")
    assert EXECUTOR.provisioner.describe(bare).state is NodeState.RUNNING
    slurm_site.login.partition()
    try:
        with pytest.raises(ExecutorError):
            EXECUTOR.provisioner.describe(bare)
        with pytest.raises(CleanupIncomplete, match="scancel --name=sky-c-1"):
            EXECUTOR.provisioner.delete(bare)
    finally:
        slurm_site.login.heal()
    EXECUTOR.provisioner.delete(bare)
    assert EXECUTOR.provisioner.describe(bare).state is NodeState.GONE
