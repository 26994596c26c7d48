"""Figures as a reader wants them: three significant digits, and a unit that suits the size."""

from __future__ import annotations

from math import floor, log10

NONE = "-"

RESOLUTION_S = 1e-5
"""Measurements are kept with five decimals; less than that is written as 0."""


def significant(value: float, most: int = 6) -> str:
    """Return three significant digits, ``most`` decimals at most; whole numbers from 100 on."""
    if not value:
        return "0"
    rounded = abs(float(f"{value:.3g}"))
    decimals = min(most, max(0, 2 - floor(log10(rounded))))
    return f"{value:,.{decimals}f}"


def seconds(value: float | None) -> str:
    """Return a duration in milliseconds or seconds."""
    if value is None:
        return NONE
    if value < RESOLUTION_S:
        return "<0.01 ms"
    if value < 0.9995:
        return f"{significant(value * 1e3, 2)} ms"
    return f"{significant(value)} s"


def mib(value: float | None) -> str:
    """Return a size in MiB, whose unit the table's head names."""
    return significant(value) if value else NONE


def percent(value: float | None) -> str:
    """Return a share or an excess; a zero is written as such, so that it is not taken for a rounded one."""
    if value is None:
        return NONE
    if not value:
        return "0"
    return "<0.01 %" if 0 < value < 1e-4 else f"{significant(value * 100, 2)} %"


def factor(value: float | None, sign: str = "") -> str:
    """Return a ratio, with ``<`` or ``>`` where it is only known to be smaller or larger."""
    return NONE if value is None else f"{sign}{significant(value, 4)}"


def usd(value: float | None) -> str:
    """Return an amount; cents from one dollar on."""
    if value is None:
        return NONE
    return f"${value:,.2f}" if value >= 1 else f"${significant(value)}"


def worth(value: int | None, objective: str) -> str:
    """Return what a plan is worth under its objective: micro-USD or seconds."""
    if value is None:
        return NONE
    return usd(value / 1e6) if objective == "cost" else f"{value:,} s"


def share(part: int, whole: int) -> str:
    """Return how many of how many."""
    return f"{part} of {whole}" if whole else NONE


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it needs it."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
