"""Images of the make-believe EC2: those that public parameters name, and those made of an instance's disk."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from moto.ec2.models import ec2_backends

from tests.clouds.ec2 import answers
from tests.clouds.ec2.answers import Answer
from tests.clouds.ec2.fleet import ACCOUNT
from tests.clouds.ec2.script import REGIONS, Timing
from tests.clouds.machines import Machines

_PARAMETERS = {
    "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id": "x86_64",
    "/aws/service/canonical/ubuntu/server/22.04/stable/current/arm64/hvm/ebs-gp2/ami-id": "arm64",
    "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id": "x86_64",
    "/aws/service/deeplearning/ami/arm64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id": "arm64",
    "/aws/service/neuron/dlami/base/ubuntu-22.04/latest/image_id": "x86_64",
}


class Images:
    """One image for each public parameter in each region, made when first asked for, and copied disks."""

    def __init__(self, timing: Timing, machines: Machines | None) -> None:
        self._timing = timing
        self._machines = machines
        self._made: dict[tuple[str, str], str] = {}
        self._ready_at: dict[str, float] = {}

    def clear(self) -> None:
        """Forget the images."""
        self._made.clear()
        self._ready_at.clear()
        for image_id in self._machines.images() if self._machines else ():
            self.removed(image_id)

    def refresh(self) -> None:
        """Let time have passed: copies that are due are made."""
        now = time.monotonic()
        for image in (image for region in REGIONS for image in ec2_backends[ACCOUNT][region].amis.values()):
            if self._ready_at.get(image.id, now + 1) <= now:
                image.state = "available"

    def name_is_taken(self, region: str, name: str) -> Answer | None:
        """Return the refusal of a name that an image has."""
        taken = any(image.name == name for image in ec2_backends[ACCOUNT][region].amis.values())
        return (
            answers.error("InvalidAMIName.Duplicate", f"AMI name {name} is already in use") if taken else None
        )

    def copied(self, region: str, image_id: str, instance_id: str, marks: Mapping[str, str]) -> None:
        """Copy the disk of an instance; its snapshot has the tags ``marks``."""
        image = ec2_backends[ACCOUNT][region].amis[image_id]
        image.state = "pending"
        image.ebs_snapshot.add_tags(dict(marks))
        self._ready_at[image_id] = time.monotonic() + self._timing.copying_s
        if self._machines:
            self._machines.save_disk(instance_id, image_id)

    def removed(self, image_id: str) -> None:
        """Forget the disk of an image."""
        if self._machines:
            self._machines.forget_disk(image_id)

    def parameter(self, region: str, name: str) -> Answer:
        """Answer ``GetParameter``."""
        if name not in _PARAMETERS:
            fault = {"__type": "ParameterNotFound", "message": f"Parameter {name} not found."}
            return Answer(400, json.dumps(fault).encode(), _JSON)
        parameter = {"Name": name, "Type": "String", "Value": self._image(region, name), "Version": 1}
        return Answer(200, json.dumps({"Parameter": parameter}).encode(), _JSON)

    def _image(self, region: str, name: str) -> str:
        if (region, name) not in self._made:
            image = ec2_backends[ACCOUNT][region].register_image(name)
            image.architecture = _PARAMETERS[name]
            image.root_device_name = "/dev/sda1"
            self._made[region, name] = image.id
        return self._made[region, name]


_JSON = {"Content-Type": "application/x-amz-json-1.1"}
