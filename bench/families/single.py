"""Single requests over the real catalog, as a person writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.family import Family
from bench.instance import Instance
from bench.offers import instance_of_request, request_of

if TYPE_CHECKING:
    import sky
    from solver.request import Objective, Request

NAMES = ("a100x8", "cpus", "memory", "spot", "any-of")


def _resources(size: int) -> sky.Resources | set[sky.Resources]:
    import sky

    asked: dict[str, sky.Resources | set[sky.Resources]] = {
        "a100x8": sky.Resources(accelerators="A100:8"),
        "cpus": sky.Resources(cpus="4+"),
        "memory": sky.Resources(cpus="16+", memory="256+"),
        "spot": sky.Resources(accelerators="H100:8", use_spot=True),
        "any-of": {
            sky.Resources(accelerators={"L4": 1}),
            sky.Resources(accelerators={"T4": 4}),
            sky.Resources(accelerators={"A10G": 1}, use_spot=True),
            sky.Resources(cpus="64+"),
        },
    }
    return asked[NAMES[size]]


def request(size: int, _seed: int, objective: Objective) -> Request:
    """Return request number ``size`` of ``NAMES``."""
    return request_of(_resources(size), objective)


def generate(size: int, seed: int) -> Instance:
    """Return the instance of request number ``size``."""
    from solver.request import Objective

    return instance_of_request(request(size, seed, Objective.COST), seed)


FAMILY = Family(
    "one task over the real catalog",
    generate,
    sizes={name: size for size, name in enumerate(NAMES)},
    quick=NAMES,
    request=request,
)
