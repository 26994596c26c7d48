"""Shaving: prove that no plan is shorter than the best one, or narrow what such a plan may use."""

from __future__ import annotations

from solver.request import Objective
from solver.search import Search
from solver.shaving import Shaving
from solver.time_bounds import Timing

_MOST_PLACES = 20
"""Tasks with more places left than this are not tried: they decide little, and take longest."""

_SMALL = 100
"""A problem of no more tasks than this is left to the first core, which proves it as soon."""

_ROUNDS = 4

_FEWER = 0.98
"""Rounds go on as long as each leaves less than this share of the places that the tried tasks had."""


def run(search: Search, objective: Objective) -> None:
    """Try the tasks forward and backward until no shorter plan is left, or trials say little more."""
    if objective is not Objective.TIME or search.limits or len(search.problem.names) <= _SMALL:
        return
    timing, limit = Timing(search.problem), search.best.makespan_s - 1
    found = timing.within(limit)
    if found is None:
        search.raise_bound(objective, limit + 1)
        return
    shaving = Shaving(timing, limit, *found)
    for step in [1, -1] * (_ROUNDS // 2):
        tried = shaving.sizes <= _MOST_PLACES
        before = shaving.sizes[tried].sum()
        for task in range(len(tried))[::step]:
            if not search.remaining_s:
                return
            if 1 < shaving.sizes[task] <= _MOST_PLACES and not shaving.try_places(task):
                search.raise_bound(objective, limit + 1)
                return
        if not shaving.spread():
            search.raise_bound(objective, limit + 1)
            return
        if shaving.sizes[tried].sum() >= _FEWER * before:
            break
    search.shorter = shaving.narrowed()
