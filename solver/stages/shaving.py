"""Shaving: prove that no plan is shorter than the best one, or find one that is."""

from __future__ import annotations

from solver.columns import Mask
from solver.descent import first_plan, shorten
from solver.problem import Problem
from solver.request import Objective
from solver.schedule import Schedule
from solver.search import Search
from solver.shaving import Shaving
from solver.time_bounds import Timing, least_makespan

_MOST_PLACES = 20
"""Tasks with more places left than this are not tried: they decide little, and take longest."""

_SMALL = 200
"""A problem of no more edges than this is left to the first core, which proves it as soon."""

_ROUNDS = 4

_FEWER = 0.98
"""Rounds go on as long as each leaves less than this share of the places that the tried tasks had."""


def run(search: Search, objective: Objective) -> None:
    """Try places until no shorter plan is left; as long as one is found instead, go on from there."""
    problem = search.problem
    if objective is not Objective.TIME or search.limits or len(problem.edges) <= _SMALL:
        return
    alive, timing = None, Timing(problem)
    while search.remaining_s and not search.proven(objective):
        limit = search.best.makespan_s - 1
        found = timing.within(limit, alive)
        if found is None:
            search.raise_bound(objective, limit + 1)
            return
        shaving = Shaving(timing, limit, *found)
        if not _shaved(search, shaving):
            if search.remaining_s:
                search.raise_bound(objective, limit + 1)
            return
        search.shorter = alive, bounds = shaving.narrowed()
        search.raise_bound(objective, least_makespan(problem, bounds))
        timing = Timing(problem.with_values(ready=bounds.start, tail=bounds.after))
        search.take(_aimed(problem, timing, alive, search.bound))
        if search.best.makespan_s > limit:
            return


def _shaved(search: Search, shaving: Shaving) -> bool:
    """Try the tasks forward and backward while that says much; return whether a shorter plan may be left.

    ``False`` also when time is up.
    """
    for step in [1, -1] * (_ROUNDS // 2):
        tried = shaving.sizes <= _MOST_PLACES
        before = shaving.sizes[tried].sum()
        for task in range(len(tried))[::step]:
            if not search.remaining_s:
                return False
            if 1 < shaving.sizes[task] <= _MOST_PLACES and not shaving.try_places(task):
                return False
        if not shaving.spread():
            return False
        if shaving.sizes[tried].sum() >= _FEWER * before:
            break
    return True


def _aimed(problem: Problem, timing: Timing, alive: Mask, bound: int) -> Schedule:
    """Return a plan of what may be used to end at the ``bound``, or else of all that is ``alive``."""
    found = timing.within(bound, alive)
    bounds = found[1] if found else timing.bounds(alive)
    return shorten(problem, first_plan(problem, bounds).choice)
