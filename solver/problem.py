"""Problem: the request as integers and indices, frozen and checked; the solver sees nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from catalog.errors import UserError
from solver.network import Network
from solver.request import Edge, Objective

Row: TypeAlias = tuple[int, ...]
Rows: TypeAlias = tuple[Row, ...]

LARGEST_TOTAL = 2**53
"""Totals stay below this: exact in 64-bit integers, in CP-SAT's linear constraints, and as JSON numbers."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Tasks ``t`` with candidates ``k``: each array is indexed ``[t][k]``.

    ``cost`` is micro-USD of the nodes and the inputs from outside; ``seconds`` the runtime; ``ready``
    when the inputs from outside have arrived; ``place`` a position in ``network.zone``; ``rank`` the order
    of the offer keys (distinct within a task); ``row`` the candidate's position in its ``Candidates``.
    ``order`` is a topological order of the tasks. ``check_names``, ``topological_order`` and
    ``check_totals`` are its invariants.
    """

    objective: Objective
    names: tuple[str, ...]
    cost: Rows
    seconds: Rows
    ready: Rows
    place: Rows
    rank: Rows
    row: Rows
    edges: tuple[Edge, ...]
    network: Network
    order: Row

    @property
    def tasks(self) -> range:
        """The tasks' indices."""
        return range(len(self.names))

    def edges_into(self, task: int) -> list[int]:
        """Return the indices of the edges that end at ``task``."""
        return [at for at, edge in enumerate(self.edges) if edge.target == task]

    def edges_out_of(self, task: int) -> list[int]:
        """Return the indices of the edges that start at ``task``."""
        return [at for at, edge in enumerate(self.edges) if edge.source == task]

    def keep(self, kept: Sequence[Sequence[int]]) -> Problem:
        """Return the same problem with only the candidates ``kept[t]`` of each task, in that order."""

        def only(rows: Rows) -> Rows:
            return tuple(tuple(row[k] for k in of_task) for row, of_task in zip(rows, kept, strict=True))

        return replace(
            self,
            cost=only(self.cost),
            seconds=only(self.seconds),
            ready=only(self.ready),
            place=only(self.place),
            rank=only(self.rank),
            row=only(self.row),
        )

    def only(self, objective: Objective) -> Problem:
        """Return the problem in which ``objective`` alone counts: the other one is nil for every candidate.

        Its least value is the same, and far fewer candidates can matter for it. Equals are ranked by what
        they add to ``objective``, then by key.
        """
        nil = tuple((0,) * len(row) for row in self.cost)
        values = self.cost if objective is Objective.COST else self.seconds
        rank = tuple(
            _positions(list(zip(row, ranks, strict=True)))
            for row, ranks in zip(values, self.rank, strict=True)
        )
        free = tuple(tuple((0,) * len(row) for row in matrix) for matrix in self.network.cost)
        if objective is Objective.TIME:
            return replace(
                self, objective=objective, cost=nil, rank=rank, network=replace(self.network, cost=free)
            )
        network = replace(self.network, seconds=free)
        return replace(self, objective=objective, seconds=nil, ready=nil, rank=rank, network=network)


def _positions(values: list[tuple[int, int]]) -> Row:
    position = {value: at for at, value in enumerate(sorted(values))}
    return tuple(position[value] for value in values)


def check_names(names: Sequence[str]) -> None:
    """Raise ``UserError`` if two tasks share a name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UserError(f"two tasks are named {name!r}; give each task of a plan its own name")
        seen.add(name)


def topological_order(names: Sequence[str], edges: Sequence[Edge]) -> Row:
    """Return the tasks so that every edge points forward, lowest index first among equals.

    Raises ``UserError`` naming the cycle, or the edge that points nowhere.
    """
    count = len(names)
    waits = [0] * count
    followers: list[list[int]] = [[] for _ in names]
    for edge in edges:
        if not (0 <= edge.source < count and 0 <= edge.target < count):
            raise UserError(f"edge {edge.source} -> {edge.target}: there are only {count} tasks")
        if edge.size_bytes < 0:
            raise UserError(f"edge {names[edge.source]} -> {names[edge.target]}: a negative size")
        waits[edge.target] += 1
        followers[edge.source].append(edge.target)
    order: list[int] = []
    free = sorted(task for task in range(count) if not waits[task])
    while free:
        task = free.pop(0)
        order.append(task)
        for follower in followers[task]:
            waits[follower] -= 1
            if not waits[follower]:
                free.append(follower)
        free.sort()
    if len(order) < count:
        cycle = _cycle(set(range(count)) - set(order), followers)
        raise UserError(
            f"the tasks form a cycle: {' -> '.join(names[task] for task in cycle)}; remove one of its edges"
        )
    return tuple(order)


def _cycle(stuck: set[int], followers: Sequence[Sequence[int]]) -> list[int]:
    """Return one cycle among ``stuck`` tasks, its first task repeated at the end."""
    predecessors = {
        task: min(s for s in stuck if task in followers[s])
        for task in stuck
        if any(task in followers[s] for s in stuck)
    }
    path = [min(stuck)]
    while path[-1] not in path[:-1]:
        path.append(predecessors[path[-1]])
    return path[path.index(path[-1]) :][::-1]


def check_totals(problem: Problem) -> None:
    """Raise ``UserError`` if the worst case of a total is not below ``LARGEST_TOTAL``."""
    cost = sum(max(row, default=0) for row in problem.cost)
    time = sum(max(row, default=0) for row in problem.seconds) + max(
        (max(row, default=0) for row in problem.ready), default=0
    )
    for matrices, at in ((problem.network.cost, "cost"), (problem.network.seconds, "time")):
        worst = sum(max((max(row) for row in matrix), default=0) for matrix in matrices)
        total = worst + (cost if at == "cost" else time)
        if total >= LARGEST_TOTAL:
            raise UserError(
                f"the plan's total {at} could reach {total}, too large to be exact; shorten runtimes or data"
            )
