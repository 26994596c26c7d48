"""Which image a machine boots from: Ubuntu, with the drivers of the accelerator where there is one.

Canonical and AWS publish the current images as public SSM parameters in every region:
https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images and
https://docs.aws.amazon.com/dlami/latest/devguide/find-dlami-id.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.errors import UserError
from catalog.offer import Offer
from catalog.scope import Scope
from executors.aws.errors import CLOUD
from executors.aws.session import client
from executors.errors import Declined

_UBUNTU = "/aws/service/canonical/ubuntu/server/22.04/stable/current/{arch}/hvm/ebs-gp2/ami-id"
_NVIDIA = "/aws/service/deeplearning/ami/{arch}/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
_NEURON = "/aws/service/neuron/dlami/base/ubuntu-22.04/latest/image_id"
_NO_IMAGE_TTL_S = 86400
_NEURON_CHIPS = ("Inferentia", "Trainium")
_NOT_NVIDIA = ("Radeon", "Gaudi", "VU9P")
_OLD_NVIDIA = {"V100", "V100-32GB", "M60", "K80", "K520"}
"""GPUs that the open kernel modules of the driver do not know."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image, the name of its root disk, and how large that is at least."""

    image_id: str
    root_device: str
    disk_size_gib: int


def image_for(offer: Offer, image_id: str = "") -> Image:
    """Return the image ``image_id``, or the current one that suits the offer.

    Raises ``UserError`` for an image that is not in the region, ``Declined`` where one has to be named.
    The SDK's errors pass as they are.
    """
    region = offer.key.region
    chosen = image_id or _current(region, parameter(offer))
    found: list[Any] = client("ec2", region).describe_images(ImageIds=[chosen])["Images"]
    if not found:
        raise UserError(f"image_id: there is no image {chosen} in {region}; it needs one for each region")
    image = found[0]
    sizes = [
        disk["Ebs"].get("VolumeSize", 0)
        for disk in image.get("BlockDeviceMappings", [])
        if disk.get("DeviceName") == image["RootDeviceName"] and "Ebs" in disk
    ]
    return Image(chosen, image["RootDeviceName"], max(sizes, default=0))


def parameter(offer: Offer) -> str:
    """Return the name of the public parameter that holds the current image for the offer.

    Raises ``Declined`` for accelerators that no public image has drivers for.
    """
    accelerator, arm = offer.key.accelerator, offer.arch == "arm64"
    if accelerator in _OLD_NVIDIA:
        raise Declined(
            f"{CLOUD}: no public image has a driver for {accelerator}; name one of yours: image_id",
            Scope(CLOUD, accelerator=accelerator),
            _NO_IMAGE_TTL_S,
        )
    if accelerator.startswith(_NEURON_CHIPS):
        return _NEURON
    if accelerator and not accelerator.startswith(_NOT_NVIDIA):
        return _NVIDIA.format(arch="arm64" if arm else "x86_64")
    return _UBUNTU.format(arch="arm64" if arm else "amd64")


def _current(region: str, name: str) -> str:
    value: str = client("ssm", region).get_parameter(Name=name)["Parameter"]["Value"]
    return value
