"""Ports to open, as the fewest ranges that hold them."""

from __future__ import annotations

from collections.abc import Iterable

from sky.exceptions import SpecError

LAST_PORT = 65_535


def merged(ports: int | str | Iterable[int | str] | None) -> tuple[str, ...]:
    """Return ``ports`` sorted and merged: ``["1-2", 3]`` is ``("1-3",)``. Raises ``SpecError``."""
    if ports is None:
        return ()
    asked = list(ports) if isinstance(ports, Iterable) and not isinstance(ports, str) else [ports]
    ranges: list[tuple[int, int]] = []
    for first, last in sorted(_range(port) for port in asked):
        if ranges and first <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], max(last, ranges[-1][1]))
        else:
            ranges.append((first, last))
    return tuple(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def contains(opened: Iterable[str], asked: Iterable[str]) -> bool:
    """Return whether every port of ``asked`` is in ``opened`` (both merged)."""
    have = [_range(port) for port in opened]
    return all(any(first <= a and b <= last for first, last in have) for a, b in map(_range, asked))


def _range(port: int | str) -> tuple[int, int]:
    first, dash, last = str(port).strip().partition("-")
    first, last = first.strip(), last.strip() if dash else first.strip()
    valid = not isinstance(port, bool) and first.isdecimal() and last.isdecimal()
    if not valid or not 1 <= int(first) <= int(last) <= LAST_PORT:
        raise SpecError(
            f"{port!r} is not a port; write 1 to {LAST_PORT}, or a range such as '10000-10010'", "ports"
        )
    return int(first), int(last)
