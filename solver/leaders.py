"""Leaders: of candidates between which only cost and key can decide, the first of each group."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from solver.columns import Ints

Values: TypeAlias = Callable[[Ints], Ints]
"""The values that an order compares, of the candidates at the given positions."""


def first_of_groups(at: Ints, group: Ints, order: tuple[Values, ...]) -> Ints:
    """Return the first of each group by ``order``; ``group`` belongs to the candidates ``at``."""
    for values in order:
        here = values(at)
        if not np.ptp(here):
            continue
        least = np.full(int(group.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(least, group, here)
        kept = np.flatnonzero(here == least[group])
        at, group = at[kept], group[kept]
    return at
