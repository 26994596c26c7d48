"""The zones, machine types, images and disk types that there are."""

from __future__ import annotations

import re

_ZONES_OF = {
    "us-central1": "abcf",
    "us-east1": "bcd",
    "us-east4": "abc",
    "us-east5": "abc",
    "us-south1": "abc",
    "us-west1": "abc",
    "us-west4": "abc",
    "europe-west4": "abc",
    "asia-southeast1": "abc",
}
ZONES = tuple(f"{region}-{letter}" for region, letters in _ZONES_OF.items() for letter in letters)
REGIONS = tuple(_ZONES_OF)

_TYPE = re.compile(
    r"(?:e2|n1|n2|n2d|n4|c2|c3|c4|c4a|t2d|t2a|a2|a3|g2|g4)-"
    r"(?:micro|small|medium|standard-\d+|highmem-\d+|highcpu-\d+|(?:high|mega|ultra)gpu-\d+g)(?:-lssd)?"
)
_NOT_EVERYWHERE = {
    "t2a": ("us-central1", "asia-southeast1"),
    "c4a": ("us-central1", "us-east4", "europe-west4"),
}
_ARM = ("t2a", "c4a")
_HYPERDISK = ("n4", "c4", "c4a", "g4")
_GPUS = {"nvidia-tesla-t4", "nvidia-tesla-v100", "nvidia-tesla-p100", "nvidia-tesla-p4"}
_BUILT_IN = ("a2", "a3", "g2", "g4")

_TPUS = {
    "us-central1-a": ("v5litepod", "v5p"),
    "us-central1-b": ("v2", "v3"),
    "us-central1-f": ("v2",),
    "us-east5-a": ("v5p", "v6e"),
    "us-east5-b": ("v6e",),
    "us-west4-a": ("v5litepod",),
}
"""Zone -> generations of TPUs."""

_UBUNTU = "projects/ubuntu-os-cloud/global/images/family/"
_WITH_GPUS = "projects/ubuntu-os-accelerator-images/global/images/family/"
IMAGES = {
    f"{_UBUNTU}ubuntu-2204-lts": ("X86_64", 10),
    f"{_UBUNTU}ubuntu-2204-lts-arm64": ("ARM64", 10),
    f"{_WITH_GPUS}ubuntu-accelerator-2204-amd64-with-nvidia-580": ("X86_64", 20),
}
"""Image -> its architecture, and the GiB that its disk takes at least."""


def family(machine_type: str) -> str:
    """Return ``n1`` of ``n1-standard-4``."""
    return machine_type.partition("-")[0]


def has_type(zone: str, machine_type: str) -> bool:
    """Return whether the zone has the machine type."""
    regions = _NOT_EVERYWHERE.get(family(machine_type), REGIONS)
    return bool(_TYPE.fullmatch(machine_type)) and zone.rpartition("-")[0] in regions


def has_tpu(zone: str, generation: str) -> bool:
    """Return whether the zone has TPUs of the generation."""
    return generation in _TPUS.get(zone, ())


def has_gpu(kind: str) -> bool:
    """Return whether there is such an accelerator type to attach."""
    return kind in _GPUS


def built_in_gpus(machine_type: str) -> bool:
    """Return whether the machine type brings GPUs along."""
    return family(machine_type) in _BUILT_IN


def architecture(machine_type: str) -> str:
    """Return that of the machine type's CPUs."""
    return "ARM64" if family(machine_type) in _ARM else "X86_64"


def takes_disk(machine_type: str, kind: str) -> bool:
    """Return whether the machine type can boot from such a disk."""
    known = {"pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced"}
    newer = family(machine_type) in {"c3", "a3", "g2"}
    if family(machine_type) in _HYPERDISK:
        return kind == "hyperdisk-balanced"
    return kind in known - {"hyperdisk-balanced"} - ({"pd-standard"} if newer else set())
