"""Clusters on EC2 from the command line: machines that really boot, stop themselves, and run out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from executors.aws.network import own_groups
from tests.clouds.ec2.cloud import Cloud
from tests.integration import killed_at
from tests.integration.command import sky, statuses, until
from tests.integration.daily_use import DATA, OUTPUT, assert_serves, write_task

PLACE = ("--infra", "aws/us-east-1", "-t", "t3.micro")


def test_a_cluster_from_launch_to_down(ec2_machines: Cloud, home: Path, tmp_path: Path) -> None:
    ec2 = ec2_machines
    for zone in "abc":
        ec2.capacity(0, zone=f"us-east-1{zone}")
    task = write_task(tmp_path, infra="aws/us-east-1", instance_type="t3.micro")
    launched = sky("launch", "-y", "-c", "dev", str(task))
    assert launched.out == OUTPUT
    assert launched.err.count("no capacity") == 3, launched.err
    (instance,) = ec2.instances()
    assert instance["zone"] == "us-east-1d"
    assert_serves(task, home)
    sky("autostop", "-y", "dev", "-i", "0")
    until({"dev": "STOPPED"})
    assert not ec2.machines.on(instance["id"])
    sky("start", "-y", "dev")
    assert sky("exec", "dev", "cat data").out == DATA
    sky("stop", "-y", "dev")
    assert statuses() == {"dev": "STOPPED"}
    sky("down", "-y", "dev")
    assert ec2.machines.ids() == []
    assert statuses() == {}


@pytest.mark.needs("slurm")
def test_two_machines_run_one_job_and_take_themselves_down(ec2_machines: Cloud) -> None:
    script = 'echo "$SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES"'
    ran = sky("launch", "-y", "-c", "duo", *PLACE, "--num-nodes", "2", script)
    assert sorted(line.rpartition(") ")[2] for line in ran.out.splitlines()) == ["0 of 2", "1 of 2"]
    sky("autostop", "-y", "duo", "-i", "0", "--down")
    until({})
    assert ec2_machines.machines.ids() == []
    assert own_groups("us-east-1", ec2_machines.instances()[0]["tags"]["sky-cluster-id"]) == {}


@pytest.mark.needs("time")
def test_a_machine_that_ec2_does_not_stop_powers_itself_off(ec2_machines: Cloud) -> None:
    sky("launch", "-y", "-c", "dev", *PLACE, "true")
    ec2_machines.deny("ec2:StopInstances")
    sky("autostop", "-y", "dev", "-i", "0")
    until({"dev": "STOPPED"})
    assert [ec2_machines.machines.on(each) for each in ec2_machines.machines.ids()] == [False]
    assert len(ec2_machines.calls("StopInstances")) > 1
    sky("down", "-y", "dev")


@pytest.mark.needs("time")
@pytest.mark.parametrize("ending", ["down", "launch"])
@pytest.mark.parametrize(
    ("target", "moment"),
    [
        ("sky.control.state:Store.add", "after"),
        ("executors.aws.instances:run", "after"),
        ("executors.aws.provisioner:wait_until_ready", "before"),
        ("executors.aws.provisioner:AwsProvisioner.create", "after"),
        ("executors.lifecycle:ensure_agent", "after"),
    ],
)
def test_a_launch_that_was_killed_is_ended_or_done_again(
    target: str, moment: str, ending: str, ec2_machines: Cloud, tmp_path: Path
) -> None:
    env = {**os.environ, killed_at.WORKDIR_ENV: str(tmp_path), killed_at.INFRA_ENV: "aws/us-east-1"}
    argv = [sys.executable, "-m", "tests.integration.killed_at", "launch", "dev", target, moment, "1"]
    killed = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert statuses("--refresh") == {"dev": "INIT"}
    if ending == "launch":
        assert sky("launch", "-y", "-c", "dev", "--infra", "aws/us-east-1", "echo again").out == "again\n"
        assert len(ec2_machines.machines.ids()) == 1
    sky("down", "-y", "dev")
    assert statuses() == {}
    assert ec2_machines.machines.ids() == []
