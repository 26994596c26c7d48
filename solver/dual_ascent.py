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

_DESCENTS = 20

_STILL = 2
"""How many of the last sweeps have no momentum."""


@dataclass(frozen=True, slots=True, eq=False)
class Duals:
    """What each half of ``edges`` has ``moved`` from its edge's term into its task's, by half and place.

    Any amounts are valid; good ones give a high bound. ``colour`` is by task: no edge has two ends of one.
    """

    edges: Ints
    places: Ints
    moved: Ints
    colour: Ints

    def of(self, tasks: Ints, edges: Ints) -> Duals:
        """Return those of some of the tasks and edges, which are then numbered from 0 on."""
        at = np.searchsorted(self.edges, edges)
        halves = np.stack([2 * at, 2 * at + 1], axis=1).reshape(-1)
        return Duals(np.arange(len(edges)), self.places, self.moved[halves], self.colour[tasks])


@dataclass(frozen=True, slots=True, eq=False)
class Floors:
    """What each task's and each edge's term is at least, over plans of ``grid``; their sum is a bound."""

    grid: Grid
    of_tasks: Ints
    of_edges: Ints


class DualAscent:
    """The terms of one problem's cost, by task and place.

    ``alive`` are the cells that a plan worth finding may still use. ``duals``, of the same edges, are where
    to start: any are valid. ``floors`` are those of the last ``bounds``.
    """

    floors: Floors

    def __init__(self, problem: Problem, duals: Duals | None = None) -> None:
        self.problem = problem
        edges = np.flatnonzero(problem.network.tariff >= 0)
        self.grid = grid = Grid(problem, edges, problem.network.cost, duals.colour if duals else None)
        self.own: Ints = grid.least(problem.cost.flat)
        self.alive: Mask = self.own < NEVER
        self.moved: Ints = np.zeros((len(grid.end), len(grid.places)), dtype=np.int64)
        if duals is not None:
            _, here, there = np.intersect1d(grid.places, duals.places, return_indices=True)
            self.moved[:, here] = duals.moved[:, there]
        self._halves: Ints = np.arange(len(grid.end))
        self.visit(grid.colours)

    @property
    def duals(self) -> Duals:
        """Where another ascent over the same edges may start."""
        return Duals(self.grid.edges, self.grid.places, self.moved, self.grid.colour)

    def visit(self, groups: list[Group]) -> None:
        """From now on, visit only these tasks, group by group; no two tasks of a group share an edge."""
        self._visited = np.concatenate([group.halves for group in groups] or [self._halves])
        rank = np.full(self.grid.tasks, -1, dtype=np.int64)
        for at, group in enumerate(groups):
            rank[group.tasks] = at
        self._passes = [(group, *_shares(self.grid, rank, group)) for group in groups]

    def sweeps(self, count: int) -> None:
        """Sweep ``count`` times; most sweeps go on in the direction of the one before.

        Without that momentum, amounts seep through a large graph from task to task. The last sweeps have
        none, since each of them only raises the bound.
        """
        halves = self._visited
        before = self.moved[halves]
        for at in range(count):
            self.sweep()
            if at < count - _STILL:
                swept = self.moved[halves]
                self.moved[halves] = swept + (swept - before) * 19 // 20
                before = swept

    def sweep(self) -> None:
        """Visit all tasks to and fro."""
        for group, share, later, _ in self._passes:
            self._visit(group, share, later)
        for group, share, _, earlier in reversed(self._passes):
            self._visit(group, share, earlier)

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
        self.floors = Floors(self.grid, terms.min(axis=1), least[::2])
        bound = int(self.floors.of_tasks.sum() + self.floors.of_edges.sum())
        through = terms + (bound - self.floors.of_tasks)[:, None]
        for group in self.grid.colours:
            above = rest[group.halves] - least[group.halves, None]
            through[group.tasks] += np.add.reduceat(above, group.first, axis=0)
        return bound, np.where(self.alive, through, NEVER)

    def decode(self, groups: list[Group]) -> Ints:
        """Return the place of each task in the plan that the terms suggest, group by group."""
        place = np.full(self.grid.tasks, -1, dtype=np.int64)
        for group in groups:
            collected = self._collected(group.halves)
            there = place[self.grid.end[group.halves ^ 1]]
            known = np.flatnonzero(there >= 0)
            halves, there = group.halves[known], there[known]
            taken = self.moved[halves ^ 1, there]
            collected[known] = self.grid.crossing(halves, there) - taken[:, None]
            place[group.tasks] = self._best(group, collected)
        alone = place < 0
        place[alone] = self.terms[alone].argmin(axis=1)
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

    def choice_at(self, place: Ints) -> Ints:
        """Return by task its cheapest candidate at these places, the first of equals."""
        grid, flat = self.grid, self.problem.cost.flat
        wanted = np.arange(grid.tasks) * len(grid.places) + place
        cheapest = (grid.cell == wanted[grid.task_of]) & (flat == self.own.reshape(-1)[grid.cell])
        _, first = np.unique(grid.task_of[cheapest], return_index=True)
        choice: Ints = np.flatnonzero(cheapest)[first] - self.problem.cost.start[:-1]
        return choice

    def candidates_within(self, through: Ints, limit: int) -> Mask:
        """Return which candidates (flat) a plan of at most ``limit`` may use, by the bounds ``through``."""
        above = self.problem.cost.flat - self.own.reshape(-1)[self.grid.cell]
        mask: Mask = through.reshape(-1)[self.grid.cell] + above <= limit
        return mask


def _shares(grid: Grid, rank: Ints, group: Group) -> tuple[Ints, Mask, Mask]:
    """Return by task into how many parts its term goes; by half, if its other end comes later, or earlier.

    An end with a negative ``rank`` is not visited at all.
    """
    own, other = rank[grid.end[group.halves]], rank[grid.end[group.halves ^ 1]]
    later, earlier = other > own, (other >= 0) & (other < own)
    forward = np.add.reduceat(later.astype(np.int64), group.first)
    backward = np.add.reduceat(earlier.astype(np.int64), group.first)
    return np.maximum(np.maximum(forward, backward), 1), later, earlier
