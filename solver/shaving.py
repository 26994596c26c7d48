"""Shaving: try each place of a task in turn, and keep what all the trials agree on.

Time bounds take each edge by itself, so two ways that part at a task may count on its being at two places. A
trial puts it at one. What the bounds then say near it, and which places they leave, holds for every plan with
the task there; what holds in each of its trials holds for every plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from solver.columns import Ints, Mask
from solver.grid import NEVER
from solver.time_bounds import TimeBounds, Timing

_REACH = 30
"""How many tasks before and after it, in topological order, a trial looks at."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Tasks of one level, and what leads to them: the ``far`` ends of their halves.

    ``first`` begins each task's run of halves; ``tariffs`` are the halves' (see ``Grid.tariffs``). Tasks are
    positions in a stretch of the topological order.
    """

    tasks: Ints
    far: Ints
    first: Ints
    tariffs: Ints


@dataclass(slots=True)
class _Times:
    """Bounds by task, trial and place: the least ``start``, ``seconds`` and time ``after``.

    ``seconds`` is ``NEVER`` where a place is out.
    """

    start: Ints
    seconds: Ints
    after: Ints

    def trials(self, task: int, places: Ints) -> _Times:
        """Return a trial for each of the ``places`` of ``task``; there must be one of these times so far."""
        start, seconds, after = (
            np.repeat(values, len(places), axis=1) for values in (self.start, self.seconds, self.after)
        )
        seconds[task] = NEVER
        seconds[task, np.arange(len(places)), places] = self.seconds[task, 0, places]
        return _Times(start, seconds, after)

    def drop(self, limit: int) -> None:
        """Rule out the places that make a plan longer than ``limit``."""
        self.seconds[self.start + self.seconds + self.after > limit] = NEVER

    def agree(self, other: _Times) -> bool:
        """Take over what all the trials ``other`` say that leave every task a place; whether there is any."""
        out = other.seconds >= NEVER
        left = ~out.all(axis=2).any(axis=0)
        if not left.any():
            return False
        for mine, theirs in ((self.start, other.start), (self.after, other.after)):
            least = np.where(out, NEVER, theirs)[:, left].min(axis=1, keepdims=True)
            np.maximum(mine, least, out=mine)
        self.seconds[out[:, left].all(axis=1, keepdims=True)] = NEVER
        return True


class Shaving:
    """What plans of at most ``limit`` seconds may use, by task and place, and when.

    ``alive`` and ``bounds`` are what ``timing`` says of that limit. Tasks are positions in topological order.
    """

    def __init__(self, timing: Timing, limit: int, alive: Mask, bounds: TimeBounds) -> None:
        self.limit, self._timing, self._alive, self._bounds = limit, timing, alive, bounds
        grid, problem = timing.grid, timing.problem
        order = np.array(problem.order, dtype=np.int64)
        self._position = np.argsort(order)
        start, seconds, after = (
            grid.least(np.where(alive, values, NEVER))[order][:, None]
            for values in (bounds.start, problem.seconds.flat, bounds.after)
        )
        self._times = _Times(start, seconds, after)
        self._end = self._position[grid.end]
        self._source, self._target = self._end[::2], self._end[1::2]
        edges = np.arange(len(grid.edges))
        self._forward = self._sorted(2 * edges + 1, timing.depth[order])
        self._backward = self._sorted(2 * edges, timing.height[order])

    def _sorted(self, halves: Ints, number: Ints) -> tuple[Ints, Ints]:
        """Return ``halves`` by their task's ``number``, and task by task within it, and the numbers."""
        task = self._end[halves]
        order = np.lexsort((task, number[task]))
        return halves[order], number[task[order]]

    @property
    def sizes(self) -> Ints:
        """How many places each task has left."""
        left: Ints = (self._times.seconds < NEVER).sum(axis=(1, 2))
        return left

    def try_places(self, task: int) -> bool:
        """Try the places of ``task``; return whether some plan may be within the limit."""
        begin, stop = max(task - _REACH, 0), min(task + _REACH + 1, len(self._position))
        times, at = self._times, slice(begin, stop)
        near = _Times(times.start[at], times.seconds[at], times.after[at])
        trials = near.trials(task - begin, np.flatnonzero(times.seconds[task, 0] < NEVER))
        self._tighten(trials, self._steps(begin, stop, task))
        return near.agree(trials)

    def spread(self) -> bool:
        """Carry what was found all along the graph; return whether some plan may be within the limit."""
        steps, left = self._steps(0, len(self._position), 0), -1
        while left != (left := int(self.sizes.sum())):
            self._tighten(self._times, steps)
        return bool(self.sizes.all())

    def narrowed(self) -> tuple[Mask, TimeBounds]:
        """Return the candidates that a plan within the limit may use, with their bounds."""
        problem, cell = self._timing.problem, self._timing.grid.cell
        start, after = (
            np.maximum(values[self._position].reshape(-1)[cell], known)
            for values, known in (
                (self._times.start, self._bounds.start),
                (self._times.after, self._bounds.after),
            )
        )
        out = (self._times.seconds[self._position] >= NEVER).reshape(-1)[cell]
        through = start + problem.seconds.flat + after
        alive = self._alive & ~out & (through <= self.limit)
        return alive, TimeBounds(start, after, np.where(alive, through, NEVER))

    def _tighten(self, times: _Times, steps: tuple[list[_Step], list[_Step]]) -> None:
        forward, backward = steps
        self._pass_on(forward, times.start, times.seconds)
        times.drop(self.limit)
        self._pass_on(backward, times.after, times.seconds)
        times.drop(self.limit)

    def _pass_on(self, steps: list[_Step], bounds: Ints, seconds: Ints) -> None:
        """Raise the ``bounds`` of each level's tasks to what lies beyond them and the crossing."""
        _, trials, places = bounds.shape
        for step in steps:
            beyond = np.minimum(bounds[step.far] + seconds[step.far], NEVER).reshape(-1, places)
            crossed = self._timing.grid.cross(np.repeat(step.tariffs, trials, axis=2), beyond)
            arrival = crossed.reshape(-1, trials, places)
            if len(step.first) < len(arrival):
                arrival = np.maximum.reduceat(arrival, step.first, axis=0)
            bounds[step.tasks] = np.maximum(bounds[step.tasks], arrival)

    def _steps(self, begin: int, stop: int, changed: int) -> tuple[list[_Step], list[_Step]]:
        """Return the levels of the edges among the tasks from ``begin`` to ``stop``, forward and backward.

        Forward, those before the first task that ``changed`` are left out.
        """
        inside = (self._source >= begin) & (self._target < stop)
        ahead = inside & (self._source >= changed)
        return self._levels(self._forward, ahead, begin), self._levels(self._backward, inside, begin)

    def _levels(self, ordered: tuple[Ints, Ints], edges: Mask, begin: int) -> list[_Step]:
        halves, number = (values[edges[ordered[0] >> 1]] for values in ordered)
        task, far = self._end[halves] - begin, self._end[halves ^ 1] - begin
        tariffs = self._timing.grid.tariffs(halves)
        changes = np.diff(task, prepend=-1) != 0
        steps = []
        for low, high in pairwise(np.flatnonzero(np.diff(number, prepend=-1, append=-1)).tolist()):
            first = np.flatnonzero(changes[low:high])
            steps.append(_Step(task[low:high][first], far[low:high], first, tariffs[:, :, low:high]))
        return steps
