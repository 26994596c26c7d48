"""Tasks that name a container image, on clouds whose machines boot and run docker."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.clouds.ec2.cloud import Cloud
from tests.clouds.gce.gce import Gce
from tests.containers.fixtures import Image
from tests.containers.image import SYSTEM
from tests.hosts.machine import Machine
from tests.integration.command import Done, sky, statuses, until, until_running

AWS = ("--infra", "aws/us-east-1", "-t", "t3.micro")
HOLDS = 'grep -rslF -- "$1" ~root /dev/shm /etc /home /run /tmp /var/lib/docker/containers'

pytestmark = pytest.mark.needs("docker")


def launch(image: Image, *words: str, code: int = 0, **login: str) -> Done:
    """Launch cluster ``dev`` in containers of ``image``, with ``login`` in the place of the right one."""
    told = {
        "SKYPILOT_DOCKER_USERNAME": image.login.username,
        "SKYPILOT_DOCKER_PASSWORD": image.login.password,
        "SKYPILOT_DOCKER_SERVER": image.login.server,
        **login,
    }
    secrets = [word for name in told for word in ("--secret", name)]
    chosen = ("-y", "-c", "dev", "--image-id", "docker:team/tool")
    return sky("launch", *chosen, *secrets, *words, code=code, **told)


def holds(machine: Machine, text: str) -> str:
    """Return the files of a machine that hold ``text``."""
    return machine.run(["sh", "-c", HOLDS, "sh", text], check=False).stdout


def runs(machine: Machine, command: str) -> bool:
    """Return whether the command runs on a machine, in its container too."""
    return machine.run(["pgrep", "-xf", command], check=False).returncode == 0


def test_a_task_runs_in_a_container_from_a_private_registry(
    ec2_machines: Cloud, private_image: Image, home: Path
) -> None:
    configuration = home / ".sky" / "config.yaml"
    configuration.parent.mkdir(exist_ok=True)
    configuration.write_text("docker: {run_options: --env 'GREETING=hello there'}\n")
    script = 'grep PRETTY_NAME /etc/os-release; basename "$PWD"; echo "$GREETING"'
    launched = launch(private_image, *AWS, script)
    assert launched.out == f'PRETTY_NAME="{SYSTEM}"\nsky_workdir\nhello there\n'
    assert "pulled 1 of 1 layers" in launched.err
    (machine,) = (ec2_machines.machines.machine(each) for each in ec2_machines.machines.ids())
    (login,) = json.loads(private_image.login.config)["auths"].values()
    assert holds(machine, private_image.login.password) == ""
    assert holds(machine, login["auth"]) == ""
    inside = ["ssh", "-F", str(home / ".ssh" / "config"), "-tt", "-o", "BatchMode=yes", "dev-container"]
    asked = "grep PRETTY_NAME /etc/os-release; exit\n"
    assert SYSTEM in subprocess.run(inside, input=asked, capture_output=True, text=True, check=True).stdout
    sky("exec", "-d", "dev", "exec sleep 4711")
    until_running("dev", 2)
    assert runs(machine, "sleep 4711")
    sky("cancel", "-y", "dev", "2")
    assert not runs(machine, "sleep 4711")
    sky("down", "-y", "dev")
    assert statuses() == {}
    assert ec2_machines.machines.ids() == []


@pytest.mark.needs("time")
def test_the_registrys_refusal_is_shown_and_no_other_place_is_tried(
    ec2_machines: Cloud, private_image: Image
) -> None:
    refused = launch(private_image, *AWS, "true", code=2, SKYPILOT_DOCKER_PASSWORD="wrong")
    assert f"{private_image.name} cannot be pulled" in refused.err
    assert "unauthorized" in refused.err
    assert len(ec2_machines.instances()) == 1
    assert statuses() == {"dev": "INIT"}
    assert launch(private_image, *AWS, "echo ran").out == "ran\n"
    sky("down", "-y", "dev")
    assert statuses() == {}


@pytest.mark.needs("time")
def test_a_cluster_of_containers_from_launch_to_down(
    ec2_machines: Cloud, private_image: Image, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "data").write_text("from the laptop\n")
    (tmp_path / "notes").write_text("mounted\n")
    task = tmp_path / "task.yaml"
    task.write_text(
        f"workdir: {tmp_path}/work\nfile_mounts: {{~/notes: {tmp_path}/notes}}\n"
        f"resources: {{infra: aws/us-east-1, instance_type: t3.micro}}\n"
        f"setup: echo ready >> ~/setup\nrun: cat data ~/notes ~/setup\n"
    )
    said = "from the laptop\nmounted\nready\n"
    assert launch(private_image, str(task)).out == said
    assert launch(private_image, str(task)).out == said
    assert sky("exec", "dev", "exit 7", code=7).code == 7
    assert sky("exec", "dev", "kill -9 $$", code=None).code == 137
    assert [job["status"] for job in sky("queue", "dev", "--json").json["dev"]] == [
        *("FAILED", "FAILED", "SUCCEEDED", "SUCCEEDED")
    ]
    sky("autostop", "-y", "dev", "-i", "0")
    until({"dev": "STOPPED"})
    sky("start", "-y", "dev")
    assert sky("exec", "dev", "cat data ~/notes ~/setup").out == said
    sky("stop", "-y", "dev")
    assert statuses() == {"dev": "STOPPED"}
    sky("start", "-y", "dev")
    sky("autostop", "-y", "dev", "-i", "0", "--down")
    until({})
    assert ec2_machines.machines.ids() == []


@pytest.mark.needs("slurm", "time")
def test_the_containers_of_two_machines_run_one_job(ec2_machines: Cloud, private_image: Image) -> None:
    script = 'echo "$SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES: $(grep PRETTY_NAME /etc/os-release)"'
    ran = launch(private_image, *AWS, "--num-nodes", "2", script)
    assert sorted(line.rpartition(") ")[2] for line in ran.out.splitlines()) == [
        f'{rank} of 2: PRETTY_NAME="{SYSTEM}"' for rank in (0, 1)
    ]
    sky("exec", "-d", "dev", "--num-nodes", "2", "exec sleep 4712")
    until_running("dev", 2)
    machines = [ec2_machines.machines.machine(each) for each in ec2_machines.machines.ids()]
    assert [runs(machine, "sleep 4712") for machine in machines] == [True, True]
    sky("cancel", "-y", "dev", "2")
    assert [runs(machine, "sleep 4712") for machine in machines] == [False, False]
    for machine in machines:
        machine.run(["docker", "restart", "--time", "3", "sky"])
    again = sky("exec", "dev", "--num-nodes", "2", "echo $SKYPILOT_NUM_NODES")
    assert sorted(line.rpartition(") ")[2] for line in again.out.splitlines()) == ["2", "2"]
    sky("down", "-y", "dev")
    assert statuses() == {}


@pytest.mark.needs("time")
def test_a_container_on_compute_engine_stops_its_machine_and_comes_back(
    gce_machines: Gce, private_image: Image
) -> None:
    where = ("--infra", "gcp/us-central1", "-t", "e2-small")
    assert (
        launch(private_image, *where, "cat /etc/os-release; echo kept > kept").out
        == f'PRETTY_NAME="{SYSTEM}"\n'
    )
    sky("autostop", "-y", "dev", "-i", "0")
    until({"dev": "STOPPED"})
    sky("start", "-y", "dev")
    assert sky("exec", "dev", "cat kept").out == "kept\n"
    sky("down", "-y", "dev")
    assert statuses() == {}
