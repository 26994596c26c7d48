"""Dense graphs: every pair of tasks is joined with a chance of one half."""

from __future__ import annotations

from random import Random

from bench.draw import drawn
from bench.family import Family
from bench.instance import Instance


def generate(tasks: int, seed: int) -> Instance:
    """Return the instance."""
    rng = Random(seed)
    edges = [(u, v) for v in range(1, tasks) for u in range(v) if rng.randrange(2)]
    return drawn(rng, seed, tasks, edges)


FAMILY = Family(
    "half of all pairs are edges",
    generate,
    sizes={"3": 3, "10": 10, "30": 30, "100": 100},
    quick=("10", "30"),
)
