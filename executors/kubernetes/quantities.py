"""Quantities as Kubernetes writes them: ``100m`` of a CPU, ``16Gi`` of memory."""

from __future__ import annotations

from decimal import Decimal

_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    **{f"{letter}i": Decimal(1 << 10 * power) for power, letter in enumerate("KMGTPE", start=1)},
}
_MIB = 1 << 20


def value(text: str | int) -> Decimal:
    """Return the number that a quantity stands for. Raises ``ValueError`` for what is none."""
    plain = str(text).strip()
    number = plain.rstrip("numkKMGTPEi") if not plain[-1:].isdigit() else plain
    try:
        return Decimal(number) * _SUFFIXES[plain[len(number) :]]
    except (KeyError, ArithmeticError) as error:
        raise ValueError(f"{text!r} is not a quantity of Kubernetes") from error


def cpus_milli(text: str | int) -> int:
    """Return thousandths of a CPU, rounded down."""
    return int(value(text) * 1000)


def memory_mib(text: str | int) -> int:
    """Return MiB, rounded down."""
    return int(value(text) / _MIB)
