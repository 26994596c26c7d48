"""Layered graphs over real regions and the real tariffs: several zones a cloud, three machines a region."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from bench.draw import Pairs, distinct, integers, lognormal
from bench.family import Family
from bench.instance import Instance

REGIONS = {
    "aws": (
        *("ap-northeast-1", "ap-south-1", "ap-southeast-1", "eu-central-1", "eu-west-1", "us-east-1"),
        *("us-east-2", "us-west-2"),
    ),
    "azure": ("brazilsouth", "eastus", "japaneast", "northeurope", "southeastasia", "westeurope", "westus2"),
    "gcp": (
        *("asia-east1", "asia-southeast2", "europe-west1", "europe-west4", "me-central1", "us-central1"),
        *("us-east4", "us-west1"),
    ),
}
WIDTH = 5
SPEEDS = (1.0, 2.0, 4.0)
"""How much faster the machines of a region are than its slowest one; the faster ones cost more a task."""

GIGABYTE = 10**9


def edges(rng: Random, tasks: int) -> Pairs:
    """Return the edges: each task follows one to three of the layer before its own."""
    found = []
    for task in range(WIDTH, tasks):
        above = range(task // WIDTH * WIDTH - WIDTH, task // WIDTH * WIDTH)
        found += [(parent, task) for parent in distinct(rng, above, rng.randrange(1, 4))]
    return found


def generate(tasks: int, seed: int) -> Instance:
    """Return the instance."""
    from catalog.transfer import DEFAULT

    rng = Random(seed)
    joined = edges(rng, tasks)
    regions = [(cloud, region) for cloud, regions in REGIONS.items() for region in regions]
    names = [DEFAULT.zone_of(*place) for place in regions]
    zones = sorted(set(names))
    per_task = len(regions) * len(SPEEDS)
    slow_s = np.repeat(lognormal(rng, 14_400, 0.4, tasks * len(regions)), len(SPEEDS))
    slow_cost = np.repeat(lognormal(rng, 20_000_000, 0.5, tasks * len(regions)), len(SPEEDS))
    speed = [each * rng.lognormvariate(0, 0.1) for _ in range(tasks * len(regions)) for each in SPEEDS]
    seconds = [math.ceil(s / factor) for s, factor in zip(slow_s.tolist(), speed, strict=True)]
    cost = [round(c * math.sqrt(factor)) for c, factor in zip(slow_cost.tolist(), speed, strict=True)]
    sizes = [round(GIGABYTE * rng.lognormvariate(math.log(50), 1)) for _ in joined]
    moves = [
        [[(DEFAULT.cost_micro_usd(a, b, size), DEFAULT.seconds(a, b, size)) for b in zones] for a in zones]
        for size in sizes
    ]
    matrices = np.array(moves, dtype=np.int64).reshape(len(sizes), len(zones), len(zones), 2)
    return Instance(
        *("", "", seed, np.arange(tasks + 1, dtype=np.int64) * per_task),
        cost=integers(cost),
        seconds=integers(seconds),
        ready=np.zeros(tasks * per_task, dtype=np.int64),
        place=np.tile(np.repeat(np.arange(len(regions), dtype=np.int64), len(SPEEDS)), tasks),
        source=integers([u for u, _ in joined]),
        target=integers([v for _, v in joined]),
        tariff=np.arange(len(joined), dtype=np.int64),
        zone=integers([zones.index(name) for name in names]),
        move_cost=np.ascontiguousarray(matrices[..., 0]),
        move_seconds=np.ascontiguousarray(matrices[..., 1]),
    )


FAMILY = Family(
    "layers of five tasks over 23 real regions",
    generate,
    sizes={"10": 10, "30": 30, "100": 100, "1000": 1_000},
    quick=("10", "30"),
)
