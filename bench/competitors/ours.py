"""This project's solver: on the arrays, or where the instance is a request, from the catalog on."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bench.competitor import Answer, Competitor, run
from bench.draw import drawn
from bench.family import registry
from bench.instance import Instance

if TYPE_CHECKING:
    from solver.problem import Problem
    from solver.request import Objective, Request


def solve(instance: Instance, objective: str, limit_s: float) -> Answer:
    """Solve the instance as a warm process of the product would."""
    from importlib.metadata import version

    from solver.request import Objective

    wanted = Objective(objective)
    family = registry().get(instance.family)
    if family and family.request:
        size = family.sizes[instance.name.removeprefix(f"{instance.family}-")]
        answer = _from_request(family.request(size, instance.seed, wanted), limit_s)
    else:
        answer = _from_arrays(instance, wanted, limit_s)
    return replace(answer, version=version("skysolve"))


def _from_arrays(instance: Instance, objective: Objective, limit_s: float) -> Answer:
    from random import Random

    small = drawn(Random(1), 1, 2, [(0, 1)])
    _solve(small.to_problem(objective), limit_s, 0.0)
    started = time.perf_counter()
    problem = instance.to_problem(objective)
    answer, choice = _solve(problem, limit_s, time.perf_counter() - started)
    return replace(answer, choice=choice)


def _from_request(request: Request, limit_s: float) -> Answer:
    """Find the offers, keep each place's best, solve. The total is for the whole plan, or what would help."""
    import sky
    from bench.offers import offers, request_of
    from catalog.errors import Infeasible
    from catalog.transfer import DEFAULT
    from solver.api import build_problem, find_candidates, solve_request
    from solver.candidates import candidates_of
    from solver.columns import columns_of
    from solver.plan import CatalogInfo

    table, info = offers(), CatalogInfo("", "", 0)
    columns = columns_of(table)
    solve_request(request_of(sky.Resources(accelerators="L4:1"), request.objective), table, DEFAULT, info)
    columns.memo.clear()  # what an earlier request left would make this one quicker
    started = time.perf_counter()
    candidates = [candidates_of(columns, task, request.blocks, DEFAULT) for task in request.tasks]
    if not all(map(len, candidates)):
        proven_s = time.perf_counter() - started
        try:
            find_candidates(columns, request, DEFAULT)
        except Infeasible as error:
            total_s = time.perf_counter() - started
            note = error.suggestions[0] if error.suggestions else "nothing was suggested"
            status = "infeasible" if error.suggestions else "error"
            return Answer(status, solve_seconds=proven_s, total_seconds=total_s, note=note)
        return Answer("error", note="a task without an offer was planned")
    order = tuple(range(len(request.tasks)))
    problem = build_problem(request, columns, candidates, DEFAULT, order)
    answer, rows = _solve(problem, limit_s, time.perf_counter() - started)
    place = [np.argsort(np.argsort(each.key, kind="stable"), kind="stable") for each in candidates]
    started = time.perf_counter()
    plan = solve_request(request, table, DEFAULT, info)
    total_s = time.perf_counter() - started
    assert answer.value in (plan.total_cost_micro_usd, plan.total_time_s)
    choice = [int(of_task[row]) for of_task, row in zip(place, rows, strict=True)]
    return replace(answer, choice=choice, total_seconds=total_s)


def _solve(problem: Problem, limit_s: float, made_s: float) -> tuple[Answer, list[int]]:
    """Solve a problem that took ``made_s`` to make; return also the row of each task's candidate."""
    from solver.params import Params
    from solver.plan import Status
    from solver.solve import solve as solve_problem

    result = solve_problem(problem, Params(time_limit_s=limit_s))
    proven_s, build_s = getattr(result, "proven_s", result.wall_s), getattr(result, "build_s", 0.0)
    answer = Answer(
        status="optimal" if result.status is Status.OPTIMAL else "feasible",
        value=int(result.objective),
        bound=int(result.bound),
        build_seconds=made_s + min(build_s, proven_s),
        solve_seconds=max(proven_s - build_s, 0.0),
        total_seconds=made_s + result.wall_s,
        note="" if result.unique else "the tie-break is not proven",
    )
    return answer, [int(result.problem.row[task][k]) for task, k in enumerate(result.schedule.choice)]


COMPETITOR = Competitor("solver", solve)

if __name__ == "__main__":
    run(COMPETITOR)
