"""Greedy: a decent plan at once, as a limit for the bounds and for the case that time runs out."""

from __future__ import annotations

import numpy as np

from solver.bounds import move_to, time_bounds
from solver.columns import Ints
from solver.problem import Problem
from solver.request import Objective
from solver.schedule import Schedule, schedule

_ROUNDS = 5


def first_plan(problem: Problem) -> Schedule:
    """Return a plan made task by task in topological order.

    Each task takes what looks best given the tasks before it and the least time that must follow.
    """
    after = time_bounds(problem).after
    choice = [0] * len(problem.names)
    end = [0] * len(problem.names)
    for task in problem.order:
        cost, start = _before(problem, task, choice, end)
        ends = start + np.array(problem.seconds[task], dtype=np.int64)
        cost += np.array(problem.cost[task], dtype=np.int64)
        choice[task] = _first(problem, task, problem.objective, cost, ends + after[task])
        end[task] = int(ends[choice[task]])
    return schedule(problem, choice)


def improve(problem: Problem, best: Schedule, objective: Objective, deadline_s: int | None) -> Schedule:
    """Let each task in turn take the candidate that is best with all others where they are, until none moves.

    A plan that keeps to ``deadline_s`` keeps to it.
    """
    choice = list(best.choice)
    for _ in range(_ROUNDS):
        before = tuple(choice)
        for task in problem.tasks:
            if len(problem.cost[task]) > 1:
                choice[task] = _best_alone(problem, task, choice, objective, deadline_s)
        if tuple(choice) == before:
            break
    return schedule(problem, choice)


def _best_alone(
    problem: Problem, task: int, choice: list[int], objective: Objective, deadline_s: int | None
) -> int:
    current = schedule(problem, choice)
    end = [start + problem.seconds[t][choice[t]] for t, start in enumerate(current.start_s)]
    cost, start = _before(problem, task, choice, end)
    after = _after(problem, current)
    tail = np.zeros(len(cost), dtype=np.int64)
    for at in problem.edges_out_of(task):
        target = problem.edges[at].target
        paid, waited = move_to(problem, at, task, problem.place[target][choice[target]])
        cost += paid
        tail = np.maximum(tail, waited + problem.seconds[target][choice[target]] + after[target])
    cost += np.array(problem.cost[task], dtype=np.int64)
    through = start + np.array(problem.seconds[task], dtype=np.int64) + tail
    if objective is Objective.COST and deadline_s is not None and through[choice[task]] <= deadline_s:
        cost = np.where(through <= deadline_s, cost, np.iinfo(np.int64).max)
    return _first(problem, task, objective, cost, through)


def _before(problem: Problem, task: int, choice: list[int], end: list[int]) -> tuple[Ints, Ints]:
    """Return, by candidate of ``task``, what the edges into it cost and when all its data is there."""
    cost = np.zeros(len(problem.cost[task]), dtype=np.int64)
    start = np.array(problem.ready[task], dtype=np.int64)
    for at in problem.edges_into(task):
        source = problem.edges[at].source
        paid, waited = move_to(problem, at, task, problem.place[source][choice[source]])
        cost += paid
        start = np.maximum(start, end[source] + waited)
    return cost, start


def _after(problem: Problem, current: Schedule) -> list[int]:
    """Return, by task, the longest time from its end to the end of the plan."""
    after = [0] * len(problem.names)
    for task in reversed(problem.order):
        rest = problem.seconds[task][current.choice[task]] + after[task]
        for at in problem.edges_into(task):
            source = problem.edges[at].source
            after[source] = max(after[source], current.transfer_s[at] + rest)
    return after


def _first(problem: Problem, task: int, objective: Objective, cost: Ints, through: Ints) -> int:
    rank = np.array(problem.rank[task], dtype=np.int64)
    keys = (rank, through, cost) if objective is Objective.COST else (rank, cost, through)
    return int(np.lexsort(keys)[0])
