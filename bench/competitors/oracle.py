"""Every combination of candidates, where there are few: the one proof that needs no argument."""

from __future__ import annotations

import math
import time

import numpy as np

from bench.competitor import UNSUPPORTED, Answer, Competitor, run
from bench.instance import Instance, Ints
from bench.moves import between, candidates, in_order

MOST = 250_000
"""Combinations that are tried at most."""


def solve(instance: Instance, objective: str, _limit_s: float) -> Answer:
    """Try all combinations at once."""
    counts = np.diff(instance.start).tolist()
    if math.prod(counts) > MOST:
        return UNSUPPORTED
    if not math.prod(counts):
        return Answer("infeasible")
    started = time.perf_counter()
    choices = [np.asarray(each) for each in np.unravel_index(np.arange(math.prod(counts)), counts)]
    values = _costs(instance, choices) if objective == "cost" else _makespans(instance, choices)
    best = int(values.argmin())
    seconds = time.perf_counter() - started
    value = int(values[best])
    return Answer("optimal", value, value, [int(each[best]) for each in choices], solve_seconds=seconds)


def _costs(instance: Instance, choices: list[Ints]) -> Ints:
    total = np.zeros(len(choices[0]), dtype=np.int64)
    for task, chosen in enumerate(choices):
        total += instance.cost[candidates(instance, task)][chosen]
    for edge, (u, v) in enumerate(zip(instance.source.tolist(), instance.target.tolist(), strict=True)):
        total += between(instance, instance.move_cost, edge)[choices[u], choices[v]]
    return total


def _makespans(instance: Instance, choices: list[Ints]) -> Ints:
    start = [instance.ready[candidates(instance, task)][chosen] for task, chosen in enumerate(choices)]
    end = list(start)
    for task in in_order(instance):
        for edge in np.flatnonzero(instance.target == task).tolist():
            before = int(instance.source[edge])
            waits = between(instance, instance.move_seconds, edge)[choices[before], choices[task]]
            start[task] = np.maximum(start[task], end[before] + waits)
        end[task] = start[task] + instance.seconds[candidates(instance, task)][choices[task]]
    makespans: Ints = np.max(np.stack(end), axis=0)
    return makespans


COMPETITOR = Competitor("every combination", solve)

if __name__ == "__main__":
    run(COMPETITOR)
