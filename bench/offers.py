"""Requests over the real catalog as instances: the same offers, prices and tariffs that a plan is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.draw import integers
from bench.family import Family
from bench.instance import Instance

if TYPE_CHECKING:
    import pyarrow as pa

    import sky
    from solver.request import Objective, Request


def request_of(resources: sky.Resources | set[sky.Resources], objective: Objective) -> Request:
    """Return the request of one task that asks for ``resources``."""
    import sky
    from sky.compile import compile_request

    with sky.Dag() as dag:
        task = sky.Task(name="main", run="true")
        task.set_resources(resources)
    return compile_request(dag, objective)


def offers() -> pa.Table:
    """Return the catalog's offers."""
    from catalog.store import open_snapshot

    return open_snapshot().table


def family_of_requests(
    says: str, names: Sequence[str], asked: Callable[[], Mapping[str, sky.Resources | set[sky.Resources]]]
) -> Family:
    """Return the family of single requests that are ``asked`` by name; a size is a position in ``names``."""

    def request(size: int, _seed: int, objective: Objective) -> Request:
        return request_of(asked()[names[size]], objective)

    def generate(size: int, seed: int) -> Instance:
        from solver.request import Objective

        return instance_of_request(request(size, seed, Objective.COST), seed)

    sizes = {name: size for size, name in enumerate(names)}
    return Family(says, generate, sizes, quick=tuple(names), request=request)


def unsatisfied(seed: int) -> Instance:
    """Return the instance of a request that nothing satisfies: one task without a candidate."""
    none = integers([])
    matrices = none.reshape(0, 1, 1)
    return Instance(
        *("", "", seed, integers([0, 0]), none, none, none, none, none, none, none),
        zone=integers([0]),
        move_cost=matrices,
        move_seconds=matrices,
    )


def instance_of_request(request: Request, seed: int) -> Instance:
    """Return a request of tasks without data as an instance: whatever satisfies a task is a candidate."""
    from catalog.errors import Infeasible
    from catalog.transfer import DEFAULT
    from solver.api import find_candidates
    from solver.columns import columns_of

    columns = columns_of(offers())
    try:
        candidates = find_candidates(columns, request, DEFAULT)
    except Infeasible:
        return unsatisfied(seed)
    ordered = [(each, np.argsort(each.key, kind="stable")) for each in candidates]
    none = integers([])
    return Instance(
        *("", "", seed, integers([0, *np.cumsum([len(order) for _, order in ordered]).tolist()])),
        cost=np.concatenate([each.cost_micro_usd[order] for each, order in ordered]).astype(np.int64),
        seconds=np.concatenate([each.seconds[order] for each, order in ordered]).astype(np.int64),
        ready=np.concatenate([each.ready_s[order] for each, order in ordered]).astype(np.int64),
        place=np.concatenate([each.place[order] for each, order in ordered]).astype(np.int64),
        source=none,
        target=none,
        tariff=none,
        zone=np.zeros(len(columns.places), dtype=np.int64),
        move_cost=none.reshape(0, 1, 1),
        move_seconds=none.reshape(0, 1, 1),
    )
