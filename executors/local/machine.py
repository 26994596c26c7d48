"""What this machine has: vCPUs and memory that this process may use, and accelerators."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from catalog.offer import Market, Offer, OfferKey
from catalog.units import MILLI

_CGROUP = Path("/sys/fs/cgroup")
_NVIDIA_SMI_TIMEOUT_S = 10.0
_ARCHES = {"amd64": "x86_64", "aarch64": "arm64"}


def offer() -> Offer:
    """Return this machine as an offer of cloud ``local``, free and owned."""
    accelerator, count, memory_mib = _accelerators()
    return Offer(
        key=OfferKey("local", "local", "", "this-machine", accelerator, count * MILLI, Market.OWNED),
        vcpus_milli=vcpus_milli(),
        memory_mib=total_memory_mib(),
        accelerator_memory_mib=memory_mib,
        arch=canonical_arch(platform.machine()),
        price_micro_usd=0,
    )


def canonical_arch(machine: str) -> str:
    """Return the catalog's name of what ``uname -m`` says."""
    return _ARCHES.get(machine.lower(), machine.lower())


def vcpus_milli(cgroup: Path = _CGROUP) -> int:
    """Return the usable vCPUs: the affinity mask, cut by the control group's quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cpu_quota_milli(cgroup)
    return min(allowed * MILLI, quota) if quota else allowed * MILLI


def total_memory_mib(cgroup: Path = _CGROUP) -> int:
    """Return the memory, cut by the control group's limit."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_integer(cgroup / "memory.max"), _integer(cgroup / "memory" / "memory.limit_in_bytes")]
    return min([physical, *(limit for limit in limits if limit)]) // 2**20


def _cpu_quota_milli(cgroup: Path) -> int | None:
    """Read ``cpu.max`` (version 2) or ``cpu.cfs_quota_us`` (version 1); ``None`` where there is no quota."""
    try:
        quota, period = (cgroup / "cpu.max").read_text("ascii").split()
        return None if quota == "max" else int(quota) * MILLI // int(period)
    except (OSError, ValueError):
        pass
    quota_us, period_us = (_integer(cgroup / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return quota_us * MILLI // period_us if quota_us and period_us else None


def _integer(path: Path) -> int | None:
    """Return a positive integer from a file; ``None`` for anything else (``max``, ``-1``, no file)."""
    try:
        value = int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
    return value if value > 0 else None


def _accelerators() -> tuple[str, int, int]:
    """Return (name, count, MiB of one) of the first kind of NVIDIA GPU; ``("", 0, 0)`` for none."""
    if shutil.which("nvidia-smi") is None:
        return "", 0, 0
    argv = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_NVIDIA_SMI_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return "", 0, 0
    return parse_nvidia_smi(done.stdout)


def parse_nvidia_smi(text: str) -> tuple[str, int, int]:
    """Return (canonical name, count, MiB of one) from ``nvidia-smi``'s CSV of name and memory."""
    rows = [line.rpartition(",") for line in text.splitlines() if "," in line]
    if not rows:
        return "", 0, 0
    name = rows[0][0].strip()
    same = [row for row in rows if row[0].strip() == name]
    return _short_name(name), len(same), int(rows[0][2])


def _short_name(product: str) -> str:
    """Return the catalog's name of a product: ``NVIDIA A100-SXM4-80GB`` is ``A100-80GB``."""
    words = product.removeprefix("NVIDIA ").removeprefix("Tesla ").replace("GeForce ", "")
    parts = [
        part
        for part in words.replace(" ", "-").split("-")
        if part not in ("SXM2", "SXM3", "SXM4", "SXM5", "PCIE", "PCIe", "HBM3")
    ]
    if parts[0] == "A100" and "40GB" in parts:
        parts.remove("40GB")
    if parts[0] in ("H100", "V100", "P100", "L40S", "L4", "T4"):
        parts = parts[:1]
    return "-".join(parts)
