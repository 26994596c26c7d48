"""A task starts when all its data has arrived; the makespan is when the last task ends."""

from __future__ import annotations

from solver.constraints.variables import Variables
from solver.cpsat import Model
from solver.problem import Problem
from solver.schedule import Schedule


def applies(problem: Problem) -> bool:
    """Return whether there is anything to time."""
    return bool(problem.names)


def post(problem: Problem, model: Model, variables: Variables, horizon_s: int) -> None:
    """Add a start for each task and the makespan, none later than ``horizon_s``."""
    variables.start = [model.integer(0, horizon_s) for _ in problem.tasks]
    variables.makespan = model.integer(0, horizon_s)
    leaves = set(problem.tasks) - {edge.source for edge in problem.edges}
    for task in problem.tasks:
        literals = variables.chosen[task]
        ready = {x: -wait for x, wait in zip(literals, problem.ready[task], strict=True) if wait}
        if ready:
            model.linear({variables.start[task]: 1} | ready, at_least=0)
        if task in leaves:
            ends = {variables.makespan: 1, variables.start[task]: -1} | _minus(
                literals, problem.seconds[task]
            )
            model.linear(ends, at_least=0)
    for at, edge in enumerate(problem.edges):
        waits = {x: -seconds for x, seconds in variables.edge_seconds.get(at, {}).items()}
        runs = _minus(variables.chosen[edge.source], problem.seconds[edge.source])
        between = {variables.start[edge.target]: 1, variables.start[edge.source]: -1}
        model.linear(between | runs | waits, at_least=0)


def _minus(literals: list[int], seconds: tuple[int, ...]) -> dict[int, int]:
    return {x: -s for x, s in zip(literals, seconds, strict=True)}


def check(problem: Problem, answer: Schedule) -> list[str]:
    """Return the tasks that start before their data, and totals that are not what they claim."""
    broken = []
    ends = []
    for task, name in enumerate(problem.names):
        k = answer.choice[task]
        ends.append(answer.start_s[task] + problem.seconds[task][k])
        if answer.start_s[task] < problem.ready[task][k]:
            broken.append(f"task {name}: starts before its inputs arrive")
    for at, edge in enumerate(problem.edges):
        if answer.start_s[edge.target] < ends[edge.source] + answer.transfer_s[at]:
            broken.append(
                f"task {problem.names[edge.target]}: starts before {problem.names[edge.source]} delivers"
            )
    if answer.makespan_s != max(ends, default=0):
        broken.append(f"makespan {answer.makespan_s} s, not {max(ends, default=0)}")
    nodes = sum(problem.cost[task][k] for task, k in enumerate(answer.choice))
    if answer.cost != nodes + sum(answer.transfer_cost):
        broken.append(f"cost {answer.cost}, not {nodes + sum(answer.transfer_cost)}")
    return broken
