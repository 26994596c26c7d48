"""Alternatives: the runners-up of one task, the rest of the plan staying as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from solver.candidates import Candidates
from solver.columns import Ints
from solver.filters import MARKETS
from solver.problem import Problem
from solver.request import Objective
from solver.schedule import Schedule

Values: TypeAlias = Callable[[Ints], Ints]
"""The values that an order compares, of the candidates at the given positions."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """All candidates of one task by what the plan would cost and how long it would take with each.

    By place: ``moves_micro_usd`` is what the transfers from and to the neighbours' chosen places cost,
    ``ready_s`` when all their data is there, ``way_out_s`` the time from the task's end to the plan's. The
    plan takes ``least_s`` however fast the task is.
    """

    objective: Objective
    candidates: Candidates
    moves_micro_usd: Ints
    ready_s: Ints
    way_out_s: Ints
    least_s: int

    def best(self, among: Ints, count: int) -> list[int]:
        """Return the first ``count`` of ``among`` in the objective's order, ties by offer key."""
        order = self._order()
        among = _leading(among, count, order)
        sort = np.lexsort(tuple(values(among) for values in reversed(order)))
        return [int(at) for at in among[sort]]

    def first_of_kinds(self, leaders: Ints) -> list[int]:
        """Return the best ``leaders`` of each (cloud, accelerator, market), in the objective's order."""
        at = _first_of_groups(leaders, kind_of(self.candidates, leaders), self._order())
        return self.best(at, len(at))

    def _order(self) -> tuple[Values, Values, Values]:
        first, second = (self._cost, self._makespan_s)
        if self.objective is Objective.TIME:
            first, second = second, first
        return first, second, self.candidates.key.__getitem__

    def _cost(self, at: Ints) -> Ints:
        total: Ints = self.candidates.cost_micro_usd[at] + self.moves_micro_usd[self.candidates.place[at]]
        return total

    def _makespan_s(self, at: Ints) -> Ints:
        place = self.candidates.place[at]
        start = np.maximum(self.candidates.ready_s[at], self.ready_s[place])
        end = start + self.candidates.seconds[at] + self.way_out_s[place]
        makespan: Ints = np.maximum(end, self.least_s)
        return makespan


def leaders_of(candidates: Candidates) -> Ints:
    """Return the best of each place, runtime and (cloud, accelerator, market).

    What the rest of the plan adds depends on place and runtime alone, so no other one can lead its kind.
    """
    at = np.arange(len(candidates))
    kind = kind_of(candidates, at)
    group = candidates.place * (int(kind.max()) + 1) + kind
    if np.ptp(candidates.seconds):
        runtimes, runtime = np.unique(candidates.seconds, return_inverse=True)
        group = group * len(runtimes) + runtime
    order = candidates.cost_micro_usd.__getitem__, candidates.key.__getitem__
    return _first_of_groups(at, group, order)


def kind_of(candidates: Candidates, at: Ints) -> Ints:
    """Return the number of each candidate's (cloud, accelerator, market)."""
    kind: Ints = candidates.columns.kind[candidates.row[at]] * len(MARKETS) + candidates.market[at]
    return kind


def _first_of_groups(at: Ints, group: Ints, order: tuple[Values, ...]) -> Ints:
    """Return the first of each group; ``group`` belongs to the candidates ``at``."""
    for values in order:
        here = values(at)
        if not np.ptp(here):
            continue
        least = np.full(int(group.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(least, group, here)
        kept = here == least[group]
        at, group = at[kept], group[kept]
    return at


def _leading(among: Ints, count: int, order: tuple[Values, ...]) -> Ints:
    """Return the first ``count`` of ``among`` by ``order``, unsorted; ties go on to its next values."""
    if not count:
        return among[:0]
    sure = []
    for values in order:
        if len(among) <= count:
            break
        here = values(among)
        if not np.ptp(here):
            continue
        last = np.partition(here, count - 1)[count - 1]
        sure.append(among[here < last])
        count -= len(sure[-1])
        among = among[here == last]
    return np.concatenate([*sure, among])


def ranking(problem: Problem, answer: Schedule, task: int, candidates: Candidates) -> Ranking:
    """Rank ``candidates`` of ``task`` with every other task where ``answer`` puts it."""
    return Ranking(problem.objective, candidates, *_surroundings(problem, answer, task))


def _surroundings(problem: Problem, answer: Schedule, task: int) -> tuple[Ints, Ints, Ints, int]:
    """Return by place the transfers' cost, when all data is there, and the longest way to the plan's end.

    The last value is when the plan ends if ``task`` takes no time at all.
    """
    count = len(problem.network.zone)
    cost: Ints = np.zeros(count, dtype=np.int64)
    ready_s, way_out_s = cost.copy(), cost.copy()
    after, least_s = _rest(problem, answer, task)
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
            way_out_s = np.maximum(way_out_s, moves[:, 1] + after[other])
        else:
            finish = answer.start_s[other] + problem.seconds[other][answer.choice[other]]
            ready_s = np.maximum(ready_s, finish + moves[:, 1])
    return cost, ready_s, way_out_s, least_s


def _rest(problem: Problem, answer: Schedule, task: int) -> tuple[list[int], int]:
    """Return the time from each task's start to the plan's end, and the latter if ``task`` takes no time."""
    seconds = [0 if t == task else problem.seconds[t][answer.choice[t]] for t in problem.tasks]
    moves = [
        0 if task in (edge.source, edge.target) else wait
        for edge, wait in zip(problem.edges, answer.transfer_s, strict=True)
    ]
    after = [0] * len(seconds)
    for this in reversed(problem.order):
        ways = [moves[at] + after[problem.edges[at].target] for at in problem.edges_out_of(this)]
        after[this] = seconds[this] + max(ways, default=0)
    ready = [0 if t == task else problem.ready[t][answer.choice[t]] for t in problem.tasks]
    return after, max(wait + rest for wait, rest in zip(ready, after, strict=True))
