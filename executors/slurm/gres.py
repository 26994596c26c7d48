"""GRES, Slurm's word for accelerators: ``gpu:a100:4(S:0-1)`` is four A100."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.accelerators import canonical, lookup

_ITEM = re.compile(
    r"(?P<name>[^,:()]+)(?::(?P<type>[^,:()]*[^\d,:()][^,:()]*))?(?::(?P<count>\d+))?(?:\([^)]*\))?"
)
_PART = re.compile(r"\d+g\.\d+gb")
"""The part of a GPU that is a GPU of its own (MIG)."""
_VENDORS = {"nvidia", "tesla", "geforce", "amd", "instinct", "radeon"}
_FORMS = {"pcie", "sxm", "sxm2", "sxm3", "sxm4", "sxm5", "nvl", "hbm2", "hbm2e", "hbm3"}


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs of a node: Slurm's name of their type (``""`` where it knows none), and how many."""

    type: str
    count: int

    @property
    def accelerator(self) -> str:
        """The catalog's name; ``GPU`` for a type that Slurm does not know, its own for one that we do not."""
        return accelerator_name(self.type) if self.type else "GPU"

    def option(self, count: int) -> str:
        """Return what sbatch is asked for to get ``count`` of them on each node."""
        return f"gpu:{self.type}:{count}" if self.type else f"gpu:{count}"


def gpus(text: str) -> tuple[Gpus, ...]:
    """Return the kinds of GPU in what sinfo prints as GRES; other GRES are left aside."""
    found = (match.groupdict() for match in _ITEM.finditer(text))
    return tuple(
        Gpus(item["type"] or "", int(item["count"] or 1)) for item in found if item["name"].strip() == "gpu"
    )


def accelerator_name(gres_type: str) -> str:
    """Return the catalog's name of a GRES type: ``nvidia_a100_80gb_pcie`` is ``A100-80GB``."""
    if _PART.search(gres_type):
        return gres_type
    words = [word for word in re.split(r"[-_ ]", gres_type.lower()) if word and word not in _VENDORS]
    plain = [word for word in words if word not in _FORMS]
    for spelling in ("-".join(words), "-".join(plain), *plain[:1]):
        if lookup(spelling) is not None:
            return canonical(spelling)
    return canonical(gres_type)
