"""A task starts when all its data has arrived; the makespan is when the last task ends."""

from __future__ import annotations

import numpy as np

from solver.columns import Ints
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
    for task in problem.tasks:
        literals, seconds = variables.chosen[task], problem.seconds[task]
        ready = {x: -wait for x, wait in zip(literals, problem.ready[task].tolist(), strict=True) if wait}
        if ready:
            model.linear({variables.start[task]: 1} | ready, at_least=0)
        if not problem.edges_out_of[task] or problem.tail[task].any():
            rest = _minus(literals, seconds + problem.tail[task])
            model.linear({variables.makespan: 1, variables.start[task]: -1} | rest, at_least=0)
    for at, edge in enumerate(problem.edges):
        waits = {x: -wait for x, wait in variables.edge_seconds.get(at, {}).items()}
        runs = _minus(variables.chosen[edge.source], problem.seconds[edge.source])
        between = {variables.start[edge.target]: 1, variables.start[edge.source]: -1}
        model.linear(between | runs | waits, at_least=0)


def _minus(literals: list[int], seconds: Ints) -> dict[int, int]:
    return dict(zip(literals, (-seconds).tolist(), strict=True))


def check(problem: Problem, answer: Schedule) -> list[str]:
    """Return the tasks that start before their data, and totals that are not what they claim."""
    chosen = problem.cost.start[:-1] + np.array(answer.choice, dtype=np.int64)
    start = np.array(answer.start_s, dtype=np.int64)
    end = start + problem.seconds.flat[chosen]
    arrival = end[problem.source] + np.array(answer.transfer_s, dtype=np.int64)
    broken = [
        f"task {problem.names[task]}: starts before its inputs arrive"
        for task in np.flatnonzero(start < problem.ready.flat[chosen]).tolist()
    ]
    for at in np.flatnonzero(start[problem.target] < arrival).tolist():
        source, target = (problem.names[end_of] for end_of in (problem.source[at], problem.target[at]))
        broken.append(f"task {target}: starts before {source} delivers")
    makespan_s = int((end + problem.tail.flat[chosen]).max(initial=0))
    if answer.makespan_s != makespan_s:
        broken.append(f"makespan {answer.makespan_s} s, not {makespan_s}")
    cost = int(problem.cost.flat[chosen].sum()) + sum(answer.transfer_cost)
    if answer.cost != cost:
        broken.append(f"cost {answer.cost}, not {cost}")
    return broken
