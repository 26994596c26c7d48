"""A cluster that starts from a copy of a stopped one's disk, on clouds whose machines boot."""

from __future__ import annotations

import pytest

from tests.clouds.ec2.cloud import Cloud
from tests.clouds.gce.gce import Gce
from tests.clouds.machines import Machines
from tests.integration.command import sky, statuses

pytestmark = pytest.mark.needs("time")

HOST_KEY = ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]


def host_keys(machines: Machines) -> set[str]:
    """The keys that the machines that run show."""
    running = [machines.machine(each) for each in machines.ids() if machines.on(each)]
    return {machine.run(HOST_KEY).stdout for machine in running}


def assert_a_clone_has_the_disk_alone(machines: Machines, *place: str) -> None:
    """Make ``old`` with a file, work under way and autostop, stop it, and start ``new`` from its disk."""
    sky("launch", "-y", "-c", "old", *place, "echo from the old one > ~/file")
    sky("exec", "-d", "old", "--cpus", "2", "sleep 600")
    sky("exec", "-d", "old", "touch ~/ran-again")
    sky("autostop", "-y", "old", "-i", "600")
    keys = host_keys(machines)
    refused = sky("launch", "-y", "-c", "new", "--clone-disk-from", "old", "true", code=1)
    assert "sky stop old" in refused.err
    sky("stop", "-y", "old")
    script = "cat ~/file; test ! -e ~/ran-again"
    assert sky("launch", "-y", "-c", "new", "--clone-disk-from", "old", script).out == "from the old one\n"
    assert statuses() == {"old": "STOPPED", "new": "UP"}
    assert [job["status"] for job in sky("queue", "new", "--json").json["new"]] == ["SUCCEEDED"]
    assert len(keys | host_keys(machines)) == 2
    again = sky("launch", "-y", "-c", "new", "--clone-disk-from", "old", "true", code=1)
    assert "cluster new exists" in again.err
    assert machines.images() == []
    sky("down", "-y", "old", "new")
    assert machines.ids() == []


def test_on_ec2(ec2_machines: Cloud) -> None:
    assert_a_clone_has_the_disk_alone(ec2_machines.machines, "--infra", "aws/us-east-1", "-t", "t3.micro")


def test_on_compute_engine(gce_machines: Gce) -> None:
    assert gce_machines.machines is not None
    assert_a_clone_has_the_disk_alone(gce_machines.machines, "--infra", "gcp/us-central1", "-t", "e2-small")
