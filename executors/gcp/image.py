"""Which image a node boots, and how its disk is made."""

from __future__ import annotations

from executors.api import NodeRequest
from executors.errors import Unsupported
from executors.gcp.rest import Json

_UBUNTU = "projects/ubuntu-os-cloud/global/images/family/"
_UBUNTU_WITH_GPUS = "projects/ubuntu-os-accelerator-images/global/images/family/"
_FAMILIES = {
    ("x86_64", False): _UBUNTU + "ubuntu-2204-lts",
    ("arm64", False): _UBUNTU + "ubuntu-2204-lts-arm64",
    ("x86_64", True): _UBUNTU_WITH_GPUS + "ubuntu-accelerator-2204-amd64-with-nvidia-580",
}
"""(architecture, GPUs) -> an image with cloud-init and, where there are GPUs, NVIDIA's driver.

https://cloud.google.com/compute/docs/images/os-details lists the families; driver 580 is the last one that
knows all GPUs that can be rented, Pascal to Blackwell.
"""
_HYPERDISK_ONLY = (
    *("a3-ultragpu", "a4-", "a4x-", "c4-", "c4a-", "c4d-", "c4n-", "g4-", "h4d-", "m4-"),
    *("n4-", "n4a-", "n4d-", "x4-"),
)
_STANDARD_DISKS = (
    *("a2-highgpu", "a2-megagpu", "c2-", "c2d-", "e2-", "f1-", "g1-", "m1-", "m2-", "n1-", "n2-", "n2d-"),
    *("t2a-", "t2d-"),
)
"""Families that take ``pd-standard``; see https://cloud.google.com/compute/docs/disks."""
_TIERS = {
    None: "pd-balanced",
    "low": "pd-standard",
    "medium": "pd-balanced",
    "high": "pd-ssd",
    "ultra": "pd-ssd",
    "best": "pd-ssd",
}


def image_of(request: NodeRequest) -> str:
    """Return the image as the API names it. Raises ``Unsupported`` where there is none for the offer."""
    if request.machine_image:
        return _own(request.machine_image)
    offer = request.offer
    family = _FAMILIES.get((offer.arch, bool(offer.key.accelerator)))
    if family is None:
        raise Unsupported(
            f"no image for {offer.arch} with {offer.key.accelerator} is known on gcp; name one as image_id"
        )
    return family


def boot_disk(request: NodeRequest, zone: str, labels: Json) -> Json:
    """Return the boot disk, which goes with its instance."""
    kind = disk_type(request.offer.key.instance_type, request.disk_tier)
    return {
        "boot": True,
        "autoDelete": True,
        "initializeParams": {
            "sourceImage": image_of(request),
            "diskSizeGb": str(request.disk_size_gib),
            "diskType": f"zones/{zone}/diskTypes/{kind}",
            "labels": dict(labels),
        },
    }


def disk_type(instance_type: str, tier: str | None) -> str:
    """Return the best type of disk that the instance type takes and ``tier`` does not exceed.

    Newer families take Hyperdisk alone, whose one general type serves every tier.
    """
    if instance_type.startswith(_HYPERDISK_ONLY):
        return "hyperdisk-balanced"
    kind = _TIERS[tier]
    return "pd-balanced" if kind == "pd-standard" and not instance_type.startswith(_STANDARD_DISKS) else kind


def _own(image: str) -> str:
    """Return the user's image: ``projects/P/global/images/X``, its address, or a name in the project."""
    path = image.partition("/compute/v1/")[2] or image
    return path if "/" in path else f"global/images/{path}"
