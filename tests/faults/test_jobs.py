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
from tests.faults.conftest import MakeSite, jobs, marked, submit
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


def test_deaf_to_sigterm_is_ended_with_its_children_after_the_grace(site: MakeSite) -> None:
    head = site(1).launch(agent={"cancel_grace_s": 0.5})
    job = submit(
        "trap '' TERM\n(trap '' TERM; exec sleep 1000) &\nsetsid sleep 2000 & touch began\n"
        "while :; do sleep 0.02; done"
    )
    wait_until((head.home / "sky_workdir/began").exists)
    command("cancel", "-y", "c", str(job))
    assert jobs() == {job: sky.JobStatus.CANCELLED}
    left = [Process.of(pid) for pid in marked(head)]
    sleeps = [each.argv for each in left if each is not None and each.argv[:1] == ("sleep",)]
    assert sleeps == [("sleep", "2000")], "what starts with setsid outlives its job, and nothing else"
    core.down("c")
    assert marked(head) == []


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
