"""The sparse graphs at ten thousand tasks."""

from __future__ import annotations

from bench.families.sparse import generate
from bench.family import Family

FAMILY = Family("the sparse graphs at ten thousand tasks", generate, sizes={"10000": 10_000})
