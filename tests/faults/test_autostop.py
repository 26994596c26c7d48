"""Autostop on hosts of a pool: it fires, parks and releases, also after restarts, and not too early."""

from __future__ import annotations

import time

import pytest

import sky
from executors.errors import Transient
from sky import core
from sky.exceptions import ClusterDoesNotExist, ClusterNotUpError
from tests.executors.conftest import wait_until
from tests.executors.ssh.lab import LabHost
from tests.faults.conftest import MakeSite, agent_settings, daemon_of, jobs, kill, machine, status, submit
from tests.integration.command import sky as command

pytestmark = pytest.mark.needs("namespaces", "time")

QUICK = {"seconds_per_idle_minute": 1, "poll_s": 0.1}


def free(head: LabHost) -> bool:
    return not (head.home / ".sky_reservation").exists()


def test_autostop_parks_the_data_and_releases_the_host_and_start_brings_it_back(site: MakeSite) -> None:
    made = site(1)
    head = made.launch("echo data > kept", agent=QUICK)
    core.autostop("c", 1)
    wait_until(lambda: free(head))
    assert status()[0] == "STOPPED"
    assert sorted(head.left()) == [".sky_stopped"]
    assert "sky start c" in command("exec", "c", "true", code=2).err
    assert [row["state"] for row in command("ssh", "status", "--json").json] == ["free"]
    core.start("c")
    assert (head.home / "sky_workdir/kept").read_text() == "data\n"
    assert core.status("c")[0]["autostop"] == -1
    core.down("c")
    made.assert_nothing_left()


def test_autodown_removes_the_cluster_and_releases_the_host(site: MakeSite) -> None:
    made = site(1)
    head = made.launch(agent=QUICK)
    core.autostop("c", 1, down=True)
    wait_until(lambda: free(head))
    with pytest.raises(ClusterDoesNotExist, match="gone"):
        submit("true")
    made.assert_nothing_left()


def test_autostop_survives_a_killed_agent_and_a_crashed_host(site: MakeSite) -> None:
    made = site(1)
    head = made.launch(agent={**QUICK, "seconds_per_idle_minute": 3})
    core.autostop("c", 1)
    kill(daemon_of(head))
    machine(head).crash()
    machine(head).boot()
    assert status()[0] == "INIT"
    core.start("c")
    assert core.status("c")[0]["autostop"] == 1
    wait_until(lambda: free(head))
    assert status()[0] == "STOPPED"
    core.down("c")
    made.assert_nothing_left()


def test_autostop_waits_for_running_and_waiting_jobs_and_counts_from_the_last_end(site: MakeSite) -> None:
    head = site(1).launch(agent=QUICK)
    first, second = submit("until [ -e go ]; do sleep 0.02; done"), submit("true")
    core.autostop("c", 1)
    time.sleep(2)  # longer than it would take if the cluster were taken for idle
    assert jobs() == {first: sky.JobStatus.RUNNING, second: sky.JobStatus.PENDING}
    (head.home / "sky_workdir/go").touch()
    wait_until(lambda: free(head))
    assert command("start", "-y", "c").out == "Cluster c is up.\n"
    assert set(jobs().values()) == {sky.JobStatus.SUCCEEDED}
    core.down("c")


def test_job_submitted_as_autostop_fires_is_run_or_refused_and_never_lost(site: MakeSite) -> None:
    made = site(1)
    head = made.launch(agent=QUICK)
    taken, refused = [], 0
    for number in range(4):
        core.autostop("c", 1)
        time.sleep(0.7 + 0.15 * number)
        try:
            taken.append((number, submit(f"echo {number} >> ran")))
        except (ClusterNotUpError, Transient, sky.exceptions.ClusterSetUpError):
            refused += 1
        wait_until(lambda: free(head))
        core.start("c")
        agent_settings(head, **QUICK)
    assert len(taken) + refused == 4
    ran = head.home / "sky_workdir/ran"
    assert (ran.read_text().split() if ran.exists() else []) == [str(number) for number, _ in taken]
    assert jobs() == {job: sky.JobStatus.SUCCEEDED for _, job in taken}
    core.down("c")
    made.assert_nothing_left()
