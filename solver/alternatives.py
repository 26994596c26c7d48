"""Alternatives: the runners-up of one task, the rest of the plan staying as it is."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from solver.candidates import Candidates
from solver.columns import Ints
from solver.leaders import Values, first_of_groups
from solver.problem import Problem
from solver.request import Objective
from solver.schedule import Schedule
from solver.timetable import Timetable


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

    def runners_up(self, chosen: int, count: int) -> list[int]:
        """Return the first ``count`` that are not ``chosen``, in the objective's order.

        They are among the groups whose leaders are the first, since none comes before its own leader.
        """
        group = self.candidates.group
        wanted = np.zeros(int(group.max()) + 1, dtype=bool)
        wanted[group[_leading(self.candidates.leaders, count + 1, self._order())]] = True
        among = np.flatnonzero(wanted[group])
        return self.best(among[among != chosen], count)

    def first_of_kinds(self) -> list[int]:
        """Return the best of each (cloud, accelerator, market), in the objective's order."""
        leaders = self.candidates.leaders
        at = first_of_groups(leaders, self.candidates.kind(leaders), self._order())
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


def rankings(problem: Problem, answer: Schedule, candidates: Sequence[Candidates]) -> Iterator[Ranking]:
    """Rank each task's candidates with every other task where ``answer`` puts it."""
    table = Timetable(problem, answer.choice)
    for task, (of_task, least_s) in enumerate(zip(candidates, _without_each(table), strict=True)):
        yield Ranking(problem.objective, of_task, *_surroundings(table, task), least_s)


def _surroundings(table: Timetable, task: int) -> tuple[Ints, Ints, Ints]:
    """Return by place the transfers' cost, when all data is there, and the longest way to the plan's end."""
    problem = table.problem
    cost: Ints = np.zeros(len(problem.network.zone), dtype=np.int64)
    ready_s, way_out_s = cost.copy(), cost.copy()
    for at in problem.edges_into[task]:
        other = problem.edges[at].source
        paid, waited = problem.network.to_places(at, table.place[other])
        cost += paid
        ready_s = np.maximum(ready_s, table.start[other] + table.seconds[other] + waited)
    for at in problem.edges_out_of[task]:
        other = problem.edges[at].target
        paid, waited = problem.network.from_places(at, table.place[other])
        cost += paid
        way_out_s = np.maximum(way_out_s, waited + table.seconds[other] + table.after[other])
    return cost, ready_s, way_out_s


def _without_each(table: Timetable) -> list[int]:
    """Return, by task, when the plan would end if that task, and what moves from and to it, took no time.

    In the topological order, a way that avoids a task steps over it: on one edge, before its first task or
    after its last. So the longest of them is the longest step over the task's position.
    """
    problem = table.problem
    position = {task: at for at, task in enumerate(problem.order)}
    steps = []
    for task in problem.tasks:
        ready, tail = (int(values[task][table.choice[task]]) for values in (problem.ready, problem.tail))
        rest = table.seconds[task] + table.after[task]
        steps.append((-1, position[task], ready + rest))
        steps.append((position[task], len(position), table.start[task] + table.seconds[task] + tail))
    ends = [start + seconds for start, seconds in zip(table.start, table.seconds, strict=True)]
    for at, edge in enumerate(problem.edges):
        rest = table.seconds[edge.target] + table.after[edge.target]
        steps.append(
            (position[edge.source], position[edge.target], ends[edge.source] + table.wait(at) + rest)
        )
    steps.sort(key=lambda step: step[0], reverse=True)
    over: list[tuple[int, int]] = []  # a heap of (-length, where the step lands)
    without = [0] * len(position)
    for at, task in enumerate(problem.order):
        while steps and steps[-1][0] < at:
            _, lands, length = steps.pop()
            heapq.heappush(over, (-length, lands))
        while over and over[0][1] <= at:
            heapq.heappop(over)
        before = max((ends[problem.edges[e].source] for e in problem.edges_into[task]), default=0)
        targets = [problem.edges[e].target for e in problem.edges_out_of[task]]
        after = max((table.seconds[other] + table.after[other] for other in targets), default=0)
        without[task] = max(before + after, -over[0][0] if over else 0)
    return without
