"""Alternatives: the runners-up of one task, the rest of the plan staying as it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.candidates import Candidates
from solver.columns import Ints
from solver.problem import Problem
from solver.request import Objective
from solver.schedule import Schedule


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """All candidates of one task by what the plan would cost and how long it would wait with each.

    ``cost`` adds to the candidate's own cost the transfers from and to the neighbours' chosen places;
    ``end_s`` is when the task's data would have reached the last neighbour.
    """

    candidates: Candidates
    major: Ints
    minor: Ints

    def best(self, among: Ints, count: int) -> list[int]:
        """Return the first ``count`` of ``among`` in the objective's order, ties by offer key."""
        order = (self.major, self.minor, self.candidates.key)
        among = _leading(among, count, order)
        sort = np.lexsort(tuple(values[among] for values in reversed(order)))
        return [int(at) for at in among[sort]]

    def first_of_groups(self, group: Ints) -> list[int]:
        """Return the best candidate of each group, in the objective's order."""
        at = np.arange(len(group))
        for values in (self.major, self.minor, self.candidates.key):
            least = np.full(int(group.max()) + 1, np.iinfo(np.int64).max)
            np.minimum.at(least, group[at], values[at])
            at = at[values[at] == least[group[at]]]
        return self.best(at, len(at))


def _leading(among: Ints, count: int, order: tuple[Ints, ...]) -> Ints:
    """Return the first ``count`` of ``among`` by ``order``, unsorted; ties go on to its next array."""
    if not count:
        return among[:0]
    sure = []
    for values in order:
        if len(among) <= count:
            break
        here = values[among]
        last = np.partition(here, count - 1)[count - 1]
        sure.append(among[here < last])
        count -= len(sure[-1])
        among = among[here == last]
    return np.concatenate([*sure, among])


def ranking(problem: Problem, answer: Schedule, task: int, candidates: Candidates) -> Ranking:
    """Rank ``candidates`` of ``task`` with every other task where ``answer`` puts it."""
    cost, ready_s, tail_s = _surroundings(problem, answer, task)
    place = candidates.place
    total = candidates.cost_micro_usd + cost[place]
    start = np.maximum(candidates.ready_s, ready_s[place])
    end = start + candidates.seconds + tail_s[place]
    first, second = (total, end) if problem.objective is Objective.COST else (end, total)
    return Ranking(candidates, first, second)


def _surroundings(problem: Problem, answer: Schedule, task: int) -> tuple[Ints, Ints, Ints]:
    """Return, by place: the transfers' cost, when all data is there, and the longest way out."""
    count = len(problem.network.zone)
    cost, ready_s, tail_s = (np.zeros(count, dtype=np.int64) for _ in range(3))
    for at, edge in enumerate(problem.edges):
        if task not in (edge.source, edge.target):
            continue
        outward = edge.source == task
        other = edge.target if outward else edge.source
        there = problem.place[other][answer.choice[other]]
        ends = [(place, there) if outward else (there, place) for place in range(count)]
        moves = np.array([problem.network.transfer(at, *pair) for pair in ends], dtype=np.int64)
        cost += moves[:, 0]
        if outward:
            tail_s = np.maximum(tail_s, moves[:, 1])
        else:
            finish = answer.start_s[other] + problem.seconds[other][answer.choice[other]]
            ready_s = np.maximum(ready_s, finish + moves[:, 1])
    return cost, ready_s, tail_s
