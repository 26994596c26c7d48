"""Grid: a problem by task and place, which is all that a transfer depends on.

A candidate matters to the rest of a plan through its place alone, so bounds of one objective are computed
over dense (task, place) arrays. An edge has two halves, one at each end: ``2 * e`` at its source and
``2 * e + 1`` at its target; what crosses an edge is computed for many halves at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from solver.columns import Ints, Mask
from solver.problem import Problem
from solver.ragged import Ragged

NEVER = 2**58
"""Stands where there is no candidate; larger than any total, small enough to add a few."""


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks that are handled at once.

    ``halves`` are sorted by their task, ``first`` begins each task's run, ``position`` leads from a half to
    its task's position in ``tasks``.
    """

    tasks: Ints
    halves: Ints
    first: Ints
    position: Ints


class Grid:
    """The places of ``problem``, its edges' halves, and the tariffs ``matrices`` between zones.

    ``edges`` are the positions in ``problem.edges`` that count here. ``cell`` is each candidate's position in
    a flattened (tasks, places) array. Places are numbered by zone, so that a zone is a range of places;
    ``column`` leads from the network's numbers to these, or to -1.
    ``colour`` is that of another grid over the same edges, if it is known.
    """

    def __init__(self, problem: Problem, edges: Ints, matrices: Ints, colour: Ints | None = None) -> None:
        network = problem.network
        used = np.flatnonzero(np.bincount(problem.place.flat))
        self.places: Ints = used[np.argsort(network.zone[used], kind="stable")]
        zones, self.zone = np.unique(network.zone[self.places], return_inverse=True)
        self.first_of_zone: Ints = np.searchsorted(self.zone, np.arange(len(zones)))
        self.tasks = len(problem.names)
        self.task_of: Ints = problem.cost.row_of
        self.column: Ints = np.full(len(network.zone), -1, dtype=np.int64)
        self.column[self.places] = np.arange(len(self.places))
        self.cell: Ints = self.task_of * len(self.places) + self.column[problem.place.flat]
        self.edges = edges
        if colour is not None:
            self.colour = colour
        self._order = problem.order
        self.end: Ints = np.stack([problem.source[edges], problem.target[edges]], axis=1).reshape(-1)
        outward = matrices[:, zones[:, None], zones[None, :]]
        nothing = np.zeros((1, len(zones), len(zones)), dtype=np.int64)
        self._tariffs = np.concatenate([outward, outward.transpose(0, 2, 1), nothing])
        self._onto = np.ascontiguousarray(self._tariffs.transpose(2, 1, 0))
        tariff = network.tariff[edges]
        either = np.stack([tariff, tariff + len(outward)], axis=1)
        self._tariff_of: Ints = np.where(tariff[:, None] < 0, 2 * len(outward), either).reshape(-1)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of arrays by task and place."""
        return self.tasks, len(self.places)

    def least(self, values: Ints) -> Ints:
        """Return the least of each cell's candidates' ``values`` (flat), by task and place."""
        least = np.full(self.tasks * len(self.places), NEVER)
        np.minimum.at(least, self.cell, values)
        return least.reshape(self.shape)

    def across(self, halves: Ints, beyond: Ints) -> Ints:
        """Return by half and own place the least of ``beyond``, at the other end, plus what crossing costs.

        ``beyond`` is by half and place of the other end. Crossing is free within one place.
        """
        return self.cross(self.tariffs(halves), beyond)

    def tariffs(self, halves: Ints) -> Ints:
        """Return what crossing costs, by zone at the other end, zone at the own end, and half.

        In this order, ``cross`` runs along the halves, of which there are more than zones.
        """
        tariffs: Ints = self._onto.take(self._tariff_of[halves], axis=2)
        return tariffs

    def cross(self, tariffs: Ints, beyond: Ints) -> Ints:
        """Do what ``across`` does, with the ``tariffs`` of the halves."""
        of_zone = np.minimum.reduceat(beyond, self.first_of_zone, axis=1)
        from_zone = (tariffs + of_zone.T[:, None, :]).min(axis=0)
        crossed: Ints = np.minimum(from_zone.T.take(self.zone, axis=1), beyond)
        return crossed

    def crossing(self, halves: Ints, there: Ints) -> Ints:
        """Return by half and own place what crossing costs, the other end being at the place ``there``."""
        tariffs = self._tariffs[self._tariff_of[halves], :, self.zone[there]]
        paid: Ints = tariffs[:, self.zone]
        paid[np.arange(len(halves)), there] = 0
        return paid

    def groups(self, number: Ints, halves: Ints) -> list[Group]:
        """Return the tasks that own ``halves``, grouped and in the order of their ``number``."""
        task = self.end[halves]
        order = np.lexsort((task, number[task]))
        halves, task = halves[order], task[order]
        bounds = np.flatnonzero(np.diff(number[task], prepend=-1, append=-1))
        groups = []
        for begin, stop in pairwise(bounds.tolist()):
            first = np.flatnonzero(np.diff(task[begin:stop], prepend=-1))
            position = np.repeat(np.arange(len(first)), np.diff(first, append=stop - begin))
            groups.append(Group(task[begin:stop][first], halves[begin:stop], first, position))
        return groups

    def paid(self, edges: Mask, place: Ints) -> Ints:
        """Return what crossing costs on these ``edges``, the tasks being at ``place``."""
        halves = 2 * np.flatnonzero(edges)
        here, there = place[self.end[halves]], place[self.end[halves + 1]]
        tariffs = self._tariffs[self._tariff_of[halves], self.zone[here], self.zone[there]]
        paid: Ints = np.where(here == there, 0, tariffs)
        return paid

    @cached_property
    def source(self) -> Ints:
        """The source task of each edge."""
        return self.end[::2]

    @cached_property
    def target(self) -> Ints:
        """The target task of each edge."""
        return self.end[1::2]

    @cached_property
    def halves_at(self) -> Ragged:
        """The halves of each task."""
        sizes = np.bincount(self.end, minlength=self.tasks)
        return Ragged(np.argsort(self.end, kind="stable"), np.concatenate([[0], np.cumsum(sizes)]))

    @cached_property
    def neighbours(self) -> list[list[int]]:
        """The tasks that share an edge with each."""
        other = self.end[self.halves_at.flat ^ 1].tolist()
        return [other[begin:end] for begin, end in pairwise(self.halves_at.start.tolist())]

    @cached_property
    def colours(self) -> list[Group]:
        """The tasks with edges as few groups without an edge inside, with all their halves."""
        return self.groups(self.colour, np.arange(len(self.end)))

    def colours_of(self, tasks: Mask) -> list[Group]:
        """Return the colours of these ``tasks`` alone."""
        return self.groups(self.colour, np.flatnonzero(tasks[self.end]))

    @cached_property
    def colour(self) -> Ints:
        """A number for each task, such that no edge has two ends of one number."""
        neighbours = self.neighbours
        colour = [-1] * self.tasks
        for task in sorted(range(self.tasks), key=lambda task: -len(neighbours[task])):
            taken = {colour[other] for other in neighbours[task]}
            colour[task] = next(c for c in range(len(taken) + 1) if c not in taken)
        return np.array(colour, dtype=np.int64)

    @cached_property
    def levels(self) -> list[Group]:
        """The tasks with edges, those with the longest ways to them last, with all their halves."""
        position = np.argsort(self._order)
        ends = self.end.reshape(-1, 2)
        level = [0] * self.tasks
        for source, target in ends[np.argsort(position[ends[:, 0]])].tolist():
            level[target] = max(level[target], level[source] + 1)
        return self.groups(np.array(level, dtype=np.int64), np.arange(len(self.end)))
