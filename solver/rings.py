"""Rings: the tasks around a loss, by their distance from it, the others keeping to the last plan."""

from __future__ import annotations

import numpy as np

from solver.columns import Ints, Mask
from solver.dual_ascent import Duals, Floors
from solver.grid import NEVER
from solver.level import Ahead, Level, levels_of, rings_around
from solver.problem import Problem

_DESCENTS = 3

_NEAR = 10_000
"""A gap of less than this part of the cost counts as none."""


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
        self._floors = np.concatenate([floors.of_tasks, floors.of_edges])
        self.of_tasks, self.of_edges = self._floors[: grid.tasks], self._floors[grid.tasks :]
        rings, self.is_all = rings_around(grid.neighbours, np.flatnonzero(lost).tolist(), size)
        self.tasks: Ints = np.array([task for ring in rings for task in ring], dtype=np.int64)
        self.inside: Mask = np.zeros(grid.tasks, dtype=bool)
        self.inside[self.tasks] = True
        self._apart: Ints = np.array([t for t in rings[0] if not grid.neighbours[t]], dtype=np.int64)
        self._touched: Mask = self.inside[grid.source] | self.inside[grid.target]
        self._fill()
        self._levels = levels_of(grid, rings, self.own)
        self.last: Ints = grid.column[problem.place.pick(choice)]
        self._elsewhere = self._cost_elsewhere()
        self.place, self.cost = self.last, NEVER

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
        return int(self._floors.sum())

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
        for level in reversed(self._levels):
            self._visit(level, level.inner, limit)
        self._visit_apart(limit)

    def outward(self, limit: int | None = None) -> None:
        """Carry the terms away from the loss; rule out what surely costs more than ``limit``."""
        for level in self._levels:
            self._visit(level, level.outer, limit)

    def _visit_apart(self, limit: int | None) -> None:
        """Do with the tasks that have lost their candidate and have no edge what a visit does."""
        terms = self.own[self._apart]
        least = terms.min(axis=1)
        self.of_tasks[self._apart] = least
        if limit is not None:
            self.alive[self._apart] &= terms - least[:, None] <= limit - self.bound

    def _visit(self, level: Level, ahead: Ahead, limit: int | None) -> None:
        """Move into each task's term what its edges cost at least; give shares of it to the edges ahead."""
        group, own = level.group, level.own
        collected = self.grid.cross(level.tariffs, -self.moved.take(level.beyond, axis=0))
        terms = own + np.add.reduceat(collected, group.first, axis=0)
        least = terms.min(axis=1)
        self.of_tasks[group.tasks] = least
        self.of_edges[level.edges] = 0
        if limit is not None:
            dear = terms > (least + (limit - self.bound))[:, None]
            own[dear] = terms[dear] = NEVER
            self.alive[group.tasks] = own < NEVER
        if len(ahead.at):
            collected[ahead.at] -= ahead.shares(terms).take(ahead.tasks, axis=0)
            self.of_edges[ahead.edges] = (least // ahead.parts)[ahead.tasks]
            self.of_tasks[ahead.givers] = 0
        self.moved[group.halves] = collected

    def look(self) -> None:
        """Take the plan that the terms suggest if it is the best so far; where it is not near, improve it."""
        place = self._decode()
        if self.cost < NEVER and np.array_equal(place, self.place):
            return
        cost = self._cost(place)
        if (cost - self.bound) * _NEAR > cost:
            place = self._descend(place)
            cost = self._cost(place)
        if cost < self.cost:
            self.place, self.cost = place, cost

    def _decode(self) -> Ints:
        """Return the place of each task in the plan that the terms suggest, from the loss outward."""
        place: Ints = self.last.copy()
        place[self._apart] = self.own[self._apart].argmin(axis=1)
        for level in self._levels:
            group, outer = level.group, level.outer
            of_halves = self.grid.crossing(group.halves, place[level.far_end])
            of_halves -= self.moved[level.beyond, place[level.far_end]][:, None]
            of_halves[outer.at] = self.moved.take(group.halves[outer.at], axis=0)
            place[group.tasks] = self._best(level, of_halves)
        return place

    def _descend(self, place: Ints) -> Ints:
        for _ in range(_DESCENTS):
            before = place.copy()
            for level in self._levels:
                crossing = self.grid.crossing(level.group.halves, place[level.far_end])
                place[level.group.tasks] = self._best(level, crossing)
            if np.array_equal(place, before):
                break
        return place

    def _best(self, level: Level, of_halves: Ints) -> Ints:
        total: Ints = level.own + np.add.reduceat(of_halves, level.group.first, axis=0)
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
