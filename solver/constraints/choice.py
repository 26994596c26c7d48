"""Every task takes exactly one of its candidates."""

from __future__ import annotations

import numpy as np

from solver.constraints.variables import Variables
from solver.cpsat import Model
from solver.problem import Problem
from solver.schedule import Schedule


def applies(problem: Problem) -> bool:
    """Return whether there is any task to choose for."""
    return bool(problem.names)


def post(problem: Problem, model: Model, variables: Variables) -> None:
    """Add one literal a candidate, and exactly one of them a task."""
    for task in problem.tasks:
        literals = [model.boolean() for _ in problem.cost[task]]
        model.exactly_one(literals)
        variables.chosen.append(literals)


def check(problem: Problem, answer: Schedule) -> list[str]:
    """Return the tasks without exactly one valid candidate."""
    if len(answer.choice) != len(problem.names):
        return [f"{len(answer.choice)} choices for {len(problem.names)} tasks"]
    choice, sizes = np.array(answer.choice, dtype=np.int64), problem.cost.sizes
    return [
        f"task {problem.names[task]}: candidate {choice[task]} of {sizes[task]}"
        for task in np.flatnonzero((choice < 0) | (choice >= sizes)).tolist()
    ]
