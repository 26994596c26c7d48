"""Problem: the request as integers and indices, frozen and checked; the solver sees nothing else."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from catalog.errors import UserError
from solver.columns import Ints, Mask
from solver.network import Network
from solver.ragged import Ragged
from solver.request import Edge, Objective

Row: TypeAlias = tuple[int, ...]

LARGEST_TOTAL = 2**53
"""Totals stay below this: exact in 64-bit integers, in CP-SAT's linear constraints, and as JSON numbers."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Tasks ``t`` with candidates ``k``: each matrix is indexed ``[t][k]``.

    ``cost`` is micro-USD of the nodes and the inputs from outside; ``seconds`` the runtime; ``ready`` when
    the inputs from outside have arrived; ``tail`` the time that must pass between the task's end and the
    plan's; ``place`` a position in ``network.zone``; ``rank`` the order of the offer keys (distinct within a
    task); ``row`` the candidate's position in its ``Candidates``. ``order`` is a topological order of the
    tasks. ``check_names``, ``topological_order`` and ``check_totals`` are its invariants.
    """

    objective: Objective
    names: tuple[str, ...]
    cost: Ragged
    seconds: Ragged
    ready: Ragged
    tail: Ragged
    place: Ragged
    rank: Ragged
    row: Ragged
    edges: tuple[Edge, ...]
    network: Network
    order: Row

    @property
    def tasks(self) -> range:
        """The tasks' indices."""
        return range(len(self.names))

    @property
    def size(self) -> int:
        """How many candidates all tasks have together."""
        return len(self.cost.flat)

    @cached_property
    def source(self) -> Ints:
        """The source task of each edge."""
        return np.array([edge.source for edge in self.edges], dtype=np.int64)

    @cached_property
    def target(self) -> Ints:
        """The target task of each edge."""
        return np.array([edge.target for edge in self.edges], dtype=np.int64)

    @cached_property
    def edges_into(self) -> list[list[int]]:
        """The indices of the edges that end at each task."""
        return self._edges_at(self.target)

    @cached_property
    def edges_out_of(self) -> list[list[int]]:
        """The indices of the edges that start at each task."""
        return self._edges_at(self.source)

    def _edges_at(self, ends: Ints) -> list[list[int]]:
        at: list[list[int]] = [[] for _ in self.names]
        for edge, task in enumerate(ends.tolist()):
            at[task].append(edge)
        return at

    def with_values(self, **matrices: Ints) -> Problem:
        """Return the same problem with other values, each given flat."""
        return self._with({name: self.cost.like(flat) for name, flat in matrices.items()})

    def keep(self, mask: Mask) -> Problem:
        """Return the same problem with only the candidates where ``mask`` (flat) is true."""
        return self._with({name: getattr(self, name).keep(mask) for name in MATRICES})

    def pick(self, choice: Ints) -> Problem:
        """Return the same problem with one candidate a task."""
        at, start = self.cost.start[:-1] + choice, np.arange(len(choice) + 1)
        return self._with({name: Ragged(getattr(self, name).flat[at], start) for name in MATRICES})

    def _with(self, matrices: Mapping[str, Any]) -> Problem:
        """Return the same tasks and edges, with what is known of these, and other matrices."""
        changed = replace(self, **matrices)
        for name in ("source", "target", "edges_into", "edges_out_of"):
            if name in self.__dict__:
                changed.__dict__[name] = self.__dict__[name]
        return changed

    def only(self, objective: Objective) -> Problem:
        """Return the problem in which ``objective`` alone counts: the other one is nil for every candidate.

        Its least value is the same, and far fewer candidates can matter for it.
        """
        nil = np.zeros(self.size, dtype=np.int64)
        if objective is Objective.TIME:
            free = replace(self.network, cost=np.zeros_like(self.network.cost))
            return replace(self.with_values(cost=nil), objective=objective, network=free)
        free = replace(self.network, seconds=np.zeros_like(self.network.seconds))
        timeless = self.with_values(seconds=nil, ready=nil, tail=nil)
        return replace(timeless, objective=objective, network=free)


MATRICES = ("cost", "seconds", "ready", "tail", "place", "rank", "row")


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
    free = [task for task in range(count) if not waits[task]]
    while free:
        task = heapq.heappop(free)
        order.append(task)
        for follower in followers[task]:
            waits[follower] -= 1
            if not waits[follower]:
                heapq.heappush(free, follower)
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
    if not problem.names:
        return
    cost = problem.cost.most().tolist()
    time = [*problem.seconds.most().tolist(), int(problem.ready.flat.max()), int(problem.tail.flat.max())]
    network = problem.network
    for matrices, values, name in ((network.cost, cost, "cost"), (network.seconds, time, "time")):
        worst = matrices.max(axis=(1, 2), initial=0)[network.tariff[network.tariff >= 0]]
        total = sum(values) + sum(worst.tolist())
        if total >= LARGEST_TOTAL:
            raise UserError(
                f"the plan's total {name} could reach {total}, too large to be exact; "
                "shorten runtimes or data"
            )
