"""Autostop: what happens to a cluster that has been idle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.errors import UserError
from catalog.units import seconds
from executors.api import WaitFor
from sky.exceptions import SpecError, within
from sky.fields.schema import Kind, checked
from sky.fields.suggest import did_you_mean

DEFAULT_IDLE_MINUTES = 5
_MOST_MINUTES = 1_000_000

_FIELDS = {"idle_minutes": (Kind.INTEGER, Kind.TEXT), "down": (Kind.FLAG,), "wait_for": (Kind.TEXT,)}


@dataclass(frozen=True, slots=True)
class Autostop:
    """Stop (or with ``down`` tear down) the cluster after ``idle_minutes`` without what ``wait_for`` says."""

    idle_minutes: int
    down: bool = False
    wait_for: WaitFor = WaitFor.JOBS

    def to_yaml_config(self) -> int | dict[str, Any]:
        """Return the shortest YAML value that reads back as this."""
        special: dict[str, Any] = {"down": True} if self.down else {}
        if self.wait_for is not WaitFor.JOBS:
            special["wait_for"] = self.wait_for.value
        return {"idle_minutes": self.idle_minutes, **special} if special else self.idle_minutes


def parse(value: Autostop | int | bool | str | Mapping[str, Any] | None) -> Autostop | None:
    """Return ``10``, ``true``, ``"1h"`` or ``{idle_minutes, down, wait_for}`` as a value.

    Raises ``SpecError``. ``true`` is five minutes; ``false`` and a negative number are no autostop.
    """
    if value is None or value is False or isinstance(value, Autostop):
        return value or None
    if value is True:
        return Autostop(DEFAULT_IDLE_MINUTES)
    if isinstance(value, (int, str)):
        return _after(value)
    if isinstance(value, Mapping):
        with within("autostop"):
            config = checked(value, _FIELDS, "autostop")
            wait_for = parse_wait_for(config.get("wait_for", WaitFor.JOBS.value))
        return _after(config.get("idle_minutes", DEFAULT_IDLE_MINUTES), config.get("down", False), wait_for)
    raise SpecError(
        f"{value!r} is not an autostop; write minutes, '1h', true, or {{idle_minutes, down, wait_for}}",
        "autostop",
    )


def check_minutes(idle_minutes: object) -> int:
    """Return ``idle_minutes`` when it is a whole number that a cluster can count. Raises ``SpecError``."""
    if isinstance(idle_minutes, bool) or not isinstance(idle_minutes, int) or idle_minutes > _MOST_MINUTES:
        raise SpecError(
            f"idle minutes are a whole number, at most {_MOST_MINUTES:,}, not {idle_minutes!r}", "autostop"
        )
    return idle_minutes


def parse_wait_for(text: str) -> WaitFor:
    """Return what keeps a cluster from being idle, by its name. Raises ``SpecError``."""
    try:
        return WaitFor(text)
    except ValueError:
        names = [each.value for each in WaitFor]
        hint = did_you_mean(text, names) or f" Write one of {', '.join(names)}."
        raise SpecError(f"{text!r} is nothing that autostop can wait for.{hint}", "wait_for") from None


def _after(idle: int | str, down: bool = False, wait_for: WaitFor = WaitFor.JOBS) -> Autostop | None:
    minutes = check_minutes(_minutes(idle))
    return None if minutes < 0 else Autostop(minutes, down, wait_for)


def _minutes(idle: int | str) -> int:
    if isinstance(idle, int):
        return idle
    try:
        if idle.strip().lstrip("-").isdecimal():
            return int(idle)
        total_s = seconds(idle)
    except UserError:
        raise SpecError(
            f"{idle!r} is not a time; write minutes such as 10, or '10m', '1h'", "autostop"
        ) from None
    return -(-total_s // 60)
