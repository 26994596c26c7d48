"""Jobs over several real hosts: started together, ended together, each rank in its place."""

from __future__ import annotations

import pytest

from executors.errors import Unsupported
from executors.job import Demand, JobState
from tests.executors.conftest import wait_until
from tests.executors.multinode.conftest import TINY, WHOLE, Gang, MakeGang

pytestmark = pytest.mark.needs("slurm")

_HOLD = "echo ready; until [ -e ~/go ]; do sleep 0.02; done; echo done"


def test_every_rank_runs_on_its_own_host_and_knows_the_others(gang: Gang) -> None:
    gang.file(1, ".profile").write_text("export FROM_PROFILE=worker1\n")
    script = (
        'echo "$SKYPILOT_NODE_RANK/$SKYPILOT_NUM_NODES $(hostname -I) $(echo $SKYPILOT_NODE_IPS)"; pwd\n'
        'echo "task $SKYPILOT_TASK_ID, gpus $SKYPILOT_NUM_GPUS_PER_NODE"; echo "[$CUDA_VISIBLE_DEVICES]"\n'
        '[ -z "$FROM_PROFILE" ] || echo "$FROM_PROFILE"; env | grep ^SLURM || true'
    )
    output, job = gang.run(script)
    ips = [host.ip for host in gang.machines]
    expected = [f"(worker1, rank=1, ip={ips[1]}) worker1"]
    for rank, name in enumerate(("head", "worker1", "worker2")):
        prefix = f"({name}, rank={rank}, ip={ips[rank]})"
        expected += [
            f"{prefix} {rank}/3 {ips[rank]}  {' '.join(ips)}",
            f"{prefix} /home/dev/sky_workdir",
            f"{prefix} task sky-t_c_{job.job_id}, gpus 0",
            f"{prefix} []",
        ]
    assert sorted(output.splitlines()) == sorted(expected)
    assert (job.state, job.exit_code) == (JobState.SUCCEEDED, 0)


def test_the_first_rank_that_fails_ends_the_others_and_is_named_last(gang: Gang) -> None:
    others = "trap 'echo told; exit 0' TERM; touch ~/there; while :; do sleep 0.02; done"
    fails = "until [ -e ~/there ]; do sleep 0.02; done; printf 'no newline'; exit 7"
    output, job = gang.run(others, f"(touch ~/there; {fails})", others)
    assert (job.state, job.exit_code) == (JobState.FAILED, 7)
    ip = gang.machines[1].ip
    assert output.splitlines()[-1] == (
        f"sky: rank 1 (worker1, {ip}) failed: run ended with exit code 7; "
        f"log: ~/sky_logs/sky-t/tasks/1-worker1.log"
    )
    assert f"(worker1, rank=1, ip={ip}) no newline" in output.splitlines()
    assert gang.file(0, "sky_logs/sky-t/tasks/1-worker1.log").read_bytes() == b"no newline"


def test_a_script_for_each_rank_runs_on_that_rank_s_host(gang: Gang) -> None:
    output, job = gang.run("echo zero", "", "echo two; hostname -I", pinned=True)
    ips = [host.ip for host in gang.machines]
    assert sorted(output.splitlines()) == [
        f"(head, rank=0, ip={ips[0]}) zero",
        f"(worker2, rank=2, ip={ips[2]}) {ips[2]} ",
        f"(worker2, rank=2, ip={ips[2]}) two",
    ]
    assert job.state is JobState.SUCCEEDED


def test_smaller_jobs_run_side_by_side_on_the_nodes_they_need(gang: Gang) -> None:
    pair = gang.submit(_HOLD, nodes=2, demand=WHOLE)
    single = gang.submit(_HOLD, nodes=1, demand=WHOLE)
    waits = gang.submit("echo last", nodes=1, demand=WHOLE)
    wait_until(lambda: all(job.state is JobState.RUNNING for job in gang.queue.jobs([pair, single])))
    assert gang.queue.jobs([waits])[0].state is JobState.PENDING
    for node in range(3):
        gang.file(node, "go").touch()
    output, job = gang.finish(single)
    assert (output, job.state) == ("ready\ndone\n", JobState.SUCCEEDED)
    assert gang.finish(waits)[0] == "last\n"
    assert sorted(gang.finish(pair)[0].split()[3::4]) == ["done", "done", "ready", "ready"]


def test_a_waiting_job_is_cancelled_before_it_starts_anywhere(gang: Gang) -> None:
    running = gang.submit("trap '' TERM; echo ready; while :; do sleep 0.02; done", demand=WHOLE)
    waiting = gang.submit("touch ~/started", demand=WHOLE)
    wait_until(lambda: gang.queue.jobs([running])[0].state is JobState.RUNNING)
    wait_until(lambda: gang.queue.jobs([waiting])[0].pid is not None)
    assert gang.queue.cancel([waiting]) == [waiting]
    assert gang.queue.cancel([running]) == [running]
    assert [job.state for job in gang.queue.jobs([running, waiting])] == [JobState.CANCELLED] * 2
    assert not any(gang.file(node, "started").exists() for node in range(3))
    assert gang.run("true")[1].state is JobState.SUCCEEDED
    assert gang.queue.idle_since() is not None


def test_a_cancelled_gang_is_told_and_then_made_to_end(gang: Gang) -> None:
    script = "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.02; done"
    deaf = "(trap '' TERM; exec sleep 300) & echo $! > ~/child; trap '' TERM; while :; do sleep 0.02; done"
    job = gang.submit(script, script, deaf)
    wait_until(lambda: all(gang.file(2, "child").exists() for _ in [0]))
    wait_until(lambda: b"".join(gang.queue.tail(job, follow=False)).count(b"ready") == 2)
    assert gang.queue.cancel([job]) == [job]
    output, record = gang.finish(job)
    assert (record.state, output.count("bye")) == (JobState.CANCELLED, 2)
    child = gang.file(2, "child").read_text().strip()
    assert gang.machines[2].run(["test", "-e", f"/proc/{child}"], check=False).returncode == 1


def test_setup_inside_a_job_is_over_everywhere_before_run_begins_anywhere(gang: Gang) -> None:
    waits = 'until [ "$SKYPILOT_SETUP_NODE_RANK" != 2 ] || [ -e ~/go ]; do sleep 0.02; done'
    setup = f"{waits}; touch ~/set_up; echo s"
    job = gang.submit("cat ~/set_up && echo r", setup=setup)
    wait_until(lambda: gang.file(0, "set_up").exists() and gang.file(1, "set_up").exists())
    assert gang.queue.jobs([job])[0].state is JobState.SETTING_UP
    gang.file(2, "go").touch()
    output, record = gang.finish(job)
    assert record.state is JobState.SUCCEEDED
    assert [line[-1] for line in output.splitlines()] == ["s"] * 3 + ["r"] * 3
    output, record = gang.run("echo r", setup="[ $SKYPILOT_SETUP_NODE_RANK != 1 ] || exit 3")
    assert (record.state, record.exit_code) == (JobState.FAILED_SETUP, 3)
    assert "setup ended with exit code 3; log: ~/sky_logs/" in output.splitlines()[-1]


def test_output_arrives_byte_for_byte_in_each_rank_s_log(gang: Gang) -> None:
    gang.file(0, "make.py").write_text(
        "import os, sys\nfor i in range(4000): os.write(1, bytes(range(256)) * 8)\nos.write(1, b'end')\n"
    )
    for node in (1, 2):
        gang.file(node, "make.py").write_bytes(gang.file(0, "make.py").read_bytes())
    output, job = gang.queue, gang.submit("python3 ~/make.py")
    assert b"".join(output.tail(job))
    assert gang.queue.jobs([job])[0].state is JobState.SUCCEEDED
    for name in ("0-head", "1-worker1", "2-worker2"):
        log = gang.file(0, f"sky_logs/sky-t/tasks/{name}.log").read_bytes()
        assert log == bytes(range(256)) * 32_000 + b"end"


def test_secrets_are_on_no_command_line_and_in_no_readable_file(gang: Gang) -> None:
    secret = "s3cr3t-value-of-this-test"
    job = gang.submit(f': {secret}; echo "$TOKEN" > ~/seen; {_HOLD}', env={"TOKEN": secret})
    wait_until(lambda: all(gang.file(node, "seen").exists() for node in range(3)))
    for host in gang.machines:
        arguments = host.run(["sh", "-c", "cat /proc/[0-9]*/cmdline"], check=False).stdout
        assert "agent.pyz" in arguments
        assert secret not in arguments
        readable = host.run(
            ["grep", "-rlF", secret, "/home/dev/.sky_agent", "/home/dev/sky_logs", "/tmp", "/run"],
            check=False,
        ).stdout.split()
        for path in readable:
            assert host.run(["stat", "-c", "%a", path]).stdout.strip() == "600", path
    for node in range(3):
        gang.file(node, "go").touch()
    gang.finish(job)
    for host in gang.machines:
        left = host.run(["grep", "-rlF", secret, "/home/dev/.sky_agent", "/home/dev/sky_logs"], check=False)
        assert left.stdout == ""


def test_accelerators_are_given_by_index_and_a_fraction_shares_one(make_gang: MakeGang) -> None:
    gang = make_gang(2, accelerators=2)
    say = 'echo "[$CUDA_VISIBLE_DEVICES] $SKYPILOT_NUM_GPUS_PER_NODE"'

    def demand(milli: int) -> Demand:
        return Demand(cpus_milli=100, accelerator="A100", accelerators_milli=milli)

    held = gang.submit(f"{say}; {_HOLD}", nodes=2, demand=demand(1_000))
    wait_until(lambda: b"".join(gang.queue.tail(held, follow=False)).count(b"[0] 1") == 2)
    output, _ = gang.run(say, nodes=2, demand=demand(1_000))
    assert [line.split(") ")[1] for line in output.splitlines()] == ["[1] 1"] * 2
    assert gang.run(say, nodes=1, demand=demand(500))[0] == "[1] 1\n"
    both = gang.submit(say, nodes=2, demand=demand(2_000))
    for node in range(2):
        gang.file(node, "go").touch()
    assert [line.split(") ")[1] for line in gang.finish(both)[0].splitlines()] == ["[0,1] 2"] * 2
    assert gang.run(say, nodes=1)[0] == "[] 0\n"


def test_what_no_node_has_is_refused(gang: Gang) -> None:
    for fields in ({"nodes": 4}, {"demand": Demand(cpus_milli=2_001)}, {"demand": Demand(memory_mib=4_097)}):
        with pytest.raises(Unsupported):
            gang.submit("true", **fields)  # type: ignore[arg-type]


def test_the_highest_priority_goes_first(gang: Gang) -> None:
    first = gang.submit(_HOLD, demand=WHOLE)
    wait_until(lambda: gang.queue.jobs([first])[0].state is JobState.RUNNING)
    jobs = [
        gang.submit(f"echo {name} >> ~/order", demand=WHOLE, priority=priority)
        for name, priority in (("low", -5), ("plain", 0), ("high", 9), ("later", 0))
    ]
    wait_until(lambda: all(job.pid for job in gang.queue.jobs(jobs)))
    for node in range(3):
        gang.file(node, "go").touch()
    for job in jobs:
        assert gang.finish(job)[1].state is JobState.SUCCEEDED
    for node in range(3):
        assert gang.file(node, "order").read_text().split() == ["high", "plain", "later", "low"]


def test_a_job_is_tried_again_and_ended_when_it_takes_too_long(gang: Gang) -> None:
    fails_twice = (
        '[ "$SKYPILOT_NODE_RANK" != 1 ] || { echo x >> ~/n; [ $(wc -l < ~/n) -ge 3 ] || exit 75; }; sleep 0.1'
    )
    output, job = gang.run(fails_twice, retries=2, retry_codes=(75,))
    assert (job.state, job.exit_code) == (JobState.SUCCEEDED, 0)
    assert [line for line in output.splitlines() if "attempt" in line] == [
        f"sky: attempt {number} of 3 failed with exit code 75; again" for number in (1, 2)
    ]
    output, job = gang.run("sleep 300", max_duration_s=1, retries=1)
    assert (job.state, job.exit_code) == (JobState.FAILED, 124)
    assert output == "sky: the job took longer than its max_duration, 1 s, and was ended\n"
    assert gang.run("true", demand=TINY)[1].state is JobState.SUCCEEDED
