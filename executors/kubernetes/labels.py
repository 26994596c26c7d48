"""Which accelerators a node has: by the labels that clouds, operators and people give it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from executors.slurm.gres import accelerator_name

RESOURCES = ("nvidia.com/gpu", "amd.com/gpu")
"""What the vendors' device plugins call a GPU among a node's resources."""

_LABELS = (
    "skypilot.co/accelerator",  # set by hand: kubectl label node NAME skypilot.co/accelerator=h100
    "cloud.google.com/gke-accelerator",  # GKE: nvidia-tesla-t4, nvidia-h100-80gb
    "gpu.nvidia.com/class",  # CoreWeave: H100_NVLINK_80GB
    "karpenter.k8s.aws/instance-gpu-name",  # Karpenter: a10g
    "k8s.amazonaws.com/accelerator",  # EKS with the cluster autoscaler: nvidia-tesla-v100
    "nvidia.com/gpu.product",  # NVIDIA's GPU feature discovery: NVIDIA-A100-SXM4-80GB
    "amd.com/gpu.product-name",  # AMD's node labeller: AMD_Instinct_MI300X_OAM
)
"""Labels that name the model, the most deliberate first."""

_SHARED = "-SHARED"
"""What GPU feature discovery adds where several containers take turns on one GPU."""


@dataclass(frozen=True, slots=True)
class Accelerators:
    """What one node has: the catalog's name, the resource, how many, and the label that says so.

    ``label`` is ``("", "")`` where none does; the name is ``GPU`` then.
    """

    name: str
    resource: str
    count: int
    label: tuple[str, str] = ("", "")


def accelerators(labels: Mapping[str, str], allocatable: Mapping[str, str]) -> Accelerators | None:
    """Return what a node with these labels and resources has, ``None`` for one without accelerators."""
    for resource in RESOURCES:
        count = int(allocatable.get(resource, "0"))
        if not count:
            continue
        for label in _LABELS:
            if labels.get(label):
                model = labels[label].removesuffix(_SHARED)
                return Accelerators(accelerator_name(model), resource, count, (label, labels[label]))
        return Accelerators("GPU", resource, count)
    return None
