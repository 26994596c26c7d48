"""Integer units, and their text forms.

Inside the catalog, the solver and the state every quantity is an integer: micro-USD, MiB, milli-vCPU,
milli-accelerator, seconds, bytes. Floats exist only where a person reads or writes them, and this
module is the only door between the two.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from catalog.errors import UserError

MICRO = 1_000_000
MILLI = 1_000
MIB_PER_GIB = 1_024
BYTES_PER_GB = 10**9
BYTES_PER_GIB = 2**30
SECONDS_PER_HOUR = 3_600
SECONDS_PER_MONTH = 30 * 86_400

_SIZE_GIB = {
    "": Decimal(1),
    "k": Decimal(1) / 2**20,
    "m": Decimal(1) / 2**10,
    "g": Decimal(1),
    "t": Decimal(2**10),
    "p": Decimal(2**20),
}
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*(?:([kmgtp])(?:i?b)?|b)?$", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"^(?:\d+(?:\.\d+)?\s*[smhdw]\s*)+$", re.IGNORECASE)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])", re.IGNORECASE)


def _decimal(value: int | float | str | Decimal, field: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise UserError(f"{field}: {value!r} is not a number") from None
    if not number.is_finite():
        raise UserError(f"{field}: {value!r} is not a finite number")
    return number


def _scaled(value: int | float | str | Decimal, scale: int | Decimal, field: str) -> int:
    try:
        return int((_decimal(value, field) * scale).quantize(Decimal(1), ROUND_HALF_EVEN))
    except ArithmeticError:
        raise UserError(f"{field}: {value!r} is too large") from None


def micro_usd(usd: int | float | str, field: str = "price") -> int:
    """Return ``usd`` (dollars, ``"$1.23"`` accepted) as micro-USD. Raises ``UserError``."""
    return _scaled(usd.strip().lstrip("$") if isinstance(usd, str) else usd, MICRO, field)


def usd(micro: int) -> float:
    """Return micro-USD as dollars, exact to the micro-dollar when printed with six decimals."""
    return micro / MICRO


def milli(count: int | float | str, field: str = "count") -> int:
    """Return a vCPU or accelerator count as thousandths of one. Raises ``UserError``."""
    return _scaled(count, MILLI, field)


def mib(size: int | float | str, field: str = "size") -> int:
    """Return a size as MiB.

    A bare number is GiB; text may carry a binary suffix (``"512MB"``, ``"32GB"``, ``"1TB"``), which is
    read as its power-of-two unit, as task files have always meant it. Raises ``UserError``.
    """
    text = str(size).strip()
    match = _SIZE.match(text)
    if match is None or (text.lower().endswith("b") and match.group(2) is None):
        raise UserError(f"{field}: {size!r} is not a size; write for example 32, '32GB' or '1TB'")
    return _scaled(match.group(1), _SIZE_GIB[(match.group(2) or "").lower()] * MIB_PER_GIB, field)


def seconds(duration: int | float | str, field: str = "duration") -> int:
    """Return a duration in seconds: a number of seconds, or text such as ``"90s"``, ``"1h30m"``, ``"2d"``."""
    text = str(duration).strip()
    if _DURATION.match(text):
        parts = _DURATION_PART.findall(text)
        return _scaled(sum(Decimal(number) * _SECONDS[unit.lower()] for number, unit in parts), 1, field)
    try:
        return _scaled(text, 1, field)
    except UserError:
        raise UserError(
            f"{field}: {duration!r} is not a duration; write for example 90s, 30m, 2h or 1h30m"
        ) from None


def format_usd(micro: int) -> str:
    """Format micro-USD for a person: two decimals from one dollar up, else four significant places."""
    dollars = usd(micro)
    if micro == 0:
        return "$0"
    if abs(dollars) >= 1:
        return f"${dollars:,.2f}"
    if abs(dollars) >= 0.0001:
        return f"${dollars:.4g}"
    return f"${dollars:.6f}".rstrip("0")


def format_mib(size_mib: int) -> str:
    """Format MiB as GB for a table cell, without a needless fraction."""
    return f"{size_mib / MIB_PER_GIB:g}"


def format_milli(count_milli: int) -> str:
    """Format thousandths as a plain count: ``8000`` is ``"8"``, ``500`` is ``"0.5"``."""
    return f"{count_milli / MILLI:g}"


def format_seconds(total_s: int) -> str:
    """Format seconds for a person: ``"45s"``, ``"12m 5s"``, ``"3h 20m"``, ``"2d 4h"``."""
    for unit_s, unit, below_s, below in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if total_s >= unit_s:
            rest = total_s % unit_s // below_s
            return f"{total_s // unit_s}{unit} {rest}{below}" if rest else f"{total_s // unit_s}{unit}"
    return f"{total_s}s"
