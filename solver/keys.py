"""Keys: the last tie-break, the lexicographic order of the chosen offer keys, as numbers to minimise."""

from __future__ import annotations

from solver.problem import Problem

LARGEST_WEIGHT = 2**40
"""Numbers stay below this, so that CP-SAT's arithmetic has room; longer orders take several phases."""


def key_phases(problem: Problem) -> list[tuple[list[int], dict[int, list[int]]]]:
    """Return runs of tasks, in order, and the weight of each of their candidates.

    The sum of a run's weights is its offer keys' order as one number in mixed radix, so the least sum is the
    lexicographically first choice. Tasks without a choice are left out.
    """
    phases = []
    run: list[int] = []
    size = 1
    for task in problem.tasks:
        count = len(problem.rank[task])
        if count == 1:
            continue
        if run and size * count > LARGEST_WEIGHT:
            phases.append((run, _weights(problem, run)))
            run, size = [], 1
        run.append(task)
        size *= count
    if run:
        phases.append((run, _weights(problem, run)))
    return phases


def _weights(problem: Problem, run: list[int]) -> dict[int, list[int]]:
    weights: dict[int, list[int]] = {}
    unit = 1
    for task in reversed(run):
        ranks = problem.rank[task].tolist()
        position = {rank: at for at, rank in enumerate(sorted(ranks))}
        weights[task] = [position[rank] * unit for rank in ranks]
        unit *= len(ranks)
    return weights
