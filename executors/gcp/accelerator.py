"""What Compute Engine calls the accelerators that are attached to a machine type."""

from __future__ import annotations

from catalog.offer import OfferKey
from executors.errors import Unsupported
from executors.gcp.rest import Json

_ATTACHED = {
    "T4": "nvidia-tesla-t4",
    "V100": "nvidia-tesla-v100",
    "P100": "nvidia-tesla-p100",
    "P4": "nvidia-tesla-p4",
    "K80": "nvidia-tesla-k80",
}
"""Catalog's name -> accelerator type, for N1. Other families with accelerators bring them along."""


def attached(key: OfferKey, zone: str) -> list[Json]:
    """Return the ``guestAccelerators`` of an instance; none where the machine type has them built in."""
    if not key.accelerator or not key.instance_type.startswith("n1-"):
        return []
    kind = _ATTACHED.get(key.accelerator)
    if kind is None:
        raise Unsupported(f"gcp attaches {', '.join(_ATTACHED)} to N1, not {key.accelerator}")
    return [
        {
            "acceleratorType": f"zones/{zone}/acceleratorTypes/{kind}",
            "acceleratorCount": key.accelerator_count_milli // 1000,
        }
    ]
