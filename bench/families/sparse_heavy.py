"""The sparse graphs with small tasks: what data costs to move decides where they run, which is harder."""

from __future__ import annotations

from random import Random

from bench.draw import Scale, drawn
from bench.families.sparse import edges
from bench.family import Family
from bench.instance import Instance

SCALE = Scale(seconds=3_000, seconds_spread=0.6, micro_usd=2_000_000, micro_usd_spread=0.8)


def generate(tasks: int, seed: int) -> Instance:
    """Return the instance."""
    rng = Random(seed)
    return drawn(rng, seed, tasks, edges(rng, tasks), SCALE)


FAMILY = Family(
    "the sparse graphs where moving data costs most",
    generate,
    sizes={"3": 3, "10": 10, "100": 100, "1000": 1_000},
    quick=("10", "100"),
)
