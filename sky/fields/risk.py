"""How the risk of spot counts in a plan, as callers and configurations write it."""

from __future__ import annotations

from sky.exceptions import SpecError
from sky.fields.suggest import did_you_mean
from solver.request import Risk


def parse(value: Risk | str | None) -> Risk | None:
    """Return ``value`` as a ``Risk``; ``None`` leaves it to the configuration. Raises ``SpecError``."""
    if value is None:
        return None
    try:
        return Risk(value)
    except ValueError:
        names = [each.value for each in Risk]
        hint = did_you_mean(str(value), names) or f" Write one of {', '.join(names)}."
        raise SpecError(f"{value!r} is no way to count the risk of spot.{hint}", "risk") from None
