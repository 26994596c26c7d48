"""Level: tasks around a loss that are visited at once, and what leads from them inward and outward.

The tasks are taken ring by ring, by their distance from the loss. A level lies above those of its tasks'
neighbours in the rings inside, so that one visit of each level carries amounts all the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from solver.columns import Ints, Mask
from solver.grid import NEVER, Grid, Group

DEAD = NEVER // 2
"""Terms of cells that are not alive are above this, and those of all others below."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """The halves of a level (their positions in it) that lead on, and into how many parts a term goes.

    ``tasks`` are the positions in the level of the tasks that own them, ``givers`` these tasks themselves.
    ``whole`` says that no term goes into more parts than one.
    """

    at: Ints
    tasks: Ints
    givers: Ints
    edges: Ints
    parts: Ints
    whole: bool

    def shares(self, terms: Ints) -> Ints:
        """Return, by task of the level, what each of its halves that lead on gets of its term."""
        if self.whole:
            return terms
        return np.where(terms >= DEAD, NEVER, terms // self.parts[:, None])


@dataclass(frozen=True, slots=True)
class Level:
    """Tasks without an edge between them, and all their halves.

    ``own`` is what their cells cost, ``NEVER`` where nothing is alive; ``beyond`` are the other halves of
    their edges, at ``far_end``; ``tariffs`` are the halves'.
    """

    group: Group
    own: Ints
    beyond: Ints
    far_end: Ints
    edges: Ints
    tariffs: Ints
    inner: Ahead
    outer: Ahead


def rings_around(neighbours: list[list[int]], tasks: list[int], size: int) -> tuple[list[list[int]], bool]:
    """Return ``tasks`` and those around them, ring by ring, and whether there are no more."""
    rings, seen = [tasks], set(tasks)
    while len(seen) < max(size, 4 * len(tasks)):
        ring = sorted({other for task in rings[-1] for other in neighbours[task]} - seen)
        if not ring:
            return rings, True
        rings.append(ring)
        seen.update(ring)
    return rings, False


def levels_of(grid: Grid, rings: list[list[int]], own: Ints) -> list[Level]:
    """Return the levels of the tasks in ``rings`` that have edges, outward; ``own`` is by task and place."""
    number = _numbers(grid.neighbours, rings)
    tasks = np.array([task for task in sorted(number, key=number.__getitem__) if grid.neighbours[task]], int)
    if not len(tasks):
        return []
    level = np.full(grid.tasks, -1, dtype=np.int64)
    level[tasks] = [number[task] for task in tasks.tolist()]
    at, owner = grid.halves_at.rows(tasks)
    halves = grid.halves_at.flat[at]
    far_end = grid.end[halves ^ 1]
    here, there = level[tasks[owner]], level[far_end]
    cuts = _Cuts.of(level[tasks], here)
    inner = cuts.aheads((there >= 0) & (there < here), tasks, halves, owner)
    outer = cuts.aheads(there > here, tasks, halves, owner)
    values, tariffs, beyond, edges = own[tasks], grid.tariffs(halves), halves ^ 1, halves >> 1
    sizes = grid.halves_at.sizes[tasks]
    first = np.cumsum(sizes) - sizes - cuts.halves[level[tasks]]
    position = owner - cuts.tasks[here]
    return [
        Level(
            group=Group(tasks[run], halves[part], first[run], position[part]),
            own=values[run],
            beyond=beyond[part],
            far_end=far_end[part],
            edges=edges[part],
            tariffs=tariffs[:, :, part],
            inner=inward,
            outer=outward,
        )
        for run, part, inward, outward in zip(
            _slices(cuts.tasks), _slices(cuts.halves), inner, outer, strict=True
        )
    ]


@dataclass(frozen=True, slots=True)
class _Cuts:
    """Where the levels begin, and the last ends, among ``tasks`` and ``halves`` that are sorted by level.

    ``here`` is the level of each half.
    """

    tasks: Ints
    halves: Ints
    here: Ints

    @staticmethod
    def of(level: Ints, here: Ints) -> _Cuts:
        numbers = np.arange(level[-1] + 2)
        return _Cuts(np.searchsorted(level, numbers), np.searchsorted(here, numbers), here)

    def aheads(self, mask: Mask, tasks: Ints, halves: Ints, owner: Ints) -> list[Ahead]:
        """Return by level its halves where ``mask`` is true; ``owner`` is each half's task's position."""
        at = np.flatnonzero(mask)
        own, here, edges = owner[at], self.here[at], halves[at] >> 1
        givers = tasks[own]
        parts = np.maximum(np.bincount(own, minlength=len(tasks)), 1)
        most = np.maximum.reduceat(parts, self.tasks[:-1]).tolist()
        within, own = at - self.halves[here], own - self.tasks[here]
        found = np.searchsorted(at, self.halves)
        return [
            Ahead(within[part], own[part], givers[part], edges[part], parts[run], whole=largest == 1)
            for run, part, largest in zip(_slices(self.tasks), _slices(found), most, strict=True)
        ]


def _slices(cuts: Ints) -> list[slice]:
    return [slice(begin, end) for begin, end in pairwise(cuts.tolist())]


def _numbers(neighbours: list[list[int]], rings: list[list[int]]) -> dict[int, int]:
    """Return by task the least number above its neighbours in the rings inside, and none of a neighbour's."""
    number: dict[int, int] = {}
    for ring in rings:
        here = set(ring)
        for task in ring:
            least, taken = 0, set()
            for other in neighbours[task]:
                if other in number:
                    taken.add(number[other])
                    if other not in here:
                        least = max(least, number[other] + 1)
            while least in taken:
                least += 1
            number[task] = least
    return number
