"""Chains: each task follows the one before it. Dynamic programming proves the best plan."""

from __future__ import annotations

from random import Random

from bench.draw import drawn
from bench.family import Family
from bench.instance import Instance


def generate(tasks: int, seed: int) -> Instance:
    """Return the instance."""
    return drawn(Random(seed), seed, tasks, [(task - 1, task) for task in range(1, tasks)])


FAMILY = Family(
    "one task after the other",
    generate,
    sizes={"10": 10, "100": 100, "1000": 1_000},
    quick=("10", "100", "1000"),
)
