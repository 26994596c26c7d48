"""Warm: the plan of an earlier solve, carried over to a problem that has lost some candidates."""

from __future__ import annotations

import numpy as np

from solver.columns import Ints, Mask
from solver.descent import first_of
from solver.problem import Problem, Row
from solver.timetable import Timetable

_LEAST, _SHARE = 8, 20
"""At least so many tasks, or one in so many of all, may move when one of them has lost its candidate."""


def choice_by_rank(problem: Problem, wanted: Ints) -> tuple[Ints, Mask]:
    """Return by task the candidate of the ``wanted`` rank, else the first, and whether the wanted is gone."""
    task_of = problem.cost.row_of
    found = np.flatnonzero(problem.rank.flat == wanted[task_of])
    choice = np.zeros(len(problem.names), dtype=np.int64)
    gone = np.ones(len(problem.names), dtype=bool)
    choice[task_of[found]] = found - problem.cost.start[task_of[found]]
    gone[task_of[found]] = False
    return choice, gone


def near(problem: Problem, tasks: Mask) -> Mask:
    """Return ``tasks`` and those around them."""
    wanted = max(_LEAST, len(tasks) // _SHARE)
    free: Mask = tasks.copy()
    before = 0
    while before < free.sum() < wanted:
        before = int(free.sum())
        reached = np.concatenate([problem.target[free[problem.source]], problem.source[free[problem.target]]])
        free[reached] = True
    return free


def moved(problem: Problem, choice: Row, tasks: Mask) -> Row:
    """Return ``choice`` after each of ``tasks`` took what makes the plan best, the others staying."""
    table = Timetable(problem, choice)
    for task in np.flatnonzero(tasks).tolist():
        cost, through = table.alternatives(task)
        table.move(task, first_of(problem.objective, cost, through, problem.rank[task]))
    return tuple(table.choice)
