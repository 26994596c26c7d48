"""Descent: a decent plan at once, and single moves that make a plan better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from solver.columns import Ints
from solver.problem import Problem
from solver.request import Objective
from solver.schedule import Schedule, schedule
from solver.time_bounds import TimeBounds
from solver.timetable import Timetable

_ROUNDS = 8


def first_plan(problem: Problem, bounds: TimeBounds) -> Schedule:
    """Return a plan made task by task in topological order.

    Each task takes what looks best given the tasks before it and the least time that must follow; of the
    candidates that ``bounds`` leave out, none.
    """
    choice = [0] * len(problem.names)
    end, place = [0] * len(choice), [0] * len(choice)
    start_of = problem.cost.start.tolist()
    source = problem.source.tolist()
    for task in problem.order:
        rows = slice(start_of[task], start_of[task + 1])
        own = problem.place.flat[rows]
        cost, start = problem.cost.flat[rows].copy(), bounds.start[rows]
        for at in problem.edges_into[task]:
            paid, waited = problem.network.to_places(at, place[source[at]])
            cost += paid[own]
            start = np.maximum(start, end[source[at]] + waited[own])
        ends = start + problem.seconds.flat[rows]
        through = np.maximum(ends + bounds.after[rows], bounds.through[rows])
        choice[task] = first_of(problem.objective, cost, through, problem.rank.flat[rows])
        end[task], place[task] = int(ends[choice[task]]), int(own[choice[task]])
    return schedule(problem, choice)


def first_of(objective: Objective, cost: Ints, through: Ints, rank: Ints) -> int:
    """Return which candidate of a task is the first in the order of ``objective``, the others held."""
    keys = (rank, through, cost) if objective is Objective.COST else (rank, cost, through)
    return int(np.lexsort(keys)[0])


def shorten(problem: Problem, choice: Sequence[int]) -> Schedule:
    """Let the tasks on the longest ways take what shortens those, until none does."""
    table = Timetable(problem, choice)
    for _ in range(_ROUNDS):
        makespan_s = table.makespan_s
        for task in problem.order:
            if table.through(task) < makespan_s or len(problem.cost[task]) < 2:
                continue
            cost, through = table.alternatives(task)
            best = int(np.lexsort((problem.rank[task], cost, through))[0])
            if through[best] < makespan_s:
                table.move(task, best)
        if table.makespan_s >= makespan_s:
            break
    return schedule(problem, table.choice)


def cheapen(problem: Problem, choice: Sequence[int], deadline_s: int) -> Schedule:
    """Let each task in turn take the cheapest candidate that keeps to ``deadline_s``, until none moves."""
    table = Timetable(problem, choice)
    for _ in range(_ROUNDS):
        moved = False
        for task in problem.order:
            if len(problem.cost[task]) < 2:
                continue
            cost, through = table.alternatives(task)
            late = through > deadline_s
            best = int(np.lexsort((problem.rank[task], through, cost, late))[0])
            here = table.choice[task]
            if best != here and (late[best], cost[best]) < (late[here], cost[here]):
                table.move(task, best)
                moved = True
        if not moved:
            break
    return schedule(problem, table.choice)
