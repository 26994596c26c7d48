"""Schedule: what one choice of candidates amounts to, in money and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solver.problem import Problem, Row
from solver.request import Objective


@dataclass(frozen=True, slots=True)
class Schedule:
    """One candidate a task and everything that follows from it.

    ``transfer_cost`` and ``transfer_s`` are by edge, ``start_s`` by task; ``cost`` is of nodes, inputs and
    transfers; ``makespan_s`` is when the last task ends.
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


def schedule(problem: Problem, choice: Sequence[int]) -> Schedule:
    """Return the earliest schedule of ``choice``, the index of one candidate a task."""
    place = [problem.place[t][choice[t]] for t in problem.tasks]
    moves = [
        problem.network.transfer(at, place[e.source], place[e.target]) for at, e in enumerate(problem.edges)
    ]
    start = [problem.ready[t][choice[t]] for t in problem.tasks]
    finish = [0] * len(start)
    into: list[list[int]] = [[] for _ in problem.tasks]
    for at, edge in enumerate(problem.edges):
        into[edge.target].append(at)
    for task in problem.order:
        arrivals = [finish[problem.edges[at].source] + moves[at][1] for at in into[task]]
        start[task] = max([start[task], *arrivals])
        finish[task] = start[task] + problem.seconds[task][choice[task]]
    return Schedule(
        choice=tuple(choice),
        transfer_cost=tuple(cost for cost, _ in moves),
        transfer_s=tuple(seconds for _, seconds in moves),
        start_s=tuple(start),
        cost=sum(problem.cost[t][choice[t]] for t in problem.tasks) + sum(cost for cost, _ in moves),
        makespan_s=max(finish, default=0),
    )


def order_key(problem: Problem, answer: Schedule) -> tuple[int, int, Row]:
    """Return the total order that makes the optimum unique: objective, the other one, then offer keys."""
    ranks = tuple(problem.rank[t][answer.choice[t]] for t in problem.tasks)
    if problem.objective is Objective.COST:
        return answer.cost, answer.makespan_s, ranks
    return answer.makespan_s, answer.cost, ranks
