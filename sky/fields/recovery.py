"""JobRecovery: what a managed job does after a preemption or a failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sky.exceptions import SpecError, within
from sky.fields.schema import Kind, checked
from sky.fields.suggest import did_you_mean

STRATEGIES = ("EAGER_NEXT_REGION", "FAILOVER")

_FIELDS = {
    "strategy": (Kind.TEXT,),
    "max_restarts_on_errors": (Kind.INTEGER,),
    "recover_on_exit_codes": (Kind.INTEGER, Kind.LIST),
}


@dataclass(frozen=True, slots=True)
class JobRecovery:
    """A strategy by name (``None`` is the default one), and when the user's own failures are retried."""

    strategy: str | None = None
    max_restarts_on_errors: int = 0
    recover_on_exit_codes: tuple[int, ...] = ()

    def to_yaml_config(self) -> dict[str, Any]:
        """Return the YAML mapping that reads back as this."""
        config: dict[str, Any] = {"strategy": self.strategy}
        if self.max_restarts_on_errors:
            config["max_restarts_on_errors"] = self.max_restarts_on_errors
        if self.recover_on_exit_codes:
            config["recover_on_exit_codes"] = list(self.recover_on_exit_codes)
        return config


def parse(value: str | Mapping[str, Any] | None) -> JobRecovery | None:
    """Return a strategy, or a mapping with one, as a value; ``"none"`` is ``None``. Raises ``SpecError``."""
    if value is None:
        return None
    if isinstance(value, str):
        strategy = _strategy(value)
        return None if strategy is None else JobRecovery(strategy)
    with within("job_recovery"):
        config = checked(value, _FIELDS, "job_recovery")
    restarts = config.get("max_restarts_on_errors", 0)
    if restarts < 0:
        raise SpecError(f"must be 0 or more, not {restarts}", "job_recovery", "max_restarts_on_errors")
    return JobRecovery(
        _strategy(config["strategy"]) if "strategy" in config else None,
        restarts,
        _exit_codes(config.get("recover_on_exit_codes", ())),
    )


def _strategy(name: str) -> str | None:
    known = name.strip().upper()
    if known in {"", "NONE"}:
        return None
    if known not in STRATEGIES:
        hint = did_you_mean(name, STRATEGIES) or f" Known strategies: {', '.join(STRATEGIES)}, none."
        raise SpecError(f"{name!r} is not a recovery strategy.{hint}", "job_recovery")
    return known


def _exit_codes(codes: int | list[Any] | tuple[Any, ...]) -> tuple[int, ...]:
    listed = [codes] if isinstance(codes, int) else list(codes)
    if not all(isinstance(code, int) and 0 <= code <= 255 for code in listed):
        raise SpecError(f"{codes!r} holds something that is not an exit code (0-255)", "job_recovery")
    return tuple(sorted(set(listed)))
