"""The best candidate of each task by itself, whatever moving the data costs: what a first script does."""

from __future__ import annotations

import time

from bench.competitor import UNSUPPORTED, Answer, Competitor, run
from bench.instance import Instance


def solve(instance: Instance, objective: str, _limit_s: float) -> Answer:
    """Take each task's cheapest candidate, or its fastest."""
    if not all(instance.start[1:] > instance.start[:-1]):
        return UNSUPPORTED
    started = time.perf_counter()
    own = instance.cost if objective == "cost" else instance.ready + instance.seconds
    ends = zip(instance.start[:-1].tolist(), instance.start[1:].tolist(), strict=True)
    choice = [int(own[first:last].argmin()) for first, last in ends]
    seconds = time.perf_counter() - started
    value = instance.evaluate(choice)[objective == "time"]
    return Answer("feasible", value, choice=choice, solve_seconds=seconds)


COMPETITOR = Competitor("each task by itself", solve)

if __name__ == "__main__":
    run(COMPETITOR)
