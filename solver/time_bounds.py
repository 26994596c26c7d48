"""Time bounds: the least time before and after each task at each place, and what no plan in time can use.

Forward, a task starts no sooner than the best of its predecessor's places lets its data arrive, for each edge
on its own; backward likewise. Together they bound the makespan of every plan through a candidate. Dropping
the candidates past a limit raises the bounds of those left, so the two are repeated until nothing changes; a
limit that leaves some task nothing is proven too small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.columns import Ints, Mask
from solver.grid import NEVER, Grid
from solver.problem import Problem, Row


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """Lower bounds for any plan that uses a candidate, by candidate (flat).

    The ``start`` of its task, the time ``after`` its end, and the makespan ``through`` it, which is ``NEVER``
    for candidates that are out.
    """

    start: Ints
    after: Ints
    through: Ints


class Timing:
    """The order in which the tasks of a problem are timed, level by level; made once for a problem.

    ``depth`` and ``height`` are the most edges on a way to a task, and from it.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        edges = np.arange(len(problem.edges))
        self.grid = grid = Grid(problem, edges, problem.network.seconds)
        self.depth = _depth(problem.order, problem.edges_into, problem.source)
        self.height = _depth(problem.order[::-1], problem.edges_out_of, problem.target)
        self._forward = grid.groups(self.depth, 2 * edges + 1)
        self._backward = grid.groups(self.height, 2 * edges)

    def bounds(self, alive: Mask) -> TimeBounds:
        """Return the bounds over plans of the candidates ``alive`` (flat); each task must have one."""
        problem, grid = self.problem, self.grid
        seconds, ready, tail = (
            grid.least(np.where(alive, values, NEVER))
            for values in (problem.seconds.flat, problem.ready.flat, problem.tail.flat)
        )
        start = np.where(ready < NEVER, ready, 0)
        after = np.where(tail < NEVER, tail, 0)
        for group in self._forward:
            source = grid.end[group.halves ^ 1]
            arrival = grid.across(group.halves, _capped(start[source] + seconds[source]))
            arrival = np.maximum.reduceat(arrival, group.first, axis=0)
            start[group.tasks] = np.maximum(start[group.tasks], arrival)
        for group in self._backward:
            target = grid.end[group.halves ^ 1]
            rest = grid.across(group.halves, _capped(seconds[target] + after[target]))
            rest = np.maximum.reduceat(rest, group.first, axis=0)
            after[group.tasks] = np.maximum(after[group.tasks], rest)
        begin = np.maximum(start.reshape(-1)[grid.cell], problem.ready.flat)
        rest = np.maximum(after.reshape(-1)[grid.cell], problem.tail.flat)
        return TimeBounds(begin, rest, np.where(alive, begin + problem.seconds.flat + rest, NEVER))

    def within(self, limit: int, alive: Mask | None = None) -> tuple[Mask, TimeBounds] | None:
        """Return what a plan of at most ``limit`` seconds may use, with its bounds; ``None`` if none is."""
        alive = np.ones(self.problem.size, dtype=bool) if alive is None else alive
        while True:
            bounds = self.bounds(alive)
            left = alive & (bounds.through <= limit)
            if np.array_equal(left, alive):
                return alive, bounds
            if not self._covers(left):
                return None
            alive = left

    def _covers(self, alive: Mask) -> bool:
        return bool(np.bincount(self.grid.task_of[alive], minlength=self.grid.tasks).all())


def least_makespan(problem: Problem, bounds: TimeBounds) -> int:
    """Return the least makespan that ``bounds`` allow."""
    return int(problem.seconds.like(bounds.through).least().max(initial=0))


def _depth(order: Row, edges_at: list[list[int]], other_end: Ints) -> Ints:
    """Return by task the most edges on a way to it, the tasks being in ``order`` along their edges."""
    depth = [0] * len(order)
    ends = other_end.tolist()
    for task in order:
        depth[task] = max((depth[ends[edge]] + 1 for edge in edges_at[task]), default=0)
    return np.array(depth, dtype=np.int64)


def _capped(values: Ints) -> Ints:
    return np.minimum(values, NEVER)
