"""Requests that nothing satisfies: the right answer says so, and what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.family import Family
from bench.instance import Instance
from bench.offers import instance_of_request, request_of

if TYPE_CHECKING:
    import sky
    from solver.request import Objective, Request

NAMES = ("region", "memory", "price")


def _resources(size: int) -> sky.Resources:
    import sky

    asked = {
        "region": sky.Resources(infra="aws/af-south-1", accelerators="H100:8"),
        "memory": sky.Resources(accelerators="L4:1", memory="4000+"),
        "price": sky.Resources(accelerators="A100:8", max_hourly_cost=1.0),
    }
    return asked[NAMES[size]]


def request(size: int, _seed: int, objective: Objective) -> Request:
    """Return request number ``size`` of ``NAMES``."""
    return request_of(_resources(size), objective)


def generate(size: int, seed: int) -> Instance:
    """Return the instance: one task without a candidate."""
    from solver.request import Objective

    return instance_of_request(request(size, seed, Objective.COST), seed)


FAMILY = Family(
    "nothing on offer fits",
    generate,
    sizes={name: size for size, name in enumerate(NAMES)},
    quick=NAMES,
    request=request,
)
