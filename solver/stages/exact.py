"""Exact: CP-SAT on what is left, the last word on every objective and every tie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.dominance import undominated
from solver.keys import key_phases
from solver.parts import part_of, undecided
from solver.problem import Problem
from solver.request import Objective
from solver.search import Search
from solver.time_bounds import Timing

_LARGEST_TIE_BREAK = 5_000
"""Among more candidates than these, the allowed work has never found a better plan of the same objective."""

_LARGEST = 400_000
"""A model of more variables would only take the memory: CP-SAT has never proven one that large in time."""


def run(search: Search, objective: Objective) -> None:
    """Minimise ``objective`` within the limits; where there are none, nothing else counts."""
    if search.limits:
        _within_limits(search, objective)
    else:
        _alone(search, objective)


def _alone(search: Search, objective: Objective) -> None:
    problem = search.problem
    settled = 0
    if objective is Objective.COST:
        part, settled = undecided(problem)
    else:
        part = part_of(
            _tightened(search, problem), np.ones(len(problem.names), bool), np.ones(problem.size, bool)
        )
    part = replace(part, problem=part.problem.only(objective))
    if search.uses("dominance"):
        part = part.keep(undominated(part.problem))
    if _too_large(part.problem):
        return
    model = search.model(part.problem)
    terms = model.cost() if objective is Objective.COST else model.makespan(search.best.makespan_s)
    model.model.minimise(terms)
    outcome = search.run(model, workers=search.params.workers)
    if outcome.bound is not None:
        search.raise_bound(objective, outcome.bound + settled)
    if outcome.values is not None:
        choice = np.zeros(len(problem.names), dtype=np.int64)
        choice[part.tasks] = part.lift(tuple(model.choice(outcome.values)), problem.cost.start)
        search.take_choice(choice)


def _tightened(search: Search, problem: Problem) -> Problem:
    """Return the problem with what the time bounds say of each candidate; no plan's makespan changes."""
    if "filtering" in search.params.without:
        return problem
    bounds = Timing(problem).bounds(np.ones(problem.size, dtype=bool))
    return problem.with_values(ready=bounds.start, tail=bounds.after)


def _within_limits(search: Search, objective: Objective) -> None:
    if search.uses("dominance"):
        search.keep(undominated(search.problem))
    if search.problem.size > _LARGEST_TIE_BREAK:
        return
    model = search.model(_tightened(search, search.problem))
    horizon = search.limits.get(Objective.TIME, search.best.makespan_s)
    model.model.minimise(model.cost() if objective is Objective.COST else model.makespan(horizon))
    model.hint(search.best)
    outcome = search.run(model, work_limit=search.params.tie_break_work)
    if outcome.bound is not None:
        search.raise_bound(objective, outcome.bound)
    if outcome.values is not None:
        search.take_choice(model.choice(outcome.values))


def first_of_equals(search: Search) -> bool:
    """Find the first plan in the order of the offer keys within the limits; return whether it is proven."""
    problem = search.problem
    if search.decided:
        return True
    if problem.size > _LARGEST_TIE_BREAK or not search.remaining_s:
        return False
    phases = key_phases(problem)
    if len(phases) > 1 and _only_one(search):
        return True
    model = search.model(_tightened(search, problem))
    for tasks, weights in phases:
        model.model.minimise(model.weighted(weights))
        model.hint(search.best)
        outcome = search.run(model, work_limit=search.params.tie_break_work)
        if outcome.values is not None:
            search.take_choice(model.choice(outcome.values))
        if outcome.bound != sum(weights[task][search.best.choice[task]] for task in tasks):
            return False
        for task in tasks:
            model.fix(task, search.best.choice[task])
    return True


def _only_one(search: Search) -> bool:
    """Return whether it is proven that no other plan keeps to the limits."""
    other = search.model(_tightened(search, search.problem))
    other.model.at_least_one(
        [-1 - literals[k] for literals, k in zip(other.variables.chosen, search.best.choice, strict=True)]
    )
    other.model.minimise(other.cost())
    return search.run(other, work_limit=search.params.tie_break_work).infeasible


def _too_large(problem: Problem) -> bool:
    zones = [len(np.unique(problem.network.zone[place])) for place in problem.place]
    flows = sum(
        zones[edge.source] * zones[edge.target]
        for edge, tariff in zip(problem.edges, problem.network.tariff.tolist(), strict=True)
        if tariff >= 0
    )
    return problem.size + flows > _LARGEST
