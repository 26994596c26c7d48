"""Instance: one optimisation problem as flat integer arrays, the form in which every competitor gets it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from solver.problem import Problem
    from solver.request import Objective

Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """Tasks with candidates, edges with data, and what moving the data costs and takes.

    The candidates of task ``t`` are ``start[t]`` to ``start[t + 1]`` of ``cost`` (micro-USD), ``seconds``,
    ``ready`` (seconds until the inputs from outside are there) and ``place``. Edge ``e`` leads from task
    ``source[e]`` to ``target[e]``; ``tariff[e]`` is the matrix of ``move_cost`` and ``move_seconds``, by zone
    of either end, that its data pays and waits by, or -1 if it has none. ``zone`` is by place. Within one
    place data moves free and at once; two places of one zone pay the diagonal.
    """

    name: str
    family: str
    seed: int
    start: Ints
    cost: Ints
    seconds: Ints
    ready: Ints
    place: Ints
    source: Ints
    target: Ints
    tariff: Ints
    zone: Ints
    move_cost: Ints
    move_seconds: Ints

    @property
    def tasks(self) -> int:
        """How many tasks there are."""
        return len(self.start) - 1

    @property
    def places(self) -> int:
        """How many places there are."""
        return len(self.zone)

    @property
    def edges(self) -> int:
        """How many edges there are."""
        return len(self.source)

    def named(self, name: str, family: str) -> Instance:
        """Return the same instance under its registered names."""
        return replace(self, name=name, family=family)

    def digest(self) -> str:
        """Return the SHA-256 of the integers; names do not count."""
        found = hashlib.sha256()
        for name in ARRAYS:
            array = getattr(self, name)
            found.update(f"{name} {array.shape} ".encode())
            found.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
        return found.hexdigest()

    def save(self, path: Path) -> None:
        """Write the instance as an ``.npz`` without pickled objects."""
        with path.open("wb") as file:
            arrays: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
            np.savez(file, **arrays)

    @staticmethod
    def load(path: Path) -> Instance:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as data:
            words: dict[str, Any] = {"name": str(data["name"]), "family": str(data["family"])}
            return Instance(**words, seed=int(data["seed"]), **{name: data[name] for name in ARRAYS})

    def to_problem(self, objective: Objective) -> Problem:
        """Return the instance as the solver's problem; a candidate's position is its rank and its row."""
        from solver.network import Network
        from solver.problem import Problem, topological_order
        from solver.ragged import Ragged
        from solver.request import Edge

        names = tuple(f"task-{t}" for t in range(self.tasks))
        ends = zip(self.source.tolist(), self.target.tolist(), self.tariff.tolist(), strict=True)
        edges = tuple(Edge(u, v, int(tariff >= 0)) for u, v, tariff in ends)
        position = np.arange(len(self.place)) - np.repeat(self.start[:-1], np.diff(self.start))
        return Problem(
            objective=objective,
            names=names,
            cost=Ragged(self.cost, self.start),
            seconds=Ragged(self.seconds, self.start),
            ready=Ragged(self.ready, self.start),
            tail=Ragged(np.zeros_like(self.ready), self.start),
            place=Ragged(self.place, self.start),
            rank=Ragged(position, self.start),
            row=Ragged(position, self.start),
            edges=edges,
            network=Network(
                zone=self.zone, tariff=self.tariff, cost=self.move_cost, seconds=self.move_seconds
            ),
            order=topological_order(names, edges),
        )

    def evaluate(self, choice: Sequence[int]) -> tuple[int, int]:
        """Return the cost and the makespan of one candidate a task.

        The judge of every competitor's plan, so it shares no code with any of them. Raises ``ValueError``
        if a task has no such candidate.
        """
        counts = np.diff(self.start)
        chosen = np.asarray(choice, dtype=np.int64)
        if chosen.shape != counts.shape or bool(np.any((chosen < 0) | (chosen >= counts))):
            raise ValueError(f"not one candidate for each of {self.tasks} tasks")
        at = self.start[:-1] + chosen
        cost = sum(self.cost[at].tolist())
        end = [0] * self.tasks
        place, ready, seconds = self.place[at].tolist(), self.ready[at].tolist(), self.seconds[at].tolist()
        zone = self.zone.tolist()
        for task, edges in self._in_order():
            begins = ready[task]
            for edge in edges:
                before = int(self.source[edge])
                waits = 0
                if place[before] != place[task] and self.tariff[edge] >= 0:
                    pair = self.tariff[edge], zone[place[before]], zone[place[task]]
                    cost += int(self.move_cost[pair])
                    waits = int(self.move_seconds[pair])
                begins = max(begins, end[before] + waits)
            end[task] = begins + seconds[task]
        return cost, max(end, default=0)

    def _in_order(self) -> Iterable[tuple[int, list[int]]]:
        """Yield the tasks, each after its predecessors, with the edges that lead to it."""
        into: list[list[int]] = [[] for _ in range(self.tasks)]
        out_of: list[list[int]] = [[] for _ in range(self.tasks)]
        for edge, (source, target) in enumerate(zip(self.source.tolist(), self.target.tolist(), strict=True)):
            into[target].append(edge)
            out_of[source].append(target)
        waits = [len(edges) for edges in into]
        free = [task for task in range(self.tasks) if not waits[task]]
        for task in free:
            yield task, into[task]
            for follower in out_of[task]:
                waits[follower] -= 1
                if not waits[follower]:
                    free.append(follower)
        if len(free) < self.tasks:
            raise ValueError("the tasks form a cycle")


ARRAYS = tuple(each.name for each in fields(Instance) if each.name not in ("name", "family", "seed"))
"""The fields that are integer arrays, in the order in which ``digest`` reads them."""
