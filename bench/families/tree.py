"""Trees: each task follows any one of the tasks before it. Dynamic programming proves the best plan."""

from __future__ import annotations

from random import Random

from bench.draw import drawn
from bench.family import Family
from bench.instance import Instance


def generate(tasks: int, seed: int) -> Instance:
    """Return the instance."""
    rng = Random(seed)
    return drawn(rng, seed, tasks, [(rng.randrange(task), task) for task in range(1, tasks)])


FAMILY = Family(
    "each task has one parent among all before it",
    generate,
    sizes={"10": 10, "100": 100, "1000": 1_000},
    quick=("10", "100"),
)
