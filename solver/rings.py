"""Rings: the tasks around a loss, by their distance from it, the others keeping to the last plan."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from solver.columns import Ints, Mask
from solver.dual_ascent import Duals, Floors
from solver.grid import NEVER, Group
from solver.problem import Problem

_DESCENTS = 3

_DEAD = NEVER // 2
"""Terms of cells that are not alive are above this, and those of all others below."""

_NEAR = 10_000
"""A gap of less than this part of the cost counts as none."""


@dataclass(frozen=True, slots=True)
class _Ahead:
    """The halves of a group (their positions in it) that lead on, and into how many parts a term goes.

    ``tasks`` are the positions in the group of the tasks that own them.
    """

    at: Ints
    tasks: Ints
    edges: Ints
    count: Ints
    parts: Ints


@dataclass(frozen=True, slots=True)
class _Ring:
    """Tasks of one distance and colour, with what leads to rings inside and outside of them.

    ``own`` is what their cells cost, ``NEVER`` where nothing is alive; ``beyond`` are the other halves of
    their edges, at ``far_end``.
    """

    group: Group
    own: Ints
    beyond: Ints
    far_end: Ints
    edges: Ints
    tariffs: Ints
    inner: _Ahead
    outer: _Ahead


class Rings:
    """The terms of the tasks around those that ``lost`` their candidate of ``choice``, at least ``size``.

    ``alive`` are the cells of plans worth finding, ``bound`` a lower bound of their cost. ``place`` and
    ``cost`` are of the best plan so far, ``last`` are the places of the last plan. ``known`` is false where
    a candidate's place is none of those that the amounts are of. ``is_all`` says that no more tasks are
    connected with the loss.
    """

    def __init__(
        self, problem: Problem, choice: Ints, lost: Mask, duals: Duals, floors: Floors, size: int
    ) -> None:
        self.problem, self.choice, self.lost = problem, choice, lost
        self.grid = grid = floors.grid
        self.moved = duals.moved.copy()
        self.of_tasks, self.of_edges = floors.of_tasks.copy(), floors.of_edges.copy()
        rings, self.is_all = _around(grid.neighbours, np.flatnonzero(lost).tolist(), size)
        self.tasks: Ints = np.array([task for ring in rings for task in ring], dtype=np.int64)
        self.inside: Mask = np.zeros(grid.tasks, dtype=bool)
        self.inside[self.tasks] = True
        self._apart: Ints = np.array([t for t in rings[0] if not grid.neighbours[t]], dtype=np.int64)
        self._touched: Mask = self.inside[grid.source] | self.inside[grid.target]
        self._fill()
        self._rings = self._grouped(rings)
        self.last: Ints = grid.column[problem.place.pick(choice)]
        self._elsewhere = self._cost_elsewhere()
        self.place, self.cost = self.last, NEVER

    def _grouped(self, rings: list[list[int]]) -> list[_Ring]:
        grid = self.grid
        groups: dict[int, list[int]] = {}
        for task, level in _levels(grid.neighbours, rings).items():
            if grid.halves_at[task]:
                groups.setdefault(level, []).append(task)
        ordered = [sorted(groups[level]) for level in sorted(groups)]
        tasks = np.array([task for group in ordered for task in group], dtype=np.int64)
        if not len(tasks):
            return []
        number = np.repeat(np.arange(len(ordered)), [len(group) for group in ordered])
        of_tasks = [grid.halves_at[task] for task in tasks.tolist()]
        halves = np.array([half for of_task in of_tasks for half in of_task], dtype=np.int64)
        at = np.repeat(np.arange(len(tasks)), [len(of_task) for of_task in of_tasks])
        first = np.flatnonzero(np.diff(at, prepend=-1))
        rank = np.full(grid.tasks, -1, dtype=np.int64)
        rank[tasks] = number
        far_end = grid.end[halves ^ 1]
        here, there = number[at], rank[far_end]
        inner, outer = (there >= 0) & (there < here), there > here
        bounds = np.flatnonzero(np.diff(number, prepend=-1, append=-1))
        found = []
        for begin, end in pairwise(bounds.tolist()):
            low = int(first[begin])
            high = int(first[end]) if end < len(first) else len(halves)
            run = slice(low, high)
            group = Group(tasks[begin:end], halves[run], first[begin:end] - low, at[run] - begin)
            edges = group.halves >> 1
            ahead = (_ahead(group, edges, mask[run]) for mask in (inner, outer))
            own, tariffs = self.own[group.tasks], grid.tariffs(group.halves)
            found.append(_Ring(group, own, group.halves ^ 1, far_end[run], edges, tariffs, *ahead))
        return found

    def _fill(self) -> None:
        """Read the cells of the tasks inside and of those next to them."""
        grid, problem = self.grid, self.problem
        near = self.inside.copy()
        near[grid.source[self._touched]] = True
        near[grid.target[self._touched]] = True
        wanted = np.flatnonzero(near)
        self._rows, which = problem.cost.rows(wanted)
        column = grid.column[problem.place.flat[self._rows]]
        self.known = bool((column >= 0).all())
        self._cells = wanted[which] * len(grid.places) + column
        self.own: Ints = np.full(grid.shape, NEVER)
        np.minimum.at(self.own.reshape(-1), self._cells, problem.cost.flat[self._rows])
        self.alive: Mask = self.own < NEVER
        halves = np.flatnonzero(near[grid.end])
        self.moved[halves] = np.where(self.alive[grid.end[halves]], self.moved[halves], -NEVER)

    @property
    def bound(self) -> int:
        """What any plan of the cells alive costs at least."""
        return int(self.of_tasks.sum() + self.of_edges.sum())

    @property
    def gap(self) -> int:
        """How much the best plan so far costs above the bound."""
        return self.cost - self.bound

    @property
    def near(self) -> bool:
        """Whether the gap is so small that it may come of rounding."""
        return self.gap * _NEAR <= self.cost

    @property
    def open(self) -> int:
        """How many cells of the tasks inside are alive, beside one each."""
        return int(self.alive[self.tasks].sum()) - len(self.tasks)

    @property
    def duals(self) -> Duals:
        """The amounts as they are now."""
        return Duals(self.grid.edges, self.grid.places, self.moved.copy(), self.grid.colour)

    @property
    def floors(self) -> Floors:
        """What the terms are at least, as they are now."""
        return Floors(self.grid, self.of_tasks.copy(), self.of_edges.copy())

    def inward(self, limit: int | None = None) -> None:
        """Carry the terms towards the loss; rule out what surely costs more than ``limit``."""
        for ring in reversed(self._rings):
            self._visit(ring, ring.inner, limit)
        self._visit_apart(limit)

    def outward(self, limit: int | None = None) -> None:
        """Carry the terms away from the loss; rule out what surely costs more than ``limit``."""
        for ring in self._rings:
            self._visit(ring, ring.outer, limit)

    def _visit_apart(self, limit: int | None) -> None:
        """Do with the tasks that have lost their candidate and have no edge what a visit does."""
        terms = self.own[self._apart]
        least = terms.min(axis=1)
        self.of_tasks[self._apart] = least
        if limit is not None:
            self.alive[self._apart] &= terms - least[:, None] <= limit - self.bound

    def _visit(self, ring: _Ring, ahead: _Ahead, limit: int | None) -> None:
        """Move into each task's term what its edges cost at least; give shares of it to the edges ahead."""
        tasks, own = ring.group.tasks, ring.own
        collected = self._collected(ring)
        terms = own + np.add.reduceat(collected, ring.group.first, axis=0)
        least = terms.min(axis=1)
        self.of_tasks[tasks] = least
        self.of_edges[ring.edges] = 0
        if limit is not None:
            dear = terms - least[:, None] > limit - self.bound
            self.alive[tasks] &= ~dear
            own[dear] = terms[dear] = NEVER
        if len(ahead.at):
            dead = terms >= _DEAD
            shares = np.where(dead, NEVER, terms // ahead.parts)
            given = shares[ahead.tasks]
            collected[ahead.at] -= given
            self.of_edges[ahead.edges] = given.min(axis=1)
            self.of_tasks[tasks] = np.where(dead, NEVER, terms - shares * ahead.count).min(axis=1)
        self.moved[ring.group.halves] = collected

    def _collected(self, ring: _Ring) -> Ints:
        beyond: Ints = -self.moved[ring.beyond]
        return self.grid.cross(ring.tariffs, beyond)

    def look(self) -> None:
        """Take the plan that the terms suggest if it is the best so far; where it is not near, improve it."""
        place = self._decode()
        cost = self._cost(place)
        if (cost - self.bound) * _NEAR > cost:
            place = self._descend(place)
            cost = self._cost(place)
        if cost < self.cost:
            self.place, self.cost = place, cost

    def _decode(self) -> Ints:
        """Return the place of each task in the plan that the terms suggest, from the loss outward."""
        place: Ints = self.last.copy()
        undecided = self.inside.copy()
        place[self._apart] = self.own[self._apart].argmin(axis=1)
        for ring in self._rings:
            collected = self._collected(ring)
            known = np.flatnonzero(~undecided[ring.far_end])
            halves, there = ring.group.halves[known], place[ring.far_end[known]]
            taken = self.moved[ring.beyond[known], there]
            collected[known] = self.grid.crossing(halves, there) - taken[:, None]
            place[ring.group.tasks] = self._best(ring, collected)
            undecided[ring.group.tasks] = False
        return place

    def _descend(self, place: Ints) -> Ints:
        for _ in range(_DESCENTS):
            before = place.copy()
            for ring in self._rings:
                crossing = self.grid.crossing(ring.group.halves, place[ring.far_end])
                place[ring.group.tasks] = self._best(ring, crossing)
            if np.array_equal(place, before):
                break
        return place

    def _best(self, ring: _Ring, of_halves: Ints) -> Ints:
        total: Ints = ring.own + np.add.reduceat(of_halves, ring.group.first, axis=0)
        best: Ints = total.argmin(axis=1)
        return best

    def _cost(self, place: Ints) -> int:
        paid = self.grid.paid(self._touched, place)
        return int(self._elsewhere + self.own[self.tasks, place[self.tasks]].sum() + paid.sum())

    def _cost_elsewhere(self) -> int:
        nodes = self.problem.cost.pick(self.choice)[~self.inside]
        return int(nodes.sum() + self.grid.paid(~self._touched, self.last).sum())

    def only_choice(self) -> Ints | None:
        """Return the best plan so far by candidate if what is alive proves that no other costs so little.

        That is so if it alone is alive where it differs from the last plan, and next to there.
        """
        place = self.place
        differs = self.lost | (place != self.last)
        core = differs.copy()
        source, target = self.grid.source, self.grid.target
        core[target[differs[source]]] = True
        core[source[differs[target]]] = True
        tasks = np.flatnonzero(core)
        if not self.inside[tasks].all() or (self.alive[tasks].sum(axis=1) != 1).any():
            return None
        cell = np.full(self.grid.tasks, -1, dtype=np.int64)
        cell[tasks] = tasks * len(self.grid.places) + place[tasks]
        slack = self.gap
        cost = self.problem.cost.flat[self._rows]
        task = self._cells // len(self.grid.places)
        found = np.flatnonzero(
            (self._cells == cell[task]) & (cost - self.own.reshape(-1)[self._cells] <= slack)
        )
        if len(found) != len(tasks):
            return None
        choice: Ints = self.choice.copy()
        choice[task[found]] = self._rows[found] - self.problem.cost.start[task[found]]
        return choice


def _ahead(group: Group, edges: Ints, mask: Mask) -> _Ahead:
    count = np.add.reduceat(mask.astype(np.int64), group.first)[:, None]
    at = np.flatnonzero(mask)
    return _Ahead(at, group.position[at], edges[at], count, np.maximum(count, 1))


def _around(neighbours: list[list[int]], tasks: list[int], size: int) -> tuple[list[list[int]], bool]:
    """Return ``tasks`` and those around them, ring by ring, and whether there are no more."""
    rings, seen = [tasks], set(tasks)
    while len(seen) < max(size, 4 * len(tasks)):
        ring = sorted({other for task in rings[-1] for other in neighbours[task]} - seen)
        if not ring:
            return rings, True
        rings.append(ring)
        seen.update(ring)
    return rings, False


def _levels(neighbours: list[list[int]], rings: list[list[int]]) -> dict[int, int]:
    """Return by task the least level above its neighbours in the rings inside, and apart from all others."""
    levels: dict[int, int] = {}
    before: set[int] = set()
    for ring in rings:
        for task in ring:
            inside = [levels[other] for other in neighbours[task] if other in before]
            taken = {levels[other] for other in neighbours[task] if other in levels}
            level = max(inside, default=-1) + 1
            while level in taken:
                level += 1
            levels[task] = level
        before.update(ring)
    return levels
