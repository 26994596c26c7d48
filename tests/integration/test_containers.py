"""Tasks that name a container image, on clouds whose machines boot and run docker."""

from __future__ import annotations

import pytest

from tests.clouds.ec2.cloud import Cloud
from tests.containers.fixtures import Image
from tests.containers.image import SYSTEM
from tests.integration.command import sky, statuses

PLACE = ("--infra", "aws/us-east-1", "-t", "t3.micro")


@pytest.mark.needs("docker")
def test_a_task_runs_in_the_container_of_a_private_registry(ec2_machines: Cloud, private_image: Image) -> None:
    launched = sky(
        *("launch", "-y", "-c", "dev", *PLACE, "--image-id", f"docker:{private_image.name}"),
        *(f"--secret={name}={value}" for name, value in private_image.login.items()),
        "grep PRETTY /etc/os-release",
    )
    assert launched.out == f'PRETTY_NAME="{SYSTEM}"\n'
    print(launched.err)
    sky("down", "-y", "dev")
    assert statuses() == {}
