"""Images of the make-believe EC2, and the public parameters that name the current ones."""

from __future__ import annotations

import json

from moto.ec2.models import ec2_backends

from tests.clouds.ec2.answers import Answer
from tests.clouds.ec2.fleet import ACCOUNT

_PARAMETERS = {
    "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id": "x86_64",
    "/aws/service/canonical/ubuntu/server/22.04/stable/current/arm64/hvm/ebs-gp2/ami-id": "arm64",
    "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id": "x86_64",
    "/aws/service/deeplearning/ami/arm64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id": "arm64",
    "/aws/service/neuron/dlami/base/ubuntu-22.04/latest/image_id": "x86_64",
}


class Images:
    """One image for each public parameter in each region, made when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], str] = {}

    def clear(self) -> None:
        """Forget the images."""
        self._made.clear()

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
