"""Params: how long to search, with what, and how much of the runners-up to report."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.errors import UserError


@dataclass(frozen=True, slots=True)
class Params:
    """Settings of one solve; the defaults are the measured ones of ``docs/model.md``.

    ``time_limit_s`` bounds the search of all phases together; when it is reached the plan is FEASIBLE and
    carries its bound. ``workers`` and ``seed`` go to CP-SAT; neither changes a proven plan. ``top_k`` is how
    many runners-up each task reports. ``narrow=False`` leaves all the proving to CP-SAT, for tests
    and measurements: the plan is the same, only later.
    """

    time_limit_s: float = 30.0
    workers: int = 1
    seed: int = 1
    top_k: int = 5
    narrow: bool = True

    def __post_init__(self) -> None:
        if self.time_limit_s < 0:
            raise UserError(
                f"time_limit_s: {self.time_limit_s} is negative; give seconds, or 0 for no search"
            )
        if self.workers < 1:
            raise UserError(f"workers: {self.workers} is not a positive count; give at least 1")
        if self.top_k < 0:
            raise UserError(f"top_k: {self.top_k} is negative; give 0 for no runners-up")
