"""Jobs that print without end, that do not want to end, and many that come at once."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import sky
from sky import core
from tests.executors.conftest import wait_until
from tests.executors.ssh.lab import LabHost
from tests.faults.conftest import INFRA, MakeSite, agent_settings, jobs, machine, marked, over, submit
from tests.hosts.process import Process
from tests.integration.command import sky as command

pytestmark = pytest.mark.needs("namespaces", "time")

OUTPUT_MB = int(os.environ.get("SKY_TEST_OUTPUT_MB", "300"))
AT_ONCE = int(os.environ.get("SKY_TEST_EXECS", "200"))


def peak_mib(pid: int) -> int:
    """Return the most memory that a process ever had; 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in text.splitlines() if line.startswith("VmHWM")), 0)


def test_output_without_end_arrives_whole_in_bounded_memory(site: MakeSite) -> None:
    head = site(1).launch()
    {each.pid for each in head.host.processes()}
    block = "x" * 99
    job = submit(f"rm -f ~/sky_logs/*/tasks/run.log; yes {block} | head -c {OUTPUT_MB}000000")
    peaks: dict[str, int] = {}
    argv = [sys.executable, "-m", "sky", "logs", "c", str(job)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        size = 0
        while chunk := client.stdout.read(1 << 20):
            if not size or size // 50_000_000 != (size + len(chunk)) // 50_000_000:
                peaks["sky logs"] = max(peaks.get("sky logs", 0), peak_mib(client.pid))
                agents = [each.pid for each in head.host.processes() if any("agent" in w for w in each.argv)]
                peaks["agent"] = max(peaks.get("agent", 0), *map(peak_mib, agents))
            size += len(chunk)
    assert client.returncode == 0
    assert size == OUTPUT_MB * 1_000_000
    assert peaks["sky logs"] < 200
    assert peaks["agent"] < 100
    core.down("c")


DEAF = """trap '' TERM
(trap '' TERM; exec sleep 1000) &
setsid sleep 2000 & touch began
while :; do sleep 0.02; done
"""


def sleeps(head: LabHost) -> list[tuple[str, ...]]:
    """Return what of ``DEAF`` is left on the host."""
    left = [Process.of(pid) for pid in marked(head)]
    return [each.argv for each in left if each is not None and each.argv[:1] == ("sleep",)]


@pytest.mark.needs("host-cgroups")
def test_deaf_to_sigterm_is_ended_with_all_that_it_started_after_the_grace(site: MakeSite) -> None:
    head = site(1).launch(agent={"cancel_grace_s": 0.5})
    job = submit(DEAF)
    wait_until((head.home / "sky_workdir/began").exists)
    command("cancel", "-y", "c", str(job))
    assert jobs() == {job: sky.JobStatus.CANCELLED}
    assert sleeps(head) == []
    core.down("c")
    assert marked(head) == []


def test_without_control_groups_what_starts_with_setsid_outlives_its_job_alone(site: MakeSite) -> None:
    made = site(1)
    machine(made.hosts[0]).run(["umount", "-a", "-t", "cgroup"])
    said = command("launch", "-y", "-d", "-c", "c", "--infra", INFRA, "true").err
    assert "Jobs on c are not confined to what they ask for: the node has no control groups" in said
    head = made.head()
    agent_settings(head, cancel_grace_s=0.5)
    job = submit(DEAF)
    wait_until((head.home / "sky_workdir/began").exists)
    command("cancel", "-y", "c", str(job))
    assert jobs()[job] is sky.JobStatus.CANCELLED
    assert sleeps(head) == [("sleep", "2000")]
    core.down("c")
    assert marked(head) == []


@pytest.mark.needs("host-cgroups")
def test_a_job_beyond_its_memory_ends_alone_and_its_log_says_so(site: MakeSite) -> None:
    head = site(1).launch()
    other, _ = core.exec(sky.Task(run="until [ -e go ]; do sleep 0.02; done"), "c", detach_run=True)
    assert other is not None
    greedy = "exec python3 -c 'bytearray(1 << 30)'"
    done = command("exec", "c", "--cpus", "0.5", "--memory", "0.25", greedy, code=None)
    assert "killed as its 256 MiB of memory were used up; ask for more memory in its resources" in done.out
    assert "Job 2 FAILED (exit code 137)" in done.out + done.err
    (head.home / "sky_workdir/go").touch()
    wait_until(lambda: over(other))
    assert jobs()[other] is sky.JobStatus.SUCCEEDED
    core.down("c")


def test_many_execs_at_once_each_run_once_under_an_id_of_their_own(site: MakeSite) -> None:
    head = site(1).launch()

    def one(number: int) -> int:
        made = sky.Task(run=f"echo {number} $SKYPILOT_INTERNAL_JOB_ID >> ran")
        job_id, _ = core.exec(made, "c", detach_run=True, stream_logs=False)
        assert job_id is not None
        return job_id

    with ThreadPoolExecutor(24) as pool:
        given = list(pool.map(one, range(AT_ONCE)))
    processes = 12
    with ThreadPoolExecutor(processes) as pool:
        list(pool.map(lambda i: command("exec", "-d", "c", f"echo p{i} x >> ran"), range(processes)))
    assert sorted(given) == list(range(1, AT_ONCE + 1))
    wait_until(lambda: all(each.is_terminal() for each in jobs().values()), 120)
    assert list(jobs().values()) == [sky.JobStatus.SUCCEEDED] * (AT_ONCE + processes)
    lines = [line.split() for line in (head.home / "sky_workdir/ran").read_text().splitlines()]
    assert sorted(line for line in lines if line[1] != "x") == sorted(
        [str(number), str(job)] for number, job in enumerate(given)
    )
    assert sorted(line[0] for line in lines if line[1] == "x") == sorted(f"p{i}" for i in range(processes))
    core.down("c")
