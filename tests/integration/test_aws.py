"""Clusters on EC2 from the command line: machines that really boot, stop themselves, and run out."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.clouds.ec2.cloud import Cloud
from tests.integration.command import sky

PLACE = ("--infra", "aws/us-east-1", "-t", "t3.micro")


def statuses(*words: str) -> dict[str, str]:
    return {each["name"]: each["status"] for each in sky("status", *words, "--json").json}


def until(wanted: dict[str, str]) -> None:
    """Wait until a refresh shows these clusters."""
    deadline = time.monotonic() + 60
    while (found := statuses("--refresh")) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_a_cluster_from_launch_to_down(ec2_machines: Cloud, home: Path, tmp_path: Path) -> None:
    ec2 = ec2_machines
    for zone in ("us-east-1a", "us-east-1b", "us-east-1c"):
        ec2.capacity(0, zone=zone)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "data").write_text("from the laptop\n")
    task = tmp_path / "task.yaml"
    task.write_text(
        f"name: t\nworkdir: {tmp_path}/work\nresources:\n  infra: aws/us-east-1\n  instance_type: t3.micro\n"
        "setup: echo ready > ~/sky_workdir/setup\nrun: cat data setup\n"
    )
    launched = sky("launch", "-y", "-c", "dev", str(task))
    assert launched.out == "from the laptop\nready\n"
    (instance,) = ec2.instances()
    assert instance["zone"] == "us-east-1d"
    assert sky("launch", "-y", "-c", "dev", str(task)).out == "from the laptop\nready\n"
    assert sky("exec", "dev", "exit 7", code=7).code == 7
    sky("exec", "-d", "dev", "sleep 600")
    assert [job["status"] for job in sky("queue", "dev", "--json").json["dev"]] == [
        "RUNNING",
        "FAILED",
        "SUCCEEDED",
        "SUCCEEDED",
    ]
    sky("cancel", "-y", "dev", "4")
    assert sky("logs", "dev", "1").out == "from the laptop\nready\n"
    alias = ["ssh", "-F", str(home / ".ssh" / "config"), "-o", "BatchMode=yes", "dev", "cat sky_workdir/data"]
    assert subprocess.run(alias, capture_output=True, text=True, check=True).stdout == "from the laptop\n"
    sky("autostop", "-y", "dev", "-i", "0")
    until({"dev": "STOPPED"})
    assert not ec2.machines.on(instance["id"])
    sky("start", "-y", "dev")
    assert sky("exec", "dev", "cat data").out == "from the laptop\n"
    sky("stop", "-y", "dev")
    assert statuses() == {"dev": "STOPPED"}
    sky("down", "-y", "dev")
    assert ec2.machines.ids() == []
    assert statuses() == {}
