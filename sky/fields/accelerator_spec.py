"""What a request says of accelerators: one by name, or any with enough memory or of one vendor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from catalog import accelerators
from catalog.errors import UserError
from catalog.units import MILLI, mib, milli
from sky.exceptions import SpecError

Count = int | float
AcceleratorsInput = str | Mapping[str, Count | str | None] | None

_MEMORY = re.compile(
    r"(?:(?P<vendor>[a-z]+):)?(?P<size>\d+(?:\.\d+)?\s*[gmt]i?b)(?P<plus>\+?)(?::(?P<count>.+))?",
    re.IGNORECASE,
)
_VENDOR = re.compile(r"(?P<vendor>[a-z]+)(?::(?P<count>[\d.]+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AcceleratorSpec:
    """One accelerator and how many of it, or ``text`` such as ``80GB+`` that several satisfy.

    ``name`` is canonical, or ``""`` where any of ``names`` will do; ``text`` is what a task file says.
    """

    text: str
    name: str
    names: tuple[str, ...]
    count: Count

    @property
    def options(self) -> tuple[tuple[str, Count], ...]:
        """Every accepted (name, count)."""
        return tuple((name, self.count) for name in self.names)

    @property
    def plain(self) -> dict[str, Count] | None:
        """``{name: count}`` where one name was asked for, else ``None``."""
        return {self.name: self.count} if self.name else None


def parse(value: object) -> AcceleratorSpec | None:
    """Return what ``"A100:8"``, ``{"A100": 8}`` or ``"nvidia:32GB+:2"`` asks for. Raises ``SpecError``."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise SpecError(
                f"exactly one accelerator is allowed, not {sorted(map(str, value))}; "
                "give several candidates as a set or list of Resources",
                "accelerators",
            )
        ((name, count),) = value.items()
        return _named(str(name), 1 if count is None else count)
    if not isinstance(value, str) or not value.strip():
        raise SpecError(
            f"{value!r} is not an accelerator; write for example 'A100', 'A100:8' or '80GB+'", "accelerators"
        )
    text = value.strip()
    return _by_memory(text) or _by_vendor(text) or _from_text(text)


def _from_text(text: str) -> AcceleratorSpec:
    name, colon, count = text.rpartition(":")
    return _named(name, count) if colon else _named(text, 1)


def _named(name: str, count: Count | str) -> AcceleratorSpec:
    by_memory = _by_memory(f"{name}:{count}") or _by_vendor(f"{name}:{count}")
    if by_memory is not None:
        return by_memory
    known = accelerators.canonical(name.strip())
    if not known or ":" in known:
        raise SpecError(
            f"{name!r} is not an accelerator; write for example 'A100' or 'A100:8'", "accelerators"
        )
    number = _count(count)
    return AcceleratorSpec(f"{known}:{number}", known, (known,), number)


def _count(count: Count | str) -> Count:
    try:
        thousandths = 0 if isinstance(count, bool) else milli(count)
    except UserError:
        thousandths = 0
    if thousandths <= 0:
        raise SpecError(
            f"{count!r} is not a count of accelerators; write for example 'A100:8'", "accelerators"
        )
    whole, part = divmod(thousandths, MILLI)
    return thousandths / MILLI if part else whole


def _by_memory(text: str) -> AcceleratorSpec | None:
    match = _MEMORY.fullmatch(text)
    if match is None or accelerators.lookup(text.partition(":")[0]) is not None:
        return None
    vendor = match["vendor"]
    _check_vendor(vendor)
    size = match["size"].replace(" ", "").upper()
    names = accelerators.matching(mib(size), exact=not match["plus"], vendor=vendor and vendor.lower())
    head = f"{vendor.lower()}:" if vendor else ""
    return _any_of(f"{head}{size}{match['plus']}", names, match["count"])


def _by_vendor(text: str) -> AcceleratorSpec | None:
    match = _VENDOR.fullmatch(text)
    if match is None or match["vendor"].lower() not in accelerators.vendors():
        return None
    vendor = match["vendor"].lower()
    return _any_of(vendor, accelerators.matching(0, exact=False, vendor=vendor), match["count"])


def _check_vendor(vendor: str | None) -> None:
    if vendor is not None and vendor.lower() not in accelerators.vendors():
        known = ", ".join(accelerators.vendors())
        raise SpecError(f"{vendor!r} is not a vendor of accelerators; known vendors: {known}", "accelerators")


def _any_of(text: str, names: tuple[str, ...], count: str | None) -> AcceleratorSpec:
    if not names:
        raise SpecError(
            f"no known accelerator is {text!r}; write '{text.rstrip('+')}+' for at least as much",
            "accelerators",
        )
    number = _count(count or 1)
    return AcceleratorSpec(f"{text}:{number}", "", names, number)
