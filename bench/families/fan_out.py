"""Fan-out: all tasks wait for the first one."""

from __future__ import annotations

from random import Random

from bench.draw import drawn
from bench.family import Family
from bench.instance import Instance


def generate(tasks: int, seed: int) -> Instance:
    """Return the instance."""
    return drawn(Random(seed), seed, tasks, [(0, task) for task in range(1, tasks)])


FAMILY = Family("all tasks follow one", generate, sizes={"10": 10, "30": 30, "100": 100}, quick=("10", "100"))
