"""Numbers for instances, the same on every Python and numpy: only ``random.Random`` draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from bench.instance import Instance, Ints

Pairs = Sequence[tuple[int, int]]
"""Edges as (source, target)."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Medians and spreads (sigma of the logarithm) of what a task costs and takes, and of an edge's data."""

    seconds: float = 7_200
    seconds_spread: float = 0.5
    micro_usd: float = 25_000_000
    micro_usd_spread: float = 0.6
    gigabytes: float = 50
    gigabytes_spread: float = 1.0


PLACES = 60
CLOUDS = 3


def drawn(rng: Random, seed: int, tasks: int, edges: Pairs, scale: Scale | None = None) -> Instance:
    """Return an instance over these edges: 60 places in 3 clouds, one zone a cloud, one candidate a place.

    Data to another place pays by the cloud that it leaves, less if it stays within the cloud, and takes a
    second a gigabyte within a cloud, ten across.
    """
    scale = scale or Scale()
    count = tasks * PLACES
    cost = lognormal(rng, scale.micro_usd, scale.micro_usd_spread, count)
    seconds = lognormal(rng, scale.seconds, scale.seconds_spread, count)
    within = [rng.randrange(10, 21) for _ in range(CLOUDS)]
    out_of = [rng.randrange(87, 121) for _ in range(CLOUDS)]
    pairs = [(a, b) for a in range(CLOUDS) for b in range(CLOUDS)]
    prices = [1_000 * (within if a == b else out_of)[a] for a, b in pairs]
    waits = [1 if a == b else 10 for a, b in pairs]
    log_median = math.log(scale.gigabytes)
    gigabytes = [rng.lognormvariate(log_median, scale.gigabytes_spread) for _ in edges]
    return Instance(
        name="",
        family="",
        seed=seed,
        start=np.arange(tasks + 1, dtype=np.int64) * PLACES,
        cost=cost,
        seconds=seconds,
        ready=np.zeros(count, dtype=np.int64),
        place=np.tile(np.arange(PLACES, dtype=np.int64), tasks),
        source=integers([u for u, _ in edges]),
        target=integers([v for _, v in edges]),
        tariff=np.arange(len(edges), dtype=np.int64),
        zone=np.arange(PLACES, dtype=np.int64) * CLOUDS // PLACES,
        move_cost=_by_zones([round(size * price) for size in gigabytes for price in prices]),
        move_seconds=_by_zones([math.ceil(size * wait) for size in gigabytes for wait in waits]),
    )


def lognormal(rng: Random, median: float, spread: float, count: int) -> Ints:
    """Return ``count`` lognormal numbers, rounded to integers."""
    log_median = math.log(median)
    return integers([round(rng.lognormvariate(log_median, spread)) for _ in range(count)])


def integers(values: Sequence[int]) -> Ints:
    """Return ``values`` as an array, of 64 bits also where numpy's own default is narrower."""
    return np.array(values, dtype=np.int64)


def distinct(rng: Random, choices: range, count: int) -> list[int]:
    """Return ``count`` distinct members of ``choices`` in rising order, or all if there are fewer."""
    left = list(choices)
    return sorted(left.pop(rng.randrange(len(left))) for _ in range(min(count, len(left))))


def _by_zones(values: Sequence[int]) -> Ints:
    return integers(values).reshape(-1, CLOUDS, CLOUDS)
