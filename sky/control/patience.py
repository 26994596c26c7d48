"""Patience: how long a launch that every place refused waits before it starts over, and when it gives up."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_S = 30.0
LONGEST_S = 600.0
_DOUBLINGS = 10
SPREAD = 0.2
"""Each pause is drawn from this share around its length, so that launches do not all return at one moment."""


@dataclass(slots=True)
class Patience:
    """Pauses that double from ``FIRST_S`` to ``LONGEST_S``, for ``limit_s`` in all (``None``: for ever)."""

    limit_s: float | None
    clock: Callable[[], float] = time.monotonic
    draw: Callable[[float, float], float] = random.uniform
    _pauses: int = 0
    _ends_at: float | None = field(init=False)

    def __post_init__(self) -> None:
        self._ends_at = None if self.limit_s is None else self.clock() + self.limit_s

    @classmethod
    def of(cls, *, retry_until_up: bool, retry_for_s: float | None) -> Patience:
        """Return that of a launch with these options: none without either of them."""
        if retry_for_s is None and not retry_until_up:
            return cls(0.0)
        return cls(retry_for_s)

    def pause_s(self) -> float | None:
        """Return how long to wait now, ``None`` when it is over; the last pause ends with the limit."""
        wanted: float = min(FIRST_S * 2 ** min(self._pauses, _DOUBLINGS), LONGEST_S) * self.draw(
            1 - SPREAD, 1 + SPREAD
        )
        self._pauses += 1
        if self._ends_at is None:
            return wanted
        left = self._ends_at - self.clock()
        return min(wanted, left) if left > 0 else None
