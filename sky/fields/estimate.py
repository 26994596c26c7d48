"""Estimate: how long a task runs on a reference, and how that scales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.errors import UserError
from catalog.units import milli, seconds
from sky.exceptions import SpecError
from sky.fields import accelerator_spec
from sky.fields.schema import Kind, Table, checked

FIELDS: Table = {
    "runtime": (Kind.TEXT, Kind.INTEGER, Kind.NUMBER),
    "accelerators": (Kind.TEXT, Kind.MAPPING),
    "cpus": (Kind.INTEGER, Kind.NUMBER, Kind.TEXT),
    "scaling": (Kind.TEXT, Kind.INTEGER, Kind.NUMBER),
    "checkpoint": (Kind.TEXT, Kind.INTEGER, Kind.NUMBER),
}
LONGEST_S = 100 * 365 * 86_400
"""The longest time that a task may be said to run."""

_EXPONENTS = {"linear": 1.0, "none": 0.0}


@dataclass(frozen=True, slots=True)
class Estimate:
    """``runtime_s`` seconds on the reference; on ``k`` times its throughput, ``runtime_s / k ** exponent``.

    The reference is ``accelerators`` (name, count) or ``cpus``; without, the runtime is the same anywhere.
    ``checkpoint_s`` is the time between checkpoints, from which an interrupted run goes on.
    """

    runtime_s: int
    accelerators: tuple[str, int | float] | None = None
    cpus: float | None = None
    exponent: float = 1.0
    checkpoint_s: int | None = None

    @classmethod
    def from_yaml_config(cls, config: Mapping[str, Any]) -> Estimate:
        """Return the value of an ``estimate:`` section. Raises ``SpecError``."""
        fields = checked(config, FIELDS, "estimate")
        if "runtime" not in fields:
            raise SpecError("needs a runtime, for example 2h")
        if "accelerators" in fields and "cpus" in fields:
            raise SpecError("the reference is accelerators or cpus, not both", "cpus")
        spec = accelerator_spec.parse(fields.get("accelerators"))
        if spec is not None and not spec.name:
            raise SpecError(
                f"{spec.text!r} is several accelerators; name the one that was measured", "accelerators"
            )
        return cls(
            time_s(fields["runtime"], "runtime"),
            None if spec is None else (spec.name, spec.count),
            _cpus(fields["cpus"]) if "cpus" in fields else None,
            _exponent(fields.get("scaling", "linear")),
            time_s(fields["checkpoint"], "checkpoint") if "checkpoint" in fields else None,
        )

    def to_yaml_config(self) -> dict[str, Any]:
        """Return the ``estimate:`` section that reads back as this."""
        config: dict[str, Any] = {"runtime": f"{self.runtime_s}s"}
        if self.accelerators is not None:
            config["accelerators"] = "{}:{}".format(*self.accelerators)
        if self.cpus is not None:
            config["cpus"] = self.cpus
        if self.exponent != 1.0:
            config["scaling"] = self.exponent
        if self.checkpoint_s is not None:
            config["checkpoint"] = f"{self.checkpoint_s}s"
        return config


def time_s(value: object, field: str) -> int:
    """Return ``value`` (seconds, or ``"1h30m"``) as seconds. Raises ``SpecError``."""
    try:
        runtime_s = seconds(value) if isinstance(value, (int, float, str)) else 0
    except UserError:
        runtime_s = 0
    if not 0 < runtime_s <= LONGEST_S:
        raise SpecError(
            f"{value!r} is not a time above zero, of 100 years at most; "
            "write seconds, or for example 90m, 2h, 1h30m",
            field,
        )
    return runtime_s


def _cpus(value: int | float | str) -> float:
    try:
        count_milli = milli(value)
    except UserError:
        count_milli = 0
    if count_milli <= 0:
        raise SpecError(f"{value!r} is not a number of vCPUs", "cpus")
    return count_milli / 1_000


def _exponent(value: object) -> float:
    exponent = _EXPONENTS.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(exponent, (int, float)) or not 0 <= exponent <= 1:
        raise SpecError(f"{value!r} is not a scaling; write linear, none, or a number from 0 to 1", "scaling")
    return float(exponent)
