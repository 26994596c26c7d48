"""Clusters on Compute Engine from the command line: instances that boot, stop themselves, and run out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clouds.gce import faults
from tests.clouds.gce.gce import Gce
from tests.integration import killed_at
from tests.integration.command import sky, statuses, until
from tests.integration.daily_use import DATA, OUTPUT, assert_serves, write_task

PLACE = ("--infra", "gcp/us-central1", "-t", "e2-small")


def until_off(gce: Gce, instance_id: str) -> None:
    """Wait until the machine of an instance that is being stopped is off."""
    assert gce.machines is not None
    deadline = time.monotonic() + 60
    while gce.machines.on(instance_id):
        assert time.monotonic() < deadline, f"{instance_id} runs on"
        time.sleep(0.1)


def test_a_cluster_from_launch_to_down(gce_machines: Gce, home: Path, tmp_path: Path) -> None:
    gce = gce_machines
    task = write_task(tmp_path, infra="gcp", instance_type="e2-small")
    for zone in ("us-central1-a", "us-central1-b", "us-central1-c"):
        gce.fail(faults.stockout(zone))
    launched = sky("launch", "-y", "-c", "dev", str(task))
    assert launched.out == OUTPUT
    assert launched.err.count("no capacity") == 3
    (instance,) = gce.instances()
    assert instance["zone"].endswith("/us-central1-f")
    assert_serves(task, home)
    sky("autostop", "-y", "dev", "-i", "0")
    until({"dev": "STOPPED"}, 120)
    until_off(gce, instance["id"])
    sky("start", "-y", "dev")
    assert sky("exec", "dev", "cat data").out == DATA
    sky("down", "-y", "dev")
    assert (gce.instances(), gce.machines.ids(), statuses()) == ([], [], {})


@pytest.mark.needs("time")
def test_a_cluster_stops_by_hand_and_takes_itself_down_with_its_rules(gce_machines: Gce) -> None:
    gce = gce_machines
    sky("launch", "-y", "-c", "dev", *PLACE, "--ports", "8080", "echo kept > ~/file")
    sky("stop", "-y", "dev")
    assert statuses() == {"dev": "STOPPED"}
    gce.fail(faults.stockout(method="instances.start"))
    refused = sky("start", "-y", "dev", code=100)
    assert "its disks are there, so it is not moved" in refused.err
    gce.heal()
    sky("start", "-y", "dev")
    assert sky("exec", "dev", "cat ~/file").out == "kept\n"
    sky("autostop", "-y", "dev", "-i", "0", "--down")
    until({}, 120)
    assert gce.instances() == []
    assert len(gce.calls("firewalls.insert")) == len(gce.calls("firewalls.delete"))


@pytest.mark.needs("slurm")
def test_two_nodes_run_one_job_and_stop_together(gce_machines: Gce) -> None:
    gce = gce_machines
    launched = sky(
        "launch",
        "-y",
        "-c",
        "duo",
        *PLACE,
        "--num-nodes",
        "2",
        "echo rank $SKYPILOT_NODE_RANK of $(hostname)",
    )
    assert sorted(line.split(") ")[1].split(" of ")[0] for line in launched.out.splitlines()) == [
        "rank 0",
        "rank 1",
    ]
    sky("autostop", "-y", "duo", "-i", "0")
    until({"duo": "STOPPED"}, 120)
    assert len(gce.instances()) == 2
    for instance in gce.instances():
        until_off(gce, instance["id"])
    sky("start", "-y", "duo")
    assert sky("exec", "duo", "--num-nodes", "2", "echo back").out.count(") back\n") == 2
    sky("down", "-y", "duo")
    assert gce.instances() == []


@pytest.mark.needs("time")
def test_a_spot_instance_that_is_taken_away_is_seen(gce_machines: Gce) -> None:
    gce = gce_machines
    sky("launch", "-y", "-c", "dev", *PLACE, "--use-spot", "echo kept > ~/file")
    gce.preempt(gce.instances()[0])
    until({"dev": "STOPPED"}, 120)
    sky("start", "-y", "dev")
    assert sky("exec", "dev", "cat ~/file").out == "kept\n"
    sky("down", "-y", "dev")


@pytest.mark.needs("time")
def test_a_tpu_vm_from_launch_to_down(gce_machines: Gce) -> None:
    gce = gce_machines
    gce.fail(faults.tpu_stockout("us-west4-a"))
    launched = sky("launch", "-y", "-c", "tpu", "--gpus", "tpu-v5e-8", "echo kept > ~/file; echo ran")
    assert launched.out == "ran\n"
    (node,) = gce.tpus()
    assert node["acceleratorType"] == "v5litepod-8"
    sky("autostop", "-y", "tpu", "-i", "0")
    until({"tpu": "STOPPED"}, 120)
    until_off(gce, node["id"])
    sky("start", "-y", "tpu")
    assert sky("exec", "tpu", "cat ~/file").out == "kept\n"
    sky("autostop", "-y", "tpu", "-i", "0", "--down")
    until({}, 120)
    assert (gce.tpus(), gce.machines and gce.machines.ids()) == ([], [])


@pytest.mark.needs("slurm", "time")
def test_a_tpu_pod_runs_a_job_on_all_its_hosts_and_is_not_stopped(gce_machines: Gce) -> None:
    gce = gce_machines
    script = "echo rank $SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES"
    launched = sky("launch", "-y", "-c", "pod", "--gpus", "tpu-v5p-16", script)
    assert sorted(line.split(") ")[1] for line in launched.out.splitlines()) == [
        "rank 0 of 2",
        "rank 1 of 2",
    ]
    for verb in (("stop", "-y", "pod"), ("autostop", "-y", "pod", "-i", "5")):
        assert "TPU slice of several hosts (tpu-v5p-16)" in sky(*verb, code=1).err
    sky("autostop", "-y", "pod", "-i", "0", "--down")
    until({}, 120)
    assert gce.tpus() == []


CALLS = 9
"""How many requests a launch makes until its instance may be logged in to."""


@pytest.fixture
def doomed(gce: Gce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gce:
    monkeypatch.setenv(killed_at.INFRA_ENV, "gcp/us-central1")
    monkeypatch.setenv(killed_at.WORKDIR_ENV, str(tmp_path))
    sky("check", "gcp")  # so that a launch begins with what makes something
    return gce


def kill_launch(moment: str, nth: int) -> None:
    argv = [sys.executable, "-m", "tests.integration.killed_at", "launch", "dev"]
    done = subprocess.run(
        [*argv, "executors.gcp.rest:Rest._once", moment, str(nth)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, f"the step was not reached: {done.stderr}"


def assert_down_leaves_nothing(gce: Gce) -> None:
    assert list(statuses()) == ["dev"], "something may exist without a record"
    assert list(statuses("--refresh")) == ["dev"], "a refresh forgot what may exist"
    sky("down", "-y", "dev")
    assert (gce.instances(), statuses()) == ([], {})
    made, removed = (gce.calls(f"firewalls.{verb}") for verb in ("insert", "delete"))
    assert len(made) == len(removed)


@pytest.mark.parametrize("nth", [3, 8])
def test_what_a_killed_launch_left_goes_with_down(nth: int, doomed: Gce) -> None:
    kill_launch("after", nth)
    assert_down_leaves_nothing(doomed)


@pytest.mark.needs("time")
@pytest.mark.parametrize("nth", range(1, CALLS + 1))
def test_a_launch_may_be_killed_after_any_request(nth: int, doomed: Gce) -> None:
    doomed.fail(faults.slow("instances.insert", 0.5))
    kill_launch("after", nth)
    assert_down_leaves_nothing(doomed)


def tried(gce: Gce) -> list[tuple[str, str]]:
    return [(call["zone"], call["machine_type"]) for call in gce.calls("instances.insert")]


def test_a_regions_quota_is_asked_for_once_and_each_full_zone_once(gce: Gce, tmp_path: Path) -> None:
    gce.fail(faults.regional_quota("us-central1"))
    gce.fail(faults.stockout())
    task = tmp_path / "task.yaml"
    task.write_text(
        "resources:\n  instance_type: e2-small\n  any_of:\n"
        "    - infra: gcp/us-central1\n    - infra: gcp/us-east1\nrun: 'true'\n"
    )
    refused = sky("launch", "-y", "-c", "dev", str(task), code=100)
    assert sorted(zone.rpartition("-")[0] for zone, _ in tried(gce)) == ["us-central1", *["us-east1"] * 3]
    assert len(set(tried(gce))) == 4
    assert "Quota 'CPUS' exceeded" in refused.err
    assert (statuses(), gce.instances()) == ({}, [])


def test_gpus_that_ran_out_are_not_asked_for_with_another_host(gce: Gce) -> None:
    gce.fail(faults.stockout())
    sky("launch", "-y", "-c", "dev", "--infra", "gcp/us-east1", "--gpus", "T4:2", "true", code=100)
    zones = [zone for zone, _ in tried(gce)]
    assert len(zones) == len(set(zones)) > 1
    assert statuses() == {}
