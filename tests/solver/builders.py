"""Small requests that several tests start from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from solver.network import Network
from solver.problem import Problem, topological_order
from solver.ragged import Ragged
from solver.request import Edge, Objective, Request, Requirement, Runtime, TaskRequest

HOUR = Runtime(3_600, note="one hour")


def requirement(**given: Any) -> Requirement:
    """Return a requirement that admits any x86_64 on-demand node for an hour, with the fields ``given``."""
    return Requirement(**{"label": "any", "runtime": HOUR} | given)


def one_task(objective: Objective = Objective.COST, **given: Any) -> Request:
    """Return a request of one task."""
    return Request((TaskRequest("main", (requirement(**given),)),), objective=objective)


Rows: TypeAlias = Sequence[Sequence[int]]


def problem_of(
    cost: Rows,
    *,
    objective: Objective = Objective.COST,
    seconds: Rows | None = None,
    ready: Rows | None = None,
    tail: Rows | None = None,
    place: Rows | None = None,
    rank: Rows | None = None,
    edges: tuple[Edge, ...] = (),
    network: Network | None = None,
) -> Problem:
    """Return a problem of these values by task and candidate; what is left out is nil, keys rise."""
    nil = [[0] * len(row) for row in cost]
    rising = [list(range(len(row))) for row in cost]
    names = tuple(f"t{at}" for at in range(len(cost)))
    matrices = {"cost": cost, "seconds": seconds or nil, "ready": ready or nil, "tail": tail or nil}
    matrices |= {"place": place or nil, "rank": rank or rising, "row": rising}
    return Problem(
        objective=objective,
        names=names,
        **{name: Ragged.of(rows) for name, rows in matrices.items()},
        edges=edges,
        network=network or Network.of((0,), [()] * len(edges), [()] * len(edges)),
        order=topological_order(names, edges),
    )
