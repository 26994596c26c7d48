"""Sizes of a node as a user writes them: ``cpus``, ``memory``, ``disk_size``, in one canonical text each.

Canonical texts: cpus ``"4"`` (exactly) or ``"4+"`` (at least); memory the same in GiB, or ``"2x"``, at
least 2 GiB for each vCPU.
"""

from __future__ import annotations

from catalog.errors import UserError
from catalog.units import MIB_PER_GIB, MILLI, mib, milli
from sky.exceptions import SpecError

Amount = int | float | str | None

DEFAULT_DISK_GIB = 256


def cpus_text(value: Amount) -> str | None:
    """Return ``value`` (``4``, ``"4"``, ``"4+"``) as canonical text. Raises ``SpecError``."""
    if value is None:
        return None
    number, plus = _split_plus(value)
    try:
        count = milli(number)
    except UserError:
        count = 0
    if count <= 0:
        raise SpecError(f"{value!r} is not a number of vCPUs; write for example 4 or '4+'", "cpus")
    return _decimal(count / MILLI) + plus


def memory_text(value: Amount) -> str | None:
    """Return ``value`` (``16``, ``"16+"``, ``"1TB+"``, ``"4x"``) as canonical text. Raises ``SpecError``."""
    if value is None:
        return None
    number, plus = _split_plus(value)
    per_vcpu = not plus and number.lower().endswith("x")
    try:
        size = mib(number[:-1] if per_vcpu else number)
    except UserError:
        size = 0
    if size <= 0:
        raise SpecError(f"{value!r} is not a size; write for example 16, '16+', '32GB' or '4x'", "memory")
    return _decimal(size / MIB_PER_GIB) + ("x" if per_vcpu else plus)


def disk_gib(value: int | str) -> int:
    """Return ``value`` (``256``, ``"1TB"``) as whole GiB. Raises ``SpecError``."""
    try:
        size = mib(value) if not isinstance(value, (bool, float)) or value == int(value) else 0
    except UserError:
        size = 0
    if size <= 0 or size % MIB_PER_GIB:
        raise SpecError(
            f"{value!r} is not a whole number of GiB; write for example 256 or '1TB'", "disk_size"
        )
    return size // MIB_PER_GIB


def cpus_range_milli(text: str | None) -> tuple[int | None, int | None]:
    """Return the closed range of milli-vCPUs that canonical ``text`` admits; ``None`` is an open side."""
    if text is None:
        return None, None
    count = milli(text.rstrip("+"))
    return count, None if text.endswith("+") else count


def memory_range_mib(text: str | None) -> tuple[int | None, int | None, int | None]:
    """Return ``(lower, upper, mib_per_vcpu)`` for canonical ``text``; ``None`` does not restrict."""
    if text is None:
        return None, None, None
    size = mib(text.rstrip("+x"))
    if text.endswith("x"):
        return None, None, size
    return size, None if text.endswith("+") else size, None


def _decimal(value: float) -> str:
    """Return ``value`` in full: a MiB is ten decimals of a GiB."""
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _split_plus(value: int | float | str) -> tuple[str, str]:
    text = "" if isinstance(value, bool) else str(value).strip()
    return (text[:-1].strip(), "+") if text.endswith("+") else (text, "")
