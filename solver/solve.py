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
from solver.search import Search
from solver.stages import ascent, core, descent, exact, filtering
from solver.time_bounds import Timing

Stage: TypeAlias = Callable[[Search, Objective], None]

_STAGES: tuple[tuple[str, Stage], ...] = (
    ("filtering", filtering.run),
    ("ascent", ascent.run),
    ("descent", descent.run),
    ("filtering", filtering.run),
    ("core", core.run),
    ("exact", exact.run),
)


def solve(problem: Problem, params: Params) -> Result:
    """Return the best plan of ``problem`` in its total order, or the best found before time ran out.

    Every task must have a candidate. Ctrl-C ends the search as the time limit does; the result then says that
    it was ``interrupted``. Raises ``AssertionError`` if the answer breaks a rule, which would be a bug.
    """
    started = time.perf_counter()
    bounds = Timing(problem).bounds(np.ones(problem.size, dtype=bool))
    search = Search(problem, params, first_plan(problem, bounds), started + params.time_limit_s)
    major = problem.objective
    minor = Objective.TIME if major is Objective.COST else Objective.COST
    unique = False
    try:
        proven_s = minimise(search, major)
        bound = search.bound
        if major in search.limits:
            minimise(search, minor)
            unique = minor in search.limits and exact.first_of_equals(search)
    except KeyboardInterrupt:
        search.interrupt()
        bound = search.limits.get(major, search.bound)
        proven_s = time.perf_counter() - started
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
        build_s=search.build_s,
        seed=params.seed,
    )


def minimise(search: Search, objective: Objective) -> float:
    """Run the stages until ``objective`` is proven and so becomes a limit; return the seconds it took."""
    started = time.perf_counter()
    search.bound = 0
    for name, stage in _STAGES:
        if search.proven(objective):
            break
        if name == "exact" or search.uses(name):
            stage(search, objective)
    if search.proven(objective):
        search.limits[objective] = search.bound
    return time.perf_counter() - started
