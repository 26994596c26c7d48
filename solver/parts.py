"""Parts: some tasks and candidates of a problem as a problem of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from solver.columns import Ints, Mask
from solver.network import Network
from solver.problem import MATRICES, Problem, Row
from solver.ragged import Ragged


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """``problem`` is about some ``tasks`` of another one, with the ``edges`` between them.

    These and the candidates ``kept`` are positions in the other problem; those of candidates are flat.
    """

    problem: Problem
    tasks: Ints
    edges: Ints
    kept: Ints

    def keep(self, mask: Mask) -> Part:
        """Return the part with only the candidates where ``mask`` is true."""
        return replace(self, problem=self.problem.keep(mask), kept=self.kept[mask])

    def lift(self, choice: Row | Ints, start: Ints) -> Ints:
        """Return, by task of the part, the candidate of the whole, whose rows begin at ``start``."""
        lifted: Ints = self.kept[self.problem.cost.start[:-1] + np.array(choice, dtype=np.int64)]
        return lifted - start[self.tasks]


def part_of(problem: Problem, tasks: Mask, candidates: Mask) -> Part:
    """Return the part of ``problem`` with only these ``tasks`` and, of them, these ``candidates`` (flat).

    Edges to other tasks are dropped, so its optimum is a lower bound unless the caller folds them in.
    """
    chosen = np.flatnonzero(tasks)
    number = np.full(len(tasks), -1, dtype=np.int64)
    number[chosen] = np.arange(len(chosen))
    kept = np.flatnonzero(tasks[problem.cost.row_of] & candidates)
    sizes = np.bincount(number[problem.cost.row_of[kept]], minlength=len(chosen))
    start = np.concatenate([[0], np.cumsum(sizes)])
    inside = np.flatnonzero(tasks[problem.source] & tasks[problem.target])
    network = problem.network
    renumbered = [
        replace(
            problem.edges[at],
            source=int(number[problem.edges[at].source]),
            target=int(number[problem.edges[at].target]),
        )
        for at in inside.tolist()
    ]
    values: dict[str, Any] = {name: Ragged(getattr(problem, name).flat[kept], start) for name in MATRICES}
    part = replace(
        problem,
        **values,
        names=tuple(problem.names[task] for task in chosen.tolist()),
        edges=tuple(renumbered),
        network=Network(network.zone, network.tariff[inside], network.cost, network.seconds),
        order=tuple(int(number[task]) for task in problem.order if tasks[task]),
    )
    return Part(part, chosen, inside, kept)


def free_candidates(problem: Problem, choice: Row | Ints, tasks: Mask) -> Mask:
    """Return (flat) the candidates of ``tasks``, and of the others those of their ``choice``."""
    free: Mask = tasks[problem.cost.row_of]
    chosen = problem.cost.start[:-1] + np.array(choice, dtype=np.int64)
    free[chosen[~tasks]] = True
    return free


def undecided(problem: Problem) -> tuple[Part, int]:
    """Return the tasks that have a choice left, and what the others cost, for the total cost alone."""
    return folded(problem, problem.cost.sizes > 1)


def folded(problem: Problem, open_tasks: Mask) -> tuple[Part, int]:
    """Return the ``open_tasks``, and what the others cost, which have one candidate each.

    What moves between the two costs each candidate what its place demands.
    """
    network, source, target = problem.network, problem.source, problem.target
    first = np.zeros(len(problem.names), dtype=np.int64)
    place = problem.place.pick(first)
    inside = np.flatnonzero(~open_tasks[source] & ~open_tasks[target])
    paid, _ = network.transfers(inside, place[source[inside]], place[target[inside]])
    settled = int(problem.cost.pick(first)[~open_tasks].sum() + paid.sum())
    cost = problem.cost.flat.copy()
    into = np.flatnonzero(~open_tasks[source] & open_tasks[target])
    rows, at = problem.cost.rows(target[into])
    paid, _ = network.transfers(into[at], place[source[into[at]]], problem.place.flat[rows])
    np.add.at(cost, rows, paid)
    out_of = np.flatnonzero(open_tasks[source] & ~open_tasks[target])
    rows, at = problem.cost.rows(source[out_of])
    paid, _ = network.transfers(out_of[at], problem.place.flat[rows], place[target[out_of[at]]])
    np.add.at(cost, rows, paid)
    return part_of(problem.with_values(cost=cost), open_tasks, np.ones(problem.size, dtype=bool)), settled
