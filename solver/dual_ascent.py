"""Dual ascent: a lower bound of the total cost, and of the cost of any plan through each candidate.

The cost is a sum of terms, one a task and one an edge. Moving amounts between the terms leaves every plan's
total as it is, and the sum of the terms' minima is a lower bound after each move. Sweeping over the tasks
raises it towards the bound of the flow formulation's linear relaxation (sequential reweighted message
passing: V. Kolmogorov, "A new look at reweighted message passing", 2015). Tasks of one colour share no edge
and are visited at once. All amounts are integers, so every bound is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.columns import Ints, Mask
from solver.grid import NEVER, Grid, Group
from solver.problem import Problem
from solver.schedule import Schedule, schedule

_DESCENTS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Duals:
    """What each half has ``moved`` out of its edge's term into its task's, by half and by ``places``."""

    places: Ints
    moved: Ints


class DualAscent:
    """The terms of one problem's cost, by task and place.

    ``alive`` are the cells that a plan worth finding may still use. ``duals``, of the same edges, are where
    to start: any are valid.
    """

    def __init__(self, problem: Problem, duals: Duals | None = None) -> None:
        self.problem = problem
        edges = np.flatnonzero(problem.network.tariff >= 0)
        self.grid = grid = Grid(problem, edges, problem.network.cost)
        self.own: Ints = grid.least(problem.cost.flat)
        self.alive: Mask = self.own < NEVER
        self.moved: Ints = np.zeros((len(grid.end), len(grid.places)), dtype=np.int64)
        if duals is not None:
            _, here, there = np.intersect1d(grid.places, duals.places, return_indices=True)
            self.moved[:, here] = duals.moved[:, there]
        self._passes = [(group, *_shares(grid, at)) for at, group in enumerate(grid.colours)]
        self._halves: Ints = np.arange(len(grid.end))

    @property
    def duals(self) -> Duals:
        """Where another ascent over the same edges may start."""
        return Duals(self.grid.places, self.moved)

    def sweep(self) -> None:
        """Visit all tasks to and fro."""
        for group, share, later in self._passes:
            self._visit(group, share, later)
        for group, share, later in reversed(self._passes):
            self._visit(group, share, ~later)

    def _visit(self, group: Group, share: Ints, ahead: Mask) -> None:
        """Move into each task's term what its edges cost at least; give shares of it to the edges ahead."""
        collected = self._collected(group.halves)
        terms = self.own[group.tasks] + np.add.reduceat(collected, group.first, axis=0)
        shares = np.where(self.alive[group.tasks], terms // share[:, None], 0)
        collected[ahead] -= shares[group.position[ahead]]
        self.moved[group.halves] = collected

    def _collected(self, halves: Ints) -> Ints:
        """Return by half and place what its edge costs at least, given what the other half has taken."""
        other = halves ^ 1
        beyond = np.where(self.alive[self.grid.end[other]], -self.moved[other], NEVER)
        return self.grid.across(halves, beyond)

    @property
    def terms(self) -> Ints:
        """The tasks' terms; ``NEVER`` where nothing is alive."""
        terms = self.own.copy()
        for group in self.grid.colours:
            terms[group.tasks] += np.add.reduceat(self.moved[group.halves], group.first, axis=0)
        return np.where(self.alive, terms, NEVER)

    def bounds(self) -> tuple[int, Ints]:
        """Return a lower bound of any plan's cost, and by cell of any plan that uses it."""
        terms = self.terms
        rest = np.where(
            self.alive[self.grid.end], self._collected(self._halves) - self.moved, NEVER
        )  # of each edge's term, by place of either end
        least = rest.min(axis=1, initial=NEVER)
        bound = int(terms.min(axis=1).sum() + least[::2].sum())
        through = terms + (bound - terms.min(axis=1))[:, None]
        for group in self.grid.colours:
            above = rest[group.halves] - least[group.halves, None]
            through[group.tasks] += np.add.reduceat(above, group.first, axis=0)
        return bound, np.where(self.alive, through, NEVER)

    def decode(self) -> Ints:
        """Return the place of each task in the plan that the terms suggest, colour by colour."""
        place = self.terms.argmin(axis=1)
        for group, _, later in self._passes:
            collected = self._collected(group.halves)
            decided = group.halves[~later]
            if len(decided):
                there = place[self.grid.end[decided ^ 1]]
                taken = self.moved[decided ^ 1, there]
                collected[~later] = self.grid.crossing(decided, there) - taken[:, None]
            place[group.tasks] = self._best(group, collected)
        return self.descend(place)

    def descend(self, place: Ints) -> Ints:
        """Let the tasks of each colour move where they cost least, until none moves."""
        for _ in range(_DESCENTS):
            before = place.copy()
            for group in self.grid.colours:
                there = place[self.grid.end[group.halves ^ 1]]
                place[group.tasks] = self._best(group, self.grid.crossing(group.halves, there))
            if np.array_equal(place, before):
                break
        return place

    def _best(self, group: Group, of_halves: Ints) -> Ints:
        total = self.own[group.tasks] + np.add.reduceat(of_halves, group.first, axis=0)
        best: Ints = np.where(self.alive[group.tasks], total, NEVER).argmin(axis=1)
        return best

    def plan_at(self, place: Ints) -> Schedule:
        """Return the plan of the cheapest candidates at these places, the first of equals."""
        grid, flat = self.grid, self.problem.cost.flat
        wanted = np.arange(grid.tasks) * len(grid.places) + place
        cheapest = (grid.cell == wanted[grid.task_of]) & (flat == self.own.reshape(-1)[grid.cell])
        tasks, first = np.unique(grid.task_of[cheapest], return_index=True)
        found = np.flatnonzero(cheapest)[first]
        return schedule(self.problem, found - self.problem.cost.start[tasks])

    def candidates_within(self, through: Ints, limit: int) -> Mask:
        """Return which candidates (flat) a plan of at most ``limit`` may use, by the bounds ``through``."""
        above = self.problem.cost.flat - self.own.reshape(-1)[self.grid.cell]
        mask: Mask = through.reshape(-1)[self.grid.cell] + above <= limit
        return mask


def _shares(grid: Grid, colour: int) -> tuple[Ints, Mask]:
    """Return by task into how many parts its term goes, and by half whether its other end comes later."""
    group = grid.colours[colour]
    later = np.zeros(grid.tasks, dtype=bool)
    for other in grid.colours[colour + 1 :]:
        later[other.tasks] = True
    ahead = later[grid.end[group.halves ^ 1]]
    forward = np.add.reduceat(ahead.astype(np.int64), group.first)
    backward = np.add.reduceat((~ahead).astype(np.int64), group.first)
    return np.maximum(forward, backward), ahead
