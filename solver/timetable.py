"""Timetable: one plan, open to single moves, with what each move would change."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np

from solver.columns import Ints
from solver.problem import Problem


class Timetable:
    """The starts and the remaining times of a plan; a move updates only what depends on it.

    ``start[t]`` is when task t starts, ``after[t]`` the time from its end to the plan's.
    """

    def __init__(self, problem: Problem, choice: Sequence[int]) -> None:
        self.problem = problem
        self.choice = list(choice)
        self.place: list[int] = problem.place.pick(choice).tolist()
        self.seconds: list[int] = problem.seconds.pick(choice).tolist()
        count = len(self.choice)
        self.start, self.after = [0] * count, [0] * count
        self._position = [0] * count
        for at, task in enumerate(problem.order):
            self._position[task] = at
        _, waits = problem.network.transfers(
            np.arange(len(problem.edges)),
            np.array(self.place, dtype=np.int64)[problem.source],
            np.array(self.place, dtype=np.int64)[problem.target],
        )
        self._waits: list[int] = waits.tolist()
        self._source, self._target = problem.source.tolist(), problem.target.tolist()
        for task in problem.order:
            self.start[task] = self._start_of(task)
        for task in reversed(problem.order):
            self.after[task] = self._after_of(task)

    @property
    def makespan_s(self) -> int:
        """When the plan ends."""
        return max(map(self.through, self.problem.tasks), default=0)

    def through(self, task: int) -> int:
        """Return the length of the longest way through ``task``."""
        return self.start[task] + self.seconds[task] + self.after[task]

    def wait(self, edge: int) -> int:
        """Return how long the data of ``edge`` travels."""
        return self._waits[edge]

    def alternatives(self, task: int) -> tuple[Ints, Ints]:
        """Return, by candidate of ``task``, its cost with its transfers and the longest way through it."""
        problem, network = self.problem, self.problem.network
        place = problem.place[task]
        cost, start, after = problem.cost[task].copy(), problem.ready[task], problem.tail[task]
        for at in problem.edges_into[task]:
            other = self._source[at]
            paid, waited = network.to_places(at, self.place[other])
            cost += paid[place]
            start = np.maximum(start, self.start[other] + self.seconds[other] + waited[place])
        for at in problem.edges_out_of[task]:
            other = self._target[at]
            paid, waited = network.from_places(at, self.place[other])
            cost += paid[place]
            after = np.maximum(after, waited[place] + self.seconds[other] + self.after[other])
        return cost, start + problem.seconds[task] + after

    def move(self, task: int, candidate: int) -> None:
        """Let ``task`` take ``candidate``."""
        problem = self.problem
        self.choice[task] = candidate
        self.place[task] = int(problem.place[task][candidate])
        self.seconds[task] = int(problem.seconds[task][candidate])
        into, out = problem.edges_into[task], problem.edges_out_of[task]
        for at in (*into, *out):
            ends = self.place[self._source[at]], self.place[self._target[at]]
            self._waits[at] = self._wait(at, *ends)
        self._spread_forward([task, *(self._target[at] for at in out)])
        self._spread_back([task, *(self._source[at] for at in into)])

    def _wait(self, at: int, source: int, target: int) -> int:
        network = self.problem.network
        tariff = network.tariff[at]
        if tariff < 0 or source == target:
            return 0
        return int(network.seconds[tariff, network.zone[source], network.zone[target]])

    def _start_of(self, task: int) -> int:
        earliest = int(self.problem.ready[task][self.choice[task]])
        for at in self.problem.edges_into[task]:
            other = self._source[at]
            earliest = max(earliest, self.start[other] + self.seconds[other] + self._waits[at])
        return earliest

    def _after_of(self, task: int) -> int:
        longest = int(self.problem.tail[task][self.choice[task]])
        for at in self.problem.edges_out_of[task]:
            other = self._target[at]
            longest = max(longest, self._waits[at] + self.seconds[other] + self.after[other])
        return longest

    def _spread_forward(self, tasks: list[int]) -> None:
        queue = sorted({(self._position[task], task) for task in tasks})
        moved = queue[0][1]
        while queue:
            _, task = heapq.heappop(queue)
            start = self._start_of(task)
            if start != self.start[task] or task == moved:
                self.start[task] = start
                for at in self.problem.edges_out_of[task]:
                    entry = self._position[self._target[at]], self._target[at]
                    if entry not in queue:
                        heapq.heappush(queue, entry)

    def _spread_back(self, tasks: list[int]) -> None:
        queue = sorted({(-self._position[task], task) for task in tasks})
        moved = queue[0][1]
        while queue:
            _, task = heapq.heappop(queue)
            after = self._after_of(task)
            if after != self.after[task] or task == moved:
                self.after[task] = after
                for at in self.problem.edges_into[task]:
                    entry = -self._position[self._source[at]], self._source[at]
                    if entry not in queue:
                        heapq.heappush(queue, entry)
