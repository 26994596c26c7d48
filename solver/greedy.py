"""Greedy: a decent plan at once, for a hint and for the case that the time runs out before any other."""

from __future__ import annotations

import numpy as np

from solver.bounds import pair_table, time_bounds
from solver.problem import Problem
from solver.request import Objective
from solver.schedule import Schedule, order_key, schedule

_ROUNDS = 4


def first_plan(problem: Problem) -> Schedule:
    """Return a plan made task by task in topological order, then improved task by task."""
    best = _constructed(problem)
    for _ in range(_ROUNDS):
        better = _improved(problem, best)
        if order_key(problem, better) >= order_key(problem, best):
            break
        best = better
    return best


def _constructed(problem: Problem) -> Schedule:
    """Each task takes what looks best given the tasks before it and the least that must follow."""
    after = time_bounds(problem).after
    choice = [0] * len(problem.names)
    end = np.zeros(len(problem.names), dtype=np.int64)
    for task in problem.order:
        cost = np.array(problem.cost[task], dtype=np.int64)
        start = np.array(problem.ready[task], dtype=np.int64)
        for at in problem.edges_into(task):
            source = problem.edges[at].source
            wait = end[source]
            if problem.network.moves(at):
                cost = cost + pair_table(problem, at, problem.network.cost[at])[choice[source]]
                wait = wait + pair_table(problem, at, problem.network.seconds[at])[choice[source]]
            start = np.maximum(start, wait)
        ends = start + np.array(problem.seconds[task], dtype=np.int64)
        keys = (problem.rank[task], ends + after[task], cost)
        if problem.objective is Objective.TIME:
            keys = (problem.rank[task], cost, ends + after[task])
        choice[task] = int(np.lexsort(keys)[0])
        end[task] = ends[choice[task]]
    return schedule(problem, choice)


def _improved(problem: Problem, best: Schedule) -> Schedule:
    """Let each task in turn take the candidate that is best with all other tasks where they are."""
    choice = list(best.choice)
    for task in problem.tasks:
        if len(problem.cost[task]) == 1:
            continue
        alone = problem.keep([range(len(row)) if t == task else [choice[t]] for t, row in enumerate(problem.cost)])
        cost = np.array(problem.cost[task], dtype=np.int64)
        for at, edge in enumerate(problem.edges):
            if task in (edge.source, edge.target) and problem.network.moves(at):
                cost += pair_table(alone, at, problem.network.cost[at]).ravel()
        times = time_bounds(alone)
        elsewhere = max((int(t.min()) for other, t in enumerate(times.through) if other != task), default=0)
        through = np.maximum(times.through[task], elsewhere)
        keys = (problem.rank[task], through, cost)
        if problem.objective is Objective.TIME:
            keys = (problem.rank[task], cost, through)
        choice[task] = int(np.lexsort(keys)[0])
    return schedule(problem, choice)
