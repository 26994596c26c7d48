"""Every task takes exactly one of its candidates."""

from __future__ import annotations

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
    return [
        f"task {name}: candidate {k} of {len(costs)}"
        for name, k, costs in zip(problem.names, answer.choice, problem.cost, strict=True)
        if not 0 <= k < len(costs)
    ]
