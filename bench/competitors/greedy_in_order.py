"""One task after the other, each where it adds least given what was chosen before it."""

from __future__ import annotations

import time

import numpy as np

from bench.competitor import UNSUPPORTED, Answer, Competitor, run
from bench.instance import Instance
from bench.moves import between, candidates, in_order


def solve(instance: Instance, objective: str, _limit_s: float) -> Answer:
    """Take what adds least to the cost, or ends first."""
    if not all(instance.start[1:] > instance.start[:-1]):
        return UNSUPPORTED
    started = time.perf_counter()
    into: list[list[int]] = [[] for _ in range(instance.tasks)]
    for edge, target in enumerate(instance.target.tolist()):
        into[target].append(edge)
    choice, end = [0] * instance.tasks, [0] * instance.tasks
    for task in in_order(instance):
        own = candidates(instance, task)
        if objective == "cost":
            value = instance.cost[own].copy()
            for edge in into[task]:
                value += between(instance, instance.move_cost, edge)[choice[instance.source[edge]]]
        else:
            value = instance.ready[own].copy()
            for edge in into[task]:
                before = int(instance.source[edge])
                arrives = end[before] + between(instance, instance.move_seconds, edge)[choice[before]]
                value = np.maximum(value, arrives)
            value += instance.seconds[own]
        choice[task] = int(value.argmin())
        end[task] = int(value.min())
    seconds = time.perf_counter() - started
    found = instance.evaluate(choice)[objective == "time"]
    return Answer("feasible", found, choice=choice, solve_seconds=seconds)


COMPETITOR = Competitor("one task after the other", solve)

if __name__ == "__main__":
    run(COMPETITOR)
