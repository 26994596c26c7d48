"""Accelerators: canonical names, aliases, memory and throughput, each figure with its datasheet.

Names are those of the catalog. ``gflops_bf16`` is one accelerator's peak of dense matrix work in
``precision``: bf16, or fp16 or fp32 where the chip has no faster bf16 (T4, V100, P100, ...). It is 0 where
no published figure is known. ``memory_mib`` is the marketed size: drivers and providers may report a little
less. A TPU slice is one accelerator (count 1) whose figures are those of all its chips.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache

from catalog.units import MIB_PER_GIB

GPU_VENDORS = ("nvidia", "amd")
"""The vendors that a request by memory alone ("80GB+") means."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One accelerator model.

    ``memory_mib`` and ``bandwidth_mbps`` (MB/s) are of its own memory; ``precision`` says which number format
    ``gflops_bf16`` was published for. Zero means that no figure is known.
    """

    name: str
    vendor: str
    memory_mib: int
    gflops_bf16: int
    bandwidth_mbps: int
    datasheet: str
    precision: str = "bf16"


# name, vendor, GiB, dense TFLOP/s, memory GB/s, datasheet, precision
_MODELS: tuple[tuple[str, str, float, float, int, str, str], ...] = (
    ("A10", "nvidia", 24, 125, 600, "NVIDIA A10 Tensor Core GPU datasheet", "bf16"),
    ("A100", "nvidia", 40, 312, 1_555, "NVIDIA A100 Tensor Core GPU datasheet (SXM4 40GB)", "bf16"),
    ("A100-80GB", "nvidia", 80, 312, 2_039, "NVIDIA A100 Tensor Core GPU datasheet (SXM4 80GB)", "bf16"),
    ("A10G", "nvidia", 24, 70, 600, "NVIDIA A10G datasheet (Amazon EC2 G5)", "bf16"),
    ("A30", "nvidia", 24, 165, 933, "NVIDIA A30 Tensor Core GPU datasheet", "bf16"),
    ("A40", "nvidia", 48, 149.7, 696, "NVIDIA A40 datasheet", "bf16"),
    ("A6000", "nvidia", 48, 154.8, 768, "NVIDIA RTX A6000 datasheet", "bf16"),
    ("B200", "nvidia", 180, 2_250, 8_000, "NVIDIA DGX B200 datasheet", "bf16"),
    ("B300", "nvidia", 288, 2_250, 8_000, "NVIDIA HGX B300 specifications", "bf16"),
    ("GB200", "nvidia", 192, 2_500, 8_000, "NVIDIA GB200 NVL72 specifications", "bf16"),
    ("GH200", "nvidia", 96, 989.5, 4_000, "NVIDIA GH200 Grace Hopper Superchip datasheet (HBM3)", "bf16"),
    ("H100", "nvidia", 80, 989.5, 3_350, "NVIDIA H100 Tensor Core GPU datasheet (SXM5)", "bf16"),
    ("H100-MEGA", "nvidia", 80, 989.5, 3_350, "NVIDIA H100 Tensor Core GPU datasheet (SXM5)", "bf16"),
    ("H200", "nvidia", 141, 989.5, 4_800, "NVIDIA H200 Tensor Core GPU datasheet (SXM)", "bf16"),
    ("K80", "nvidia", 12, 0, 240, "NVIDIA Tesla K80 board specification (one of two GPUs)", "fp32"),
    ("L4", "nvidia", 24, 121, 300, "NVIDIA L4 Tensor Core GPU datasheet", "bf16"),
    ("L40", "nvidia", 48, 181.05, 864, "NVIDIA L40 datasheet", "bf16"),
    ("L40S", "nvidia", 48, 362.05, 864, "NVIDIA L40S datasheet", "bf16"),
    ("M60", "nvidia", 8, 4.8, 160, "NVIDIA Tesla M60 datasheet (one of two GPUs)", "fp32"),
    ("P100", "nvidia", 16, 18.7, 732, "NVIDIA Tesla P100 datasheet (PCIe)", "fp16"),
    ("P4", "nvidia", 8, 5.5, 192, "NVIDIA Tesla P4 datasheet", "fp32"),
    ("RTX3090", "nvidia", 24, 71, 936, "NVIDIA Ampere GA102 GPU architecture whitepaper", "bf16"),
    ("RTX4090", "nvidia", 24, 165.2, 1_008, "NVIDIA Ada GPU architecture whitepaper", "bf16"),
    ("RTX6000", "nvidia", 24, 130.5, 672, "NVIDIA Quadro RTX 6000 datasheet", "fp16"),
    ("RTXPRO6000", "nvidia", 96, 0, 1_597, "NVIDIA RTX PRO 6000 Blackwell Server Edition datasheet", "bf16"),
    ("T4", "nvidia", 16, 65, 320, "NVIDIA T4 datasheet", "fp16"),
    ("T4g", "nvidia", 16, 0, 0, "none published (Amazon EC2 G5g)", "fp16"),
    ("V100", "nvidia", 16, 125, 900, "NVIDIA V100 Tensor Core GPU datasheet (SXM2)", "fp16"),
    ("V100-32GB", "nvidia", 32, 125, 900, "NVIDIA V100 Tensor Core GPU datasheet (SXM2)", "fp16"),
    ("MI25", "amd", 16, 24.6, 484, "AMD Radeon Instinct MI25 datasheet", "fp16"),
    ("MI300X", "amd", 192, 1_307.4, 5_300, "AMD Instinct MI300X data sheet", "bf16"),
    ("Radeon Pro V520", "amd", 8, 14.75, 512, "AMD Radeon Pro V520 specifications", "fp16"),
    ("V620", "amd", 32, 40.5, 512, "AMD Radeon PRO V620 specifications", "fp16"),
    ("V710", "amd", 28, 0, 0, "no figure known (AMD Radeon PRO V710)", "fp16"),
    ("U250", "xilinx", 64, 0, 77, "AMD Alveo U250 data sheet DS962", "bf16"),
    ("Virtex UltraScale+ (VU47P)", "xilinx", 80, 0, 0, "no matrix figure applies (Amazon EC2 F2)", "bf16"),
    ("Gaudi HL-205", "intel", 32, 0, 1_000, "Habana Gaudi HL-205 product brief", "bf16"),
    ("Inferentia", "aws", 8, 64, 50, "AWS Neuron docs, Inferentia architecture", "bf16"),
    ("Inferentia2", "aws", 32, 190, 820, "AWS Neuron docs, Inferentia2 architecture", "bf16"),
    ("Trainium", "aws", 32, 190, 820, "AWS Neuron docs, Trainium architecture", "bf16"),
    ("Trainium2", "aws", 96, 667, 2_900, "AWS Neuron docs, Trainium2 architecture", "bf16"),
    ("Qualcomm AI100", "qualcomm", 16, 175, 0, "Amazon EC2 DL2q product page (1.4 PFLOP/s for 8)", "fp16"),
)

_ALIASES = {
    "A100-40GB": "A100",
    "A100-PCIE-40GB": "A100",
    "A100-SXM": "A100",
    "A100-SXM4": "A100",
    "A100-SXM4-40GB": "A100",
    "A100-80GB-PCIE": "A100-80GB",
    "A100-80GB-SXM": "A100-80GB",
    "A100-80GB-SXM4": "A100-80GB",
    "A100-PCIE-80GB": "A100-80GB",
    "A100-SXM4-80GB": "A100-80GB",
    "A10-24GB": "A10",
    "A10G-24GB": "A10G",
    "B200-SXM": "B200",
    "B200-SXM6": "B200",
    "GAUDI": "Gaudi HL-205",
    "H100-80GB": "H100",
    "H100-80GB-HBM3": "H100",
    "H100-NVL": "H100",
    "H100-PCIE": "H100",
    "H100-SXM": "H100",
    "H100-SXM5": "H100",
    "H100-MEGA-80GB": "H100-MEGA",
    "H200-141GB": "H200",
    "H200-SXM": "H200",
    "INF1": "Inferentia",
    "INF2": "Inferentia2",
    "L4-24GB": "L4",
    "L40S-48GB": "L40S",
    "MI300X-192GB": "MI300X",
    "QUADRO-RTX-6000": "RTX6000",
    "RADEON-MI25": "MI25",
    "RTX-A6000": "A6000",
    "RTX-PRO-6000": "RTXPRO6000",
    "RTX-PRO-6000-BLACKWELL": "RTXPRO6000",
    "TESLA-T4": "T4",
    "TESLA-V100": "V100",
    "TRAINIUM1": "Trainium",
    "TRN1": "Trainium",
    "TRN2": "Trainium2",
    "T4-16GB": "T4",
    "V100-16GB": "V100",
    "V100-SXM2": "V100",
    "V100-SXM2-16GB": "V100",
    "V100-SXM2-32GB": "V100-32GB",
    "VU47P": "Virtex UltraScale+ (VU47P)",
}


@dataclass(frozen=True, slots=True)
class _Tpu:
    """One chip of a TPU generation, and how many of the units in a slice's name make a chip."""

    units_per_chip: int
    memory_gib: int
    tflops: int
    bandwidth_gbps: int
    datasheet: str


_TPUS = {
    "v2": _Tpu(2, 16, 45, 700, "Cloud TPU docs, TPU v2 (a slice name counts cores, 2 a chip)"),
    "v3": _Tpu(2, 32, 123, 900, "Cloud TPU docs, TPU v3 (a slice name counts cores, 2 a chip)"),
    "v4": _Tpu(2, 32, 275, 1_200, "Cloud TPU docs, TPU v4 (a slice name counts cores, 2 a chip)"),
    "v5litepod": _Tpu(1, 16, 197, 819, "Cloud TPU docs, TPU v5e (a slice name counts chips)"),
    "v5p": _Tpu(2, 95, 459, 2_765, "Cloud TPU docs, TPU v5p (a slice name counts cores, 2 a chip)"),
    "v6e": _Tpu(1, 32, 918, 1_600, "Cloud TPU docs, TPU v6e (a slice name counts chips)"),
}
_TPU_NAME = re.compile(r"^(?:tpu-?)?(v2|v3|v4|v5litepod|v5lite|v5e|v5p|v6e|v6litepod)-(\d+)$", re.IGNORECASE)
_TPU_GENERATION = {"v5lite": "v5litepod", "v5e": "v5litepod", "v6litepod": "v6e"}


def _fold(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _model(row: tuple[str, str, float, float, int, str, str]) -> Accelerator:
    name, vendor, memory_gib, tflops, bandwidth_gbps, datasheet, precision = row
    return Accelerator(
        name=name,
        vendor=vendor,
        memory_mib=round(memory_gib * MIB_PER_GIB),
        gflops_bf16=round(tflops * 1_000),
        bandwidth_mbps=bandwidth_gbps * 1_000,
        datasheet=datasheet,
        precision=precision,
    )


_BY_NAME = {row[0]: _model(row) for row in _MODELS}
_BY_FOLD = {
    **{_fold(alias): name for alias, name in _ALIASES.items()},
    **{_fold(name): name for name in _BY_NAME},
}


def canonical(name: str) -> str:
    """Return the catalog's name for ``name`` in any case or spelling; unknown names come back as they are."""
    tpu = _TPU_NAME.match(name.strip())
    if tpu is not None:
        generation = tpu.group(1).lower()
        return f"tpu-{_TPU_GENERATION.get(generation, generation)}-{int(tpu.group(2))}"
    return _BY_FOLD.get(_fold(name), name.strip())


@cache
def lookup(name: str) -> Accelerator | None:
    """Return the accelerator that ``name`` means, or ``None``; every size of a TPU slice is known."""
    known = canonical(name)
    if known in _BY_NAME:
        return _BY_NAME[known]
    tpu = _TPU_NAME.match(known)
    if tpu is None:
        return None
    chip = _TPUS[tpu.group(1)]
    chips = int(tpu.group(2)) // chip.units_per_chip
    if chips == 0:
        return None
    return Accelerator(
        name=known,
        vendor="google",
        memory_mib=chips * chip.memory_gib * MIB_PER_GIB,
        gflops_bf16=chips * chip.tflops * 1_000,
        bandwidth_mbps=chips * chip.bandwidth_gbps * 1_000,
        datasheet=chip.datasheet,
    )


def vendors() -> tuple[str, ...]:
    """Return the vendors that a request may name, sorted."""
    return tuple(sorted({model.vendor for model in _BY_NAME.values()} | {"google"}))


def matching(min_memory_mib: int, exact: bool = False, vendor: str | None = None) -> tuple[str, ...]:
    """Return the accelerators with at least (or ``exact``ly) that memory, least memory first, then by name.

    Without a vendor only GPUs are meant: code for them runs on no other chip. TPU slices are never chosen by
    memory, because theirs is the sum of many chips.
    """
    wanted = GPU_VENDORS if vendor is None else (vendor.lower(),)
    fits = [
        model
        for model in _BY_NAME.values()
        if model.vendor in wanted
        and (model.memory_mib == min_memory_mib if exact else model.memory_mib >= min_memory_mib)
    ]
    return tuple(model.name for model in sorted(fits, key=lambda model: (model.memory_mib, model.name)))


def nearest(name: str, n: int = 3) -> tuple[str, ...]:
    """Return up to ``n`` known names that look most like ``name``, closest first."""
    candidates = dict(_BY_FOLD)
    for generation, chip in _TPUS.items():
        for chips in (4, 8, 16, 32, 64, 128, 256):
            slice_name = f"tpu-{generation}-{chips * chip.units_per_chip}"
            candidates[_fold(slice_name)] = slice_name
    close = difflib.get_close_matches(_fold(name), candidates, n=4 * n, cutoff=0.5)
    return tuple(dict.fromkeys(candidates[key] for key in close))[:n]
