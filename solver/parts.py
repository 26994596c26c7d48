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
    place = problem.place.pick([0] * len(problem.names))
    cost = problem.cost.flat.copy()
    settled = int(problem.cost.pick([0] * len(problem.names))[~open_tasks].sum())
    start = problem.cost.start
    for at in np.flatnonzero(problem.network.tariff >= 0).tolist():
        source, target = problem.edges[at].source, problem.edges[at].target
        if open_tasks[source] and open_tasks[target]:
            continue
        paid, _ = problem.network.to_places(at, place[source])
        if not open_tasks[source] and not open_tasks[target]:
            settled += int(paid[place[target]])
        elif open_tasks[target]:
            rows = slice(start[target], start[target + 1])
            cost[rows] += paid[problem.place.flat[rows]]
        else:
            paid, _ = problem.network.from_places(at, place[target])
            rows = slice(start[source], start[source + 1])
            cost[rows] += paid[problem.place.flat[rows]]
    return part_of(problem.with_values(cost=cost), open_tasks, np.ones(problem.size, dtype=bool)), settled
