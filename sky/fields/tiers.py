"""Tiers of disks and networks."""

from __future__ import annotations

import re
from enum import Enum
from typing import TypeVar

from sky.exceptions import SpecError
from sky.fields.suggest import did_you_mean


class DiskTier(Enum):
    """Performance of the OS disk, slowest first; ``BEST`` is the best that the chosen place has."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    ULTRA = "ultra"
    BEST = "best"

    def __le__(self, other: DiskTier) -> bool:
        order = list(DiskTier)
        return order.index(self) <= order.index(other)


class NetworkTier(Enum):
    """Performance of the network between nodes."""

    STANDARD = "standard"
    BEST = "best"


_Tier = TypeVar("_Tier", DiskTier, NetworkTier)

_LOCAL_DISK = re.compile(r"(?:(?:nvme|ssd|any)(?::\d+\+?)?|\d+\+?)")


def parse(kind: type[_Tier], value: str | _Tier | None, field: str) -> _Tier | None:
    """Return ``value`` as a tier of ``kind``, case ignored; ``"none"`` is ``None``. Raises ``SpecError``."""
    if value is None or isinstance(value, kind):
        return value
    text = str(value).strip().lower()
    names = [tier.value for tier in kind]
    if text == "none":
        return None
    if text not in names:
        hint = did_you_mean(text, names) or f" Known tiers: {', '.join(names)}."
        raise SpecError(f"{value!r} is not a tier.{hint}", field)
    return kind(text)


def local_disk_text(value: str | int | None) -> str | None:
    """Return a local disk (``nvme:1000+``, ``ssd``, ``500+`` GB) in lower case. Raises ``SpecError``."""
    if value is None:
        return None
    text = str(value).strip().lower()
    if _LOCAL_DISK.fullmatch(text) is None:
        raise SpecError(
            f"{value!r} is not a local disk; write for example 'nvme', 'nvme:1000+' or '500+'", "local_disk"
        )
    return text
