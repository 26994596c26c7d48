"""A machine's root disk: its size, and the volume type behind a disk tier.

Limits: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html.
"""

from __future__ import annotations

from typing import Any

from executors.aws.image import Image

_IO2_IOPS_PER_GIB, _IO2_IOPS = 500, 20_000
_TIERS: dict[str, dict[str, Any]] = {
    "low": {"VolumeType": "standard"},
    "medium": {"VolumeType": "gp3", "Iops": 3000, "Throughput": 125},
    "high": {"VolumeType": "gp3", "Iops": 7000, "Throughput": 340},
    "ultra": {"VolumeType": "io2", "Iops": _IO2_IOPS},
}
_DEFAULT_TIER, _BEST_TIER = "medium", "ultra"


def root_disk(image: Image, size_gib: int, tier: str | None) -> list[dict[str, Any]]:
    """Return the root disk as EC2 takes it: at least as large as the image, gone with its machine."""
    volume = dict(_TIERS[{None: _DEFAULT_TIER, "best": _BEST_TIER}.get(tier, tier or _DEFAULT_TIER)])
    size_gib = max(size_gib, image.disk_size_gib)
    if volume["VolumeType"] == "io2":
        volume["Iops"] = min(volume["Iops"], _IO2_IOPS_PER_GIB * size_gib)
    disk = {**volume, "VolumeSize": size_gib, "DeleteOnTermination": True}
    return [{"DeviceName": image.root_device, "Ebs": disk}]
