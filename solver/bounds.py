"""Bounds: what any plan must at least cost or take, and which candidates no plan within a limit can use.

Money: the total is a sum of terms, one a task and one an edge. Moving amounts between the terms leaves
every plan's total as it is, and the sum of the terms' minima is a lower bound after each move. Sweeping over
the tasks raises it: sequential reweighted message passing, the dual of the flow formulation's relaxation.
Time: the longest chain of least arrivals before a candidate and least times after it. All integers, so every
bound is exact. The formulas are in ``docs/model.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.columns import Ints, Mask
from solver.problem import Problem
from solver.schedule import Schedule, schedule

_SWEEPS = 12
_LARGEST_TABLE = 20_000_000
_NEVER = 2**56


def pair_table(problem: Problem, edge: int, matrix: tuple[tuple[int, ...], ...]) -> Ints:
    """Return ``matrix`` (over zones) of ``edge`` for each pair of candidates; 0 within one place."""
    ends = problem.edges[edge]
    source = np.array(problem.place[ends.source], dtype=np.int64)
    target = np.array(problem.place[ends.target], dtype=np.int64)
    if not matrix:
        return np.zeros((len(source), len(target)), dtype=np.int64)
    zone = np.array(problem.network.zone, dtype=np.int64)
    table: Ints = np.array(matrix, dtype=np.int64)[zone[source][:, None], zone[target][None, :]]
    table[source[:, None] == target[None, :]] = 0
    return table


def move_to(problem: Problem, edge: int, task: int, there: int) -> tuple[Ints, Ints]:
    """Return (micro-USD, seconds) of ``edge`` by candidate of ``task``, the other end being at ``there``."""
    network = problem.network
    own = np.array(problem.place[task], dtype=np.int64)
    if not network.moves(edge):
        nothing = np.zeros(len(own), dtype=np.int64)
        return nothing, nothing
    zone = np.array(network.zone, dtype=np.int64)[own]
    away = own != there
    found = []
    for matrix in (network.cost[edge], network.seconds[edge]):
        tariff = np.array(matrix, dtype=np.int64)
        if problem.edges[edge].source != task:
            tariff = tariff.T
        found.append(np.where(away, tariff[zone, network.zone[there]], 0))
    return found[0], found[1]


def too_large(problem: Problem) -> bool:
    """Return whether the tables over pairs of candidates would take too much memory."""
    pairs = sum(
        len(problem.cost[edge.source]) * len(problem.cost[edge.target])
        for at, edge in enumerate(problem.edges)
        if problem.network.moves(at)
    )
    return pairs > _LARGEST_TABLE


@dataclass(slots=True)
class TimeBounds:
    """For each candidate, the least time that any plan with it takes.

    ``end[t][k]`` is the earliest end of the task, ``after[t][k]`` the least time from there to
    the plan's end.
    """

    end: list[Ints]
    after: list[Ints]

    @property
    def through(self) -> list[Ints]:
        """The least makespan of any plan in which task t takes candidate k, as ``[t][k]``."""
        return [end + after for end, after in zip(self.end, self.after, strict=True)]

    @property
    def bound(self) -> int:
        """The least makespan of any plan."""
        return max((int(values.min()) for values in self.through), default=0)


def time_bounds(problem: Problem) -> TimeBounds:
    """Return the bounds by one pass forward and one back; exact where no task has two ways to the same end.

    What an edge adds depends on the two places alone, so only the best candidate of each place matters.
    """
    seconds = [np.array(row, dtype=np.int64) for row in problem.seconds]
    start = [np.array(row, dtype=np.int64) for row in problem.ready]
    after = [np.zeros_like(row) for row in seconds]
    at_place = [np.unique(row, return_inverse=True) for row in problem.place]
    into: list[list[int]] = [problem.edges_into(task) for task in problem.tasks]
    waits = {
        at: _place_waits(problem, at, at_place)
        for at in range(len(problem.edges))
        if problem.network.moves(at)
    }
    for task in problem.order:
        for at in into[task]:
            source = problem.edges[at].source
            ends = start[source] + seconds[source]
            if at in waits:
                arrival = (_least_of(ends, at_place[source])[:, None] + waits[at]).min(axis=0)[
                    at_place[task][1]
                ]
                np.maximum(start[task], arrival, out=start[task])
            else:
                np.maximum(start[task], ends.min(), out=start[task])
    for task in reversed(problem.order):
        rest = seconds[task] + after[task]
        for at in into[task]:
            source = problem.edges[at].source
            if at in waits:
                way = (waits[at] + _least_of(rest, at_place[task])[None, :]).min(axis=1)[at_place[source][1]]
                np.maximum(after[source], way, out=after[source])
            else:
                np.maximum(after[source], rest.min(), out=after[source])
    return TimeBounds([s + d for s, d in zip(start, seconds, strict=True)], after)


def _least_of(values: Ints, at_place: tuple[Ints, Ints]) -> Ints:
    """Return the least of ``values`` at each place."""
    places, position = at_place
    least = np.full(len(places), np.iinfo(np.int64).max)
    np.minimum.at(least, position, values)
    return least


def _place_waits(problem: Problem, edge: int, at_place: list[tuple[Ints, Ints]]) -> Ints:
    """Return the seconds of ``edge`` for each pair of its ends' places."""
    source, target = at_place[problem.edges[edge].source][0], at_place[problem.edges[edge].target][0]
    zone = np.array(problem.network.zone, dtype=np.int64)
    table = np.array(problem.network.seconds[edge], dtype=np.int64)[
        zone[source][:, None], zone[target][None, :]
    ]
    waits: Ints = np.where(source[:, None] == target[None, :], 0, table)
    return waits


class CostBounds:
    """Lower bounds of the total cost under an upper limit, raised sweep by sweep.

    ``kept[t]`` are the candidates of the problem that may still be part of a plan of at most ``limit``;
    ``bound`` is a lower bound over all plans of the problem that keep to ``deadline_s`` (if given), as far as
    they cost at most ``limit``. ``found`` is the best plan met on the way, if better than the limit given;
    ``least[t]`` bounds the cost of any plan with each kept candidate.
    """

    def __init__(self, problem: Problem, limit: int, deadline_s: int | None = None) -> None:
        self.problem, self.limit = problem, limit
        self.deadline_s = deadline_s
        self.found: Schedule | None = None
        self.kept: list[Ints] = [np.arange(len(row)) for row in problem.cost]
        self.node: list[Ints] = [np.array(row, dtype=np.int64) for row in problem.cost]
        self.least: list[Ints] = list(self.node)
        self.pair: dict[int, Ints] = {}
        self.incident: list[list[int]] = [[] for _ in problem.tasks]
        for at, edge in enumerate(problem.edges):
            if problem.network.moves(at):
                self.pair[at] = pair_table(problem, at, problem.network.cost[at])
                self.incident[edge.source].append(at)
                self.incident[edge.target].append(at)
        self.node_least = [int(row.min()) for row in self.node]
        self.pair_least = {at: int(table.min()) for at, table in self.pair.items()}
        self.position = {task: at for at, task in enumerate(problem.order)}
        if deadline_s is not None:
            self._forbid_late_pairs(deadline_s)

    def _forbid_late_pairs(self, deadline_s: int) -> None:
        times = time_bounds(self.problem)
        for at, table in self.pair.items():
            edge = self.problem.edges[at]
            rest = np.array(self.problem.seconds[edge.target], dtype=np.int64) + times.after[edge.target]
            waits = pair_table(self.problem, at, self.problem.network.seconds[at])
            table[times.end[edge.source][:, None] + waits + rest[None, :] > deadline_s] = _NEVER

    @property
    def bound(self) -> int:
        """The sum of all terms' minima."""
        return sum(self.node_least) + sum(self.pair_least.values())

    def tighten(self) -> None:
        """Sweep to and fro until the bound meets the limit, nothing moves, or the sweeps are used up."""
        for _ in range(_SWEEPS):
            before = self.bound, sum(map(len, self.kept))
            for order in (self.problem.order, self.problem.order[::-1]):
                for task in order:
                    self._visit(task, forward=order is self.problem.order)
            self._lower_limit()
            if self.bound >= self.limit or before == (self.bound, sum(map(len, self.kept))):
                return

    def _visit(self, task: int, *, forward: bool) -> None:
        self._collect(task)
        self._drop(task, self.bound - self.node_least[task] + self.node[task] <= self.limit)
        self.least[task] = self.bound - self.node_least[task] + self.node[task]
        here = self.position[task]
        later = [at for at in self.incident[task] if (self.position[self._other(at, task)] > here) == forward]
        shares = max(len(later), len(self.incident[task]) - len(later))
        for at in later:
            self._give(task, at, self.node[task] // shares)
            shares -= 1

    def _other(self, at: int, task: int) -> int:
        edge = self.problem.edges[at]
        return edge.target if edge.source == task else edge.source

    def _collect(self, task: int) -> None:
        """Move into the task's term what each of its candidates must pay on each edge at least."""
        for at in self.incident[task]:
            table = self.pair[at]
            outward = self.problem.edges[at].source == task
            least = table.min(axis=1 if outward else 0)
            table -= least[:, None] if outward else least[None, :]
            self.node[task] += least
            self.pair_least[at] = 0
        self.node_least[task] = int(self.node[task].min())

    def _give(self, task: int, at: int, share: Ints) -> None:
        """Move ``share`` of the task's term into the term of edge ``at``."""
        self.node[task] = self.node[task] - share
        self.node_least[task] = int(self.node[task].min())
        table = self.pair[at]
        table += share[:, None] if self.problem.edges[at].source == task else share[None, :]
        self.pair_least[at] = int(table.min())

    def _drop(self, task: int, alive: Mask) -> None:
        if alive.all() or not alive.any():
            return
        self.kept[task] = self.kept[task][alive]
        self.node[task] = self.node[task][alive]
        for at in self.incident[task]:
            self.pair[at] = (
                self.pair[at][alive] if self.problem.edges[at].source == task else self.pair[at][:, alive]
            )

    def _lower_limit(self) -> None:
        """Read a plan off the terms; where it is better than the limit, it is the new limit."""
        found = self.decode()
        in_time = self.deadline_s is None or found.makespan_s <= self.deadline_s
        if in_time and found.cost < self.limit:
            self.limit, self.found = found.cost, found

    def decode(self) -> Schedule:
        """Return the plan that takes the least of what the terms say, task by task in order."""
        chosen: dict[int, int] = {}
        for task in self.problem.order:
            value = self.node[task].copy()
            for at in self.incident[task]:
                table = self.pair[at] if self.problem.edges[at].source == task else self.pair[at].T
                other = self._other(at, task)
                value += table[:, chosen[other]] if other in chosen else table.min(axis=1)
            chosen[task] = int(value.argmin())
        return schedule(self.problem, [int(self.kept[task][chosen[task]]) for task in self.problem.tasks])
