"""Ascent: raise the bound of the total cost, read plans off the terms, and drop what costs too much."""

from __future__ import annotations

from solver.dual_ascent import DualAscent
from solver.request import Objective
from solver.search import Search

_SWEEPS = 10
"""Between two looks at the bound: a look costs about as much as five sweeps."""

_LOOKS = 40

_STALLED, _PATIENCE = 0.02, 3
"""An ascent that closed less than this share of the gap in so many looks has come to its end."""


def run(search: Search, objective: Objective) -> None:
    """Sweep until the bound meets the best plan, the ascent stalls, or time is up.

    Where the cost is a limit already, the terms of the last ascent say what it rules out.
    """
    if objective is Objective.COST:
        _ascend(search)
    elif Objective.COST in search.limits:
        ascent = DualAscent(search.problem, search.duals)
        _, through = ascent.bounds()
        search.keep(ascent.candidates_within(through, search.limits[Objective.COST]))


def _ascend(search: Search) -> None:
    ascent = DualAscent(search.problem, search.duals)
    slow = 0
    for look in range(_LOOKS):
        before = search.best.cost - search.bound
        bound, through = ascent.bounds()
        search.raise_bound(Objective.COST, bound)
        search.take(ascent.plan_at(ascent.decode()))
        ascent.alive &= through <= search.best.cost
        gap = search.best.cost - search.bound
        slow = slow + 1 if look and before - gap < _STALLED * before else 0
        if not gap or slow == _PATIENCE or not len(ascent.grid.end) or not search.remaining_s:
            break
        for _ in range(_SWEEPS):
            ascent.sweep()
    search.duals = ascent.duals
    search.keep(ascent.candidates_within(through, search.best.cost))
