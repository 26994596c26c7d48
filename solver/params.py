"""Params: how long to search, with what, and how much of the runners-up to report."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.errors import UserError

REDUCTIONS = ("repair", "ascent", "filtering", "descent", "windows", "shaving", "core", "dominance")
"""The stages before CP-SAT, each of which can be switched off; what they do is in ``docs/model.md``."""


@dataclass(frozen=True, slots=True)
class Params:
    """Settings of one solve; the defaults are the measured ones of ``docs/model.md``.

    ``time_limit_s`` bounds the whole solve in wall time; when it stops the search of the objective, the plan
    is FEASIBLE and carries its bound. ``tie_break_work`` bounds the search among plans of the same objective,
    in CP-SAT's deterministic time, so that it ends at the same plan everywhere. ``workers`` and ``seed`` go
    to CP-SAT; neither changes a plan whose objective is proven. ``top_k`` is how many runners-up each task
    reports. ``without`` names ``REDUCTIONS`` to leave out, for tests and measurements: the plan is the same,
    only later.
    """

    time_limit_s: float = 30.0
    tie_break_work: float = 2.0
    workers: int = 1
    seed: int = 1
    top_k: int = 5
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("time_limit_s", "tie_break_work"):
            if getattr(self, name) < 0:
                raise UserError(f"{name}: {getattr(self, name)} is negative; give 0 for no search")
        if self.workers < 1:
            raise UserError(f"workers: {self.workers} is not a positive count; give at least 1")
        if self.top_k < 0:
            raise UserError(f"top_k: {self.top_k} is negative; give 0 for no runners-up")
        unknown = sorted(set(self.without) - set(REDUCTIONS))
        if unknown:
            raise UserError(
                f"without: no reduction is named {unknown[0]!r}; there are {', '.join(REDUCTIONS)}"
            )
