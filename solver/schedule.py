"""Schedule: what one choice of candidates amounts to, in money and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solver.columns import Ints
from solver.problem import Problem, Row
from solver.request import Objective


@dataclass(frozen=True, slots=True)
class Schedule:
    """One candidate a task and everything that follows from it.

    ``transfer_cost`` and ``transfer_s`` are by edge, ``start_s`` by task; ``cost`` is of nodes, inputs and
    transfers; ``makespan_s`` is when the plan ends.
    """

    choice: Row
    transfer_cost: Row
    transfer_s: Row
    start_s: Row
    cost: int
    makespan_s: int

    def value(self, objective: Objective) -> int:
        """Return what ``objective`` minimises."""
        return self.cost if objective is Objective.COST else self.makespan_s


def schedule(problem: Problem, choice: Sequence[int] | Ints) -> Schedule:
    """Return the earliest schedule of ``choice``, the index of one candidate a task."""
    place = problem.place.pick(choice)
    paid, waited = problem.network.transfers(
        np.arange(len(problem.edges)), place[problem.source], place[problem.target]
    )
    start = problem.ready.pick(choice).tolist()
    seconds = problem.seconds.pick(choice).tolist()
    tail = problem.tail.pick(choice).tolist()
    moves, source = waited.tolist(), problem.source.tolist()
    finish = [0] * len(start)
    for task in problem.order:
        earliest = start[task]
        for at in problem.edges_into[task]:
            earliest = max(earliest, finish[source[at]] + moves[at])
        start[task] = earliest
        finish[task] = earliest + seconds[task]
    return Schedule(
        choice=tuple(map(int, choice)),
        transfer_cost=tuple(paid.tolist()),
        transfer_s=tuple(moves),
        start_s=tuple(start),
        cost=int(problem.cost.pick(choice).sum() + paid.sum()),
        makespan_s=max(map(sum, zip(finish, tail, strict=True)), default=0),
    )


def order_key(problem: Problem, answer: Schedule) -> tuple[int, int, Row]:
    """Return the total order that makes the optimum unique: objective, the other one, then offer keys."""
    ranks = tuple(problem.rank.pick(answer.choice).tolist())
    if problem.objective is Objective.COST:
        return answer.cost, answer.makespan_s, ranks
    return answer.makespan_s, answer.cost, ranks
