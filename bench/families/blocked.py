"""A single request with parts of the catalog blocked, as after many failed launches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from bench.family import Family
from bench.instance import Instance
from bench.offers import instance_of_request, offers, request_of

if TYPE_CHECKING:
    from catalog.scope import Scope
    from solver.request import Objective, Request


def request(size: int, _seed: int, objective: Objective) -> Request:
    """Return a request for four vCPUs or more that may take none of the ``size`` cheapest such machines."""
    import sky

    return replace(request_of(sky.Resources(cpus="4+"), objective), blocks=tuple(islice(_cheapest(), size)))


def _cheapest() -> Iterator[Scope]:
    """Yield machine types in a region, the cheapest first."""
    import numpy as np

    from catalog import query
    from catalog.scope import Scope

    table = offers()
    table = table.filter(query.mask_range(table, "vcpus_milli", 4_000))
    order = np.argsort(query.view(table, "price_micro_usd", absent=LARGEST), kind="stable")
    table = table.take(order[:5_000])
    rows = zip(*(table.column(name).to_pylist() for name in _SCOPE), strict=True)
    for cloud, region, instance_type in dict.fromkeys(rows):
        yield Scope(cloud=cloud, region=region, instance_type=instance_type)


LARGEST = 2**62
"""The price of what has none: last in any order."""

_SCOPE = ("cloud", "region", "instance_type")


def generate(size: int, seed: int) -> Instance:
    """Return the instance of the request with ``size`` blocks."""
    from solver.request import Objective

    return instance_of_request(request(size, seed, Objective.COST), seed)


FAMILY = Family(
    "one task, many blocked offers",
    generate,
    sizes={"1": 1, "50": 50, "500": 500},
    quick=("1", "50", "500"),
    request=request,
)
