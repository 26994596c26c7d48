"""What every executor's job queue does: environment, exit codes, order, cancelling, accelerators."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from catalog.errors import UserError
from executors.api import AgentHost
from executors.errors import NotFound, Unsupported
from executors.job import Demand, JobSpec, JobState
from tests.conformance.conftest import Make, Place, Subject

WHOLE = Demand(cpus_milli=2_000)


@pytest.fixture
def keeps_machines() -> bool:
    """Nothing here is about machines, so each test may have those of the one before."""
    return True


def test_jobs_that_never_were_are_left_out(subject: Subject) -> None:
    _, job = subject.run("true")
    assert subject.queue.jobs([job.job_id, job.job_id + 1, 2**63 - 1, 2**63, 10**30]) == [job]
    assert subject.queue.cancel([2**63, 10**30]) == []


def test_a_job_sees_its_environment_and_starts_in_the_workdir(subject: Subject) -> None:
    env = {"PLAIN": "1", "ODD": "a b'\"$HOME\n\tünï\\", "EMPTY": ""}
    script = (
        'cd ~ && printf "%s|" "$PLAIN" "$ODD" "${EMPTY-unset}" "${OLDPWD##*/}" "$SKYPILOT_NODE_RANK" '
        '"$SKYPILOT_NUM_NODES" "$SKYPILOT_NODE_IPS" "$SKYPILOT_NUM_GPUS_PER_NODE" "$SKYPILOT_TASK_ID" '
        '"$SKYPILOT_INTERNAL_JOB_ID" "$SKY_NODE_RANK"'
    )
    output, job = subject.run(script, env=env, run_timestamp="sky-2026")
    provisioner = subject.executor.provisioner
    assert isinstance(provisioner, AgentHost)
    (address,) = provisioner.agent_config(subject.handle)["addresses"]  # type: ignore[misc]
    assert output.split("|") == [
        *("1", env["ODD"], "", "sky_workdir", "0", "1", address, "0"),
        *(f"sky-2026_c-1-name_{job.job_id}", str(job.job_id), "0", ""),
    ]


def test_exit_codes_are_exact(subject: Subject) -> None:
    ends = {
        "true": (JobState.SUCCEEDED, 0),
        "exit 7": (JobState.FAILED, 7),
        "kill -TERM $$": (JobState.FAILED, 143),
        "kill -SEGV $$": (JobState.FAILED, 139),
        "no-such-command": (JobState.FAILED, 127),
        "false\ntrue": (JobState.SUCCEEDED, 0),
        "": (JobState.SUCCEEDED, 0),
    }
    jobs = {script: subject.run(script)[1] for script in ends}
    assert {script: (job.state, job.exit_code) for script, job in jobs.items()} == ends
    for job in jobs.values():
        assert job.started_at is not None
        assert job.ended_at is not None
        assert job.submitted_at <= job.started_at <= job.ended_at


def test_large_binary_output_arrives_whole_and_stderr_is_in_it(subject: Subject) -> None:
    job = subject.submit("head -c 20000000 /dev/zero; echo end >&2")
    size, last = 0, b""
    for chunk in subject.queue.tail(job):
        size, last = size + len(chunk), chunk
    assert size == 20_000_004
    assert last.endswith(b"end\n")


def test_output_is_there_before_the_job_ends_and_the_last_lines_alone_can_be_had(subject: Subject) -> None:
    job = subject.submit("seq 1 20; until [ -e ~/go ]; do sleep 0.02; done; echo done")
    while not b"".join(subject.queue.tail(job, follow=False)).endswith(b"20\n"):
        pass
    follower = subject.queue.tail(job, lines=2)
    seen = b""
    while not seen.endswith(b"20\n"):
        seen += next(iter(follower))
    assert seen == b"19\n20\n"
    assert b"".join(subject.queue.tail(job, follow=False, lines=1)) == b"20\n"
    subject.executor.connect(subject.handle).run(["touch", "go"])
    assert b"".join(follower) == b"done\n"
    assert b"".join(subject.queue.tail(job, follow=False)).splitlines()[-1] == b"done"


def test_a_job_that_leaves_a_background_process_ends(subject: Subject) -> None:
    output, job = subject.run("sleep 300 & echo $!")
    assert job.state is JobState.SUCCEEDED
    state, _ = subject.run(f"cut -d ' ' -f 3 /proc/{output.strip()}/stat 2>/dev/null || true")
    assert state in {"", "Z\n"}


def test_setup_in_a_job_runs_first_and_its_failure_ends_the_job(subject: Subject) -> None:
    output, job = subject.run("echo run", setup="echo setup")
    assert (output, job.state) == ("setup\nrun\n", JobState.SUCCEEDED)
    output, job = subject.run("echo run", setup="exit 3")
    assert (output, job.state, job.exit_code) == ("", JobState.FAILED_SETUP, 3)


def test_jobs_start_in_order_and_a_large_one_is_not_passed(subject: Subject) -> None:
    half = Demand(cpus_milli=1_000)
    first = subject.submit("until [ -e ~/go ]; do sleep 0.02; done; echo 1 >> ~/order", demand=half)
    large = subject.submit("echo 2 >> ~/order", demand=WHOLE)
    small = subject.submit("echo 3 >> ~/order", demand=half)
    assert [job.state for job in subject.queue.jobs([large, small])] == [JobState.PENDING] * 2
    subject.executor.connect(subject.handle).run(["touch", "go"])
    for job in (first, large, small):
        subject.finish(job)
    assert subject.run("cat ~/order")[0] == "1\n2\n3\n"


def test_jobs_run_side_by_side_as_far_as_they_fit(subject: Subject) -> None:
    half = Demand(cpus_milli=1_000)
    meet = "touch ~/{me}; until [ -e ~/{other} ]; do sleep 0.02; done"
    one = subject.submit(meet.format(me="a", other="b"), demand=half)
    two = subject.submit(meet.format(me="b", other="a"), demand=half)
    assert subject.finish(one)[1].state is subject.finish(two)[1].state is JobState.SUCCEEDED


def test_a_waiting_job_can_be_cancelled_and_never_starts(subject: Subject) -> None:
    running = subject.submit("sleep 300", demand=WHOLE)
    waiting = subject.submit("touch ~/started", demand=WHOLE)
    assert subject.queue.cancel([waiting, 999]) == [waiting]
    assert subject.queue.cancel([waiting]) == []
    assert subject.queue.cancel([running]) == [running]
    output, _ = subject.run("ls ~")
    assert "started" not in output
    assert [job.state for job in subject.queue.jobs([running, waiting])] == [JobState.CANCELLED] * 2


def test_a_running_job_is_told_to_end_and_then_made_to(subject: Subject) -> None:
    polite = subject.submit("trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.02; done")
    stream = subject.queue.tail(polite)
    assert next(iter(stream)) == b"ready\n"
    assert subject.queue.cancel([polite]) == [polite]
    assert b"".join(stream).endswith(b"bye\n")
    deaf = subject.submit(
        "(trap '' TERM; sleep 300) & trap '' TERM; echo ready; while :; do sleep 0.02; done"
    )
    stream = subject.queue.tail(deaf)
    assert next(iter(stream)) == b"ready\n"
    assert subject.queue.cancel([deaf]) == [deaf]
    states = [job.state for job in subject.queue.jobs([polite, deaf])]
    assert states == [JobState.CANCELLED] * 2
    assert subject.queue.idle_since() is not None


def test_setup_in_a_job_can_be_cancelled(subject: Subject) -> None:
    job = subject.submit("echo run", setup="echo ready; sleep 300")
    stream = subject.queue.tail(job)
    assert next(iter(stream)) == b"ready\n"
    assert subject.queue.jobs([job])[0].state is JobState.SETTING_UP
    subject.queue.cancel([job])
    assert b"".join(stream) == b""
    assert subject.queue.jobs([job])[0].state is JobState.CANCELLED


def test_a_demand_beyond_the_node_is_refused(subject: Subject) -> None:
    for demand in (
        Demand(cpus_milli=2_001),
        Demand(memory_mib=4_097),
        Demand(accelerators_milli=1, accelerator="T4"),
    ):
        with pytest.raises(Unsupported, match="but the node has"):
            subject.submit("true", demand=demand)
    with pytest.raises(UserError, match="run_timestamp"):
        subject.submit("true", run_timestamp="../../etc")
    with pytest.raises(NotFound, match="no job 99"):
        list(subject.queue.tail(99))
    assert subject.queue.jobs() == []


@pytest.fixture
def gpu(make: Make, place: Place) -> Subject:
    key = replace(place.offer.key, accelerator="A100", accelerator_count_milli=2_000)
    return make("c-gpu", place.with_gpus or replace(place.offer, key=key))


def test_accelerators_are_shared_by_fractions_and_given_by_index(gpu: Subject) -> None:
    def hold(milli: int) -> int:
        demand = Demand(cpus_milli=100, accelerator="a100", accelerators_milli=milli)
        return gpu.submit(
            'echo "$CUDA_VISIBLE_DEVICES $SKYPILOT_NUM_GPUS_PER_NODE"; sleep 300', demand=demand
        )

    def given(job: int) -> bytes:
        stream = gpu.queue.tail(job)
        return next(iter(stream))

    half, quarter, whole = hold(500), hold(250), hold(1_000)
    assert [given(half), given(quarter), given(whole)] == [b"0 1\n", b"0 1\n", b"1 1\n"]
    waiting = hold(500)
    assert gpu.queue.jobs([waiting])[0].state is JobState.PENDING
    gpu.queue.cancel([half])
    assert given(waiting) == b"0 1\n"
    gpu.queue.cancel([waiting, quarter, whole])
    both = hold(2_000)
    assert given(both) == b"0,1 2\n"
    gpu.queue.cancel([both])
    none, _ = gpu.run(
        'echo "[${CUDA_VISIBLE_DEVICES-unset}]"', setup='echo "[${CUDA_VISIBLE_DEVICES-unset}]"'
    )
    assert none == "[unset]\n[]\n"
    with pytest.raises(UserError, match="whole ones"):
        hold(1_500)


def test_many_jobs_submitted_at_once_from_many_threads_all_get_their_own_id(subject: Subject) -> None:
    ids: list[int] = []
    spec = JobSpec("j", ("true",), "sky-same", demand=Demand(cpus_milli=100))
    threads = [
        threading.Thread(target=lambda: ids.extend(subject.queue.submit_many([spec] * 5))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids) == list(range(1, 21))
    for job in ids:
        assert subject.finish(job)[1].state is JobState.SUCCEEDED
    assert len({job.run_timestamp for job in subject.queue.jobs()}) == 20


def test_a_job_that_cannot_be_started_says_why_in_its_log(subject: Subject) -> None:
    output, job = subject.run("true", env={"HUGE": "x" * 3_000_000})
    assert job.state is JobState.FAILED_DRIVER
    assert "Argument list too long" in output
