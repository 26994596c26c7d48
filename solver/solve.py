"""solve(problem, params) -> Result: the total order objective by objective, each stage by stage."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from solver.constraints import violations
from solver.descent import first_plan
from solver.params import Params
from solver.plan import Status
from solver.problem import Problem
from solver.request import Objective
from solver.result import Result
from solver.schedule import Schedule, schedule
from solver.search import Search
from solver.stages import ascent, core, descent, exact, filtering, repair, shaving, windows
from solver.time_bounds import Timing
from solver.warm import choice_by_rank

Stage: TypeAlias = Callable[[Search, Objective], None]

_STAGES: tuple[tuple[str, Stage], ...] = (
    ("repair", repair.run),
    ("filtering", filtering.run),
    ("ascent", ascent.run),
    ("descent", descent.run),
    ("windows", windows.run),
    ("filtering", filtering.run),
    ("shaving", shaving.run),
    ("core", core.run),
    ("exact", exact.run),
)


def solve(problem: Problem, params: Params, warm: Result | None = None) -> Result:
    """Return the best plan of ``problem`` in its total order, or the best found before time ran out.

    ``warm`` may be a unique result for the same tasks and edges, when every plan of now was possible too.
    Every task must have a candidate. Ctrl-C ends the search as the time limit does; the result then says that
    it was ``interrupted``. Raises ``AssertionError`` if the answer breaks a rule, which would be a bug.
    """
    started = time.perf_counter()
    deadline = started + params.time_limit_s
    lost = np.zeros(len(problem.names), dtype=bool)
    if warm:
        choice, lost = choice_by_rank(problem, warm.problem.rank.pick(warm.schedule.choice))
        plan = schedule(problem, choice)
    else:
        plan = _cold_plan(problem)
    unique = warm is not None and not lost.any()
    search = Search(problem, params, plan, deadline, warm, lost)
    alone = warm is not None and warm.alone
    major = problem.objective
    minor = Objective.TIME if major is Objective.COST else Objective.COST
    try:
        minimise(search, major, warm.bound if warm else 0)
        alone = search.decided if not unique else alone
        bound, proven_s, build_s = search.bound, time.perf_counter() - started, search.build_s
        if major in search.limits and not unique:
            minimise(search, minor)
            unique = minor in search.limits and exact.first_of_equals(search)
    except KeyboardInterrupt:
        search.interrupt()
        bound = search.limits.get(major, search.bound)
        proven_s, build_s = time.perf_counter() - started, search.build_s
    if major in search.limits and not unique and params.workers > 1 and not search.interrupted:
        # Several workers end at one of equal plans by chance, a single one always at the same.
        return solve(problem, replace(params, workers=1))
    broken = violations(search.problem, search.best)
    if broken:
        raise AssertionError("the solver's plan breaks its own rules: " + "; ".join(broken))
    return Result(
        status=Status.OPTIMAL if bound == search.best.value(major) else Status.FEASIBLE,
        problem=search.problem,
        schedule=search.best,
        objective=search.best.value(major),
        bound=bound,
        unique=unique,
        interrupted=search.interrupted,
        wall_s=time.perf_counter() - started,
        proven_s=proven_s,
        build_s=build_s,
        seed=params.seed,
        duals=search.duals,
        floors=search.floors,
        alone=alone,
    )


def _cold_plan(problem: Problem) -> Schedule:
    return first_plan(problem, Timing(problem).bounds(np.ones(problem.size, dtype=bool)))


def minimise(search: Search, objective: Objective, bound: int = 0) -> None:
    """Run the stages until ``objective``, at least ``bound``, is proven and so becomes a limit."""
    search.bound = bound
    for name, stage in _STAGES:
        if search.decided:
            search.raise_bound(objective, search.best.value(objective))
        if search.proven(objective):
            break
        if name == "exact" or search.uses(name):
            stage(search, objective)
    if search.proven(objective):
        search.limits[objective] = search.bound
