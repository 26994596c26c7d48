"""Plan where compute jobs run, prove the plan, and run them.

Names resolve on first use (PEP 562), so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sky.accelerators import InstanceTypeInfo, list_accelerators
    from sky.clouds import (
        AWS,
        DO,
        GCP,
        IBM,
        OCI,
        SCP,
        SSH,
        Azure,
        Cudo,
        Fluidstack,
        K8s,
        Kubernetes,
        Lambda,
        Local,
        Nebius,
        Paperspace,
        RunPod,
        Slurm,
        Vast,
        Vsphere,
    )
    from sky.core import (
        autostop,
        cancel,
        cost_report,
        down,
        download_logs,
        job_status,
        queue,
        start,
        status,
        stop,
        tail_logs,
    )
    from sky.dag import Dag
    from sky.fields.estimate import Estimate
    from sky.launcher import exec, launch  # noqa: A004 - the public name
    from sky.optimizer import Optimizer, optimize
    from sky.resources import Resources
    from sky.service import ServiceSpec
    from sky.statuses import ClusterStatus, JobStatus, ManagedJobStatus, OptimizeTarget, StorageStatus
    from sky.storage import Storage, StorageMode, StoreType
    from sky.task import Task
    from solver.request import Risk

_HOMES = {
    "sky.accelerators": ("InstanceTypeInfo", "list_accelerators"),
    "sky.clouds": (
        *(
            "AWS",
            "Azure",
            "Cudo",
            "DO",
            "Fluidstack",
            "GCP",
            "IBM",
            "K8s",
            "Kubernetes",
            "Lambda",
            "Local",
            "Nebius",
        ),
        *("OCI", "Paperspace", "RunPod", "SCP", "SSH", "Slurm", "Vast", "Vsphere"),
    ),
    "sky.core": (
        *(
            "autostop",
            "cancel",
            "cost_report",
            "download_logs",
            "down",
            "job_status",
            "queue",
            "start",
            "status",
            "stop",
            "tail_logs",
        ),
    ),
    "sky.dag": ("Dag",),
    "sky.fields.estimate": ("Estimate",),
    "sky.launcher": ("exec", "launch"),
    "sky.optimizer": ("Optimizer", "optimize"),
    "sky.resources": ("Resources",),
    "sky.service": ("ServiceSpec",),
    "sky.statuses": ("ClusterStatus", "JobStatus", "ManagedJobStatus", "OptimizeTarget", "StorageStatus"),
    "sky.storage": ("Storage", "StorageMode", "StoreType"),
    "sky.task": ("Task",),
    "solver.request": ("Risk",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_SUBMODULES = ("clouds", "exceptions")

__all__ = [
    "AWS",
    "DO",
    "GCP",
    "IBM",
    "OCI",
    "SCP",
    "SSH",
    "Azure",
    "ClusterStatus",
    "Cudo",
    "Dag",
    "Estimate",
    "Fluidstack",
    "InstanceTypeInfo",
    "JobStatus",
    "K8s",
    "Kubernetes",
    "Lambda",
    "Local",
    "ManagedJobStatus",
    "Nebius",
    "OptimizeTarget",
    "Optimizer",
    "Paperspace",
    "Resources",
    "Risk",
    "RunPod",
    "ServiceSpec",
    "Slurm",
    "Storage",
    "StorageMode",
    "StorageStatus",
    "StoreType",
    "Task",
    "Vast",
    "Vsphere",
    "__version__",
    "autostop",
    "cancel",
    "clouds",
    "cost_report",
    "down",
    "download_logs",
    "exceptions",
    "exec",
    "job_status",
    "launch",
    "list_accelerators",
    "optimize",
    "queue",
    "start",
    "status",
    "stop",
    "tail_logs",
]


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"sky.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'sky' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
