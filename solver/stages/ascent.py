"""Ascent: raise the bound of the total cost, read plans off the terms, and drop what costs too much."""

from __future__ import annotations

import numpy as np

from solver.columns import Mask
from solver.dual_ascent import DualAscent
from solver.parts import undecided
from solver.request import Objective
from solver.search import Search

_SWEEPS = 10
"""Between two looks at the bound: a look costs about as much as five sweeps."""

_SWEEPS_OF_CHANGED = 20

_SWEEPS_OF_UNDECIDED = 3

_HASTY, _PATIENT = 3, 8
"""An ascent that closed less than a tenth of the gap in so many looks has stalled."""

_NEAR = 100_000
"""A gap of less than this part of the cost is left to the tasks that are still undecided."""

_FEW = 0.25
"""A bound that leaves less than this share of the candidates is good enough to go on from."""

_FEWER = 0.95
"""Undecided tasks are swept as long as each look leaves less than this share of their cells."""


def run(search: Search, objective: Objective) -> None:
    """Sweep until the bound meets the best plan, the ascent stalls, or time is up.

    Colour by colour, a sweep is cheap; where that stalls, sweeps level by level carry amounts further.
    Nothing is dropped before the end, so that the terms are of use to the next solve, whose plan is dearer.
    """
    if objective is Objective.COST:
        ascent = DualAscent(search.problem, search.duals)
        if search.changed is not None:
            ascent.visit(ascent.grid.colours_of(search.changed))
            ascent.sweeps(_SWEEPS_OF_CHANGED)
            ascent.visit(ascent.grid.colours)
        mask = _look(search, ascent)
        if np.mean(mask) > _FEW:
            mask = _climb(search, ascent, _HASTY, mask)
            if not _near(search) and not search.limits:
                ascent.visit(ascent.grid.levels)
                mask = _climb(search, ascent, _PATIENT, mask)
        search.duals, search.floors = ascent.duals, ascent.floors
        search.keep(mask)
    elif Objective.COST not in search.limits:
        return
    _close(search, objective)


def _near(search: Search) -> bool:
    return (search.best.cost - search.bound) * _NEAR <= search.bound


def _look(search: Search, ascent: DualAscent) -> Mask:
    """Note the bound and the plans that the terms suggest; return the candidates of any better plan."""
    bound, through = ascent.bounds()
    search.raise_bound(Objective.COST, bound)
    if not _near(search):
        search.take_choice(ascent.choice_at(ascent.decode(ascent.grid.colours)))
    if not _near(search):
        search.take_choice(ascent.choice_at(ascent.decode(ascent.grid.levels)))
    return ascent.candidates_within(through, search.best.cost)


def _climb(search: Search, ascent: DualAscent, looks: int, mask: Mask) -> Mask:
    """Sweep until the bound is near the best plan's cost, or has hardly neared it in so many looks.

    Return what the last look left, which is ``mask`` if there was none.
    """
    gaps = [search.best.cost - search.bound]
    while not _near(search) and len(ascent.grid.end) and search.remaining_s:
        if len(gaps) > looks and gaps[-1] > 0.9 * gaps[-1 - looks]:
            break
        ascent.sweeps(_SWEEPS)
        mask = _look(search, ascent)
        gaps.append(search.best.cost - search.bound)
    return mask


def _close(search: Search, objective: Objective) -> None:
    """Go on with the tasks that are undecided, dropping candidates, as long as there are more to drop."""
    part, settled = undecided(search.problem)
    if not len(part.tasks):
        return
    edges = part.edges[part.problem.network.tariff >= 0]
    ascent = DualAscent(part.problem, search.duals.of(part.tasks, edges) if search.duals else None)
    start = search.problem.cost.start
    left, before = ascent.alive.sum(), np.inf
    while left < _FEWER * before and left > len(part.tasks) and search.remaining_s:
        ascent.sweeps(_SWEEPS_OF_UNDECIDED if len(edges) else 0)
        bound, through = ascent.bounds()
        if objective is Objective.COST:
            search.raise_bound(objective, bound + settled)
            choice = np.array(search.best.choice, dtype=np.int64)
            choice[part.tasks] = part.lift(ascent.choice_at(ascent.decode(ascent.grid.levels)), start)
            search.take_choice(choice)
        ascent.alive &= through <= search.best.cost - settled
        left, before = ascent.alive.sum(), left
    mask = np.ones(search.problem.size, dtype=bool)
    mask[part.kept] = ascent.candidates_within(ascent.bounds()[1], search.best.cost - settled)
    search.keep(mask)
