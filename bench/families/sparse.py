"""Sparse graphs: each task follows one to three of the ten tasks before it, half of them just one."""

from __future__ import annotations

from random import Random

from bench.draw import Pairs, distinct, drawn
from bench.family import Family
from bench.instance import Instance

WINDOW = 10


def edges(rng: Random, tasks: int) -> Pairs:
    """Return the edges: 1, 2 or 3 parents with chances of 1/2, 1/3 and 1/6."""
    found = []
    for task in range(1, tasks):
        count = (1, 1, 1, 2, 2, 3)[rng.randrange(6)]
        found += [(parent, task) for parent in distinct(rng, range(max(0, task - WINDOW), task), count)]
    return found


def generate(tasks: int, seed: int) -> Instance:
    """Return the instance."""
    rng = Random(seed)
    return drawn(rng, seed, tasks, edges(rng, tasks))


FAMILY = Family(
    "graphs of 1.6 edges a task; runtimes and prices count most",
    generate,
    sizes={"3": 3, "10": 10, "100": 100, "1000": 1_000},
    quick=("10", "100", "1000"),
)
