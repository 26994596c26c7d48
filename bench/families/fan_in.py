"""Fan-in: the last task waits for all the others."""

from __future__ import annotations

from random import Random

from bench.draw import drawn
from bench.family import Family
from bench.instance import Instance


def generate(tasks: int, seed: int) -> Instance:
    """Return the instance."""
    return drawn(Random(seed), seed, tasks, [(task, tasks - 1) for task in range(tasks - 1)])


FAMILY = Family(
    "one task follows all others", generate, sizes={"10": 10, "30": 30, "100": 100}, quick=("10", "100")
)
