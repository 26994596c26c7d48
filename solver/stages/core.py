"""Core: prove the least makespan on the few tasks that decide it.

Once the candidates that no better plan can use are dropped, some tasks have few left and most have all. A
plan of the first alone, with the least time before and after each of their candidates, is a relaxation: its
optimum is a lower bound, and CP-SAT finds it soon. Where the other tasks can be filled in without making it
longer, it is the optimum of the whole; else the core grows.
"""

from __future__ import annotations

import numpy as np

from solver.columns import Ints, Mask
from solver.descent import first_plan, shorten
from solver.parts import Part
from solver.problem import Problem
from solver.request import Objective
from solver.schedule import Schedule
from solver.search import Search
from solver.section import section_of, shortest
from solver.time_bounds import TimeBounds, Timing, least_makespan

_FIRST_SIZE = 400
"""How many candidates the first core has; each next one has twice as many."""


def run(search: Search, objective: Objective) -> None:
    """Prove the least makespan with cores of growing size."""
    if objective is not Objective.TIME or search.limits:
        return
    problem = search.problem
    timing, alive, size = Timing(problem), np.ones(problem.size, dtype=bool), _FIRST_SIZE
    if search.shorter:
        alive, bounds = search.shorter
        timing = Timing(problem.with_values(ready=bounds.start, tail=bounds.after))
    while search.remaining_s and not search.proven(objective):
        found = timing.within(search.best.makespan_s - 1, alive)
        if found is None:
            search.raise_bound(objective, search.best.makespan_s)
            return
        alive, bounds = found
        search.raise_bound(objective, least_makespan(problem, bounds))
        core = _core_of(problem, alive, bounds, size)
        before = search.best.makespan_s
        chosen, bound = shortest(search, core)
        search.raise_bound(objective, bound)
        if chosen is not None and not search.proven(objective):
            search.take(_filled_in(problem, timing, alive, core, chosen))
        if search.best.makespan_s == before:
            if len(core.tasks) == len(problem.names):
                return
            size *= 2


def _core_of(problem: Problem, alive: Mask, bounds: TimeBounds, size: int) -> Part:
    """Return the tasks with the fewest candidates ``alive``, about ``size`` together."""
    counts = np.bincount(problem.cost.row_of[alive], minlength=len(problem.names))
    order = np.argsort(counts, kind="stable")
    tasks = np.zeros(len(counts), dtype=bool)
    tasks[order[: max(int(np.searchsorted(np.cumsum(counts[order]), size)), 1)]] = True
    return section_of(problem, tasks, alive, bounds)


def _filled_in(problem: Problem, timing: Timing, alive: Mask, core: Part, chosen: Ints) -> Schedule:
    """Return a plan with the core's choice, the other tasks taking what keeps it short."""
    fixed = alive.copy()
    fixed[np.isin(problem.cost.row_of, core.tasks)] = False
    fixed[problem.cost.start[core.tasks] + chosen] = True
    plan = first_plan(problem, timing.bounds(fixed))
    return shorten(problem, plan.choice)
