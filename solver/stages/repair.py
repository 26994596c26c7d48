"""Repair: keep the warm plan but near what it has lost."""

from __future__ import annotations

import numpy as np

from solver.repair import repaired
from solver.request import Objective
from solver.search import Search
from solver.warm import moved, near


def run(search: Search, objective: Objective) -> None:
    """Prove the best plan from what is around the loss; where that fails, prepare the stages that follow."""
    warm, lost = search.warm, search.lost
    if warm is None or lost is None or search.limits or not lost.any():
        return
    if objective is Objective.COST and warm.alone and search.duals and search.floors:
        choice = np.array(search.best.choice, dtype=np.int64)
        found = repaired(search.problem, choice, lost, warm.objective, search.duals, search.floors)
        search.duals, search.floors = found.duals, found.floors
        if found.proven:
            search.settle(found.choice)
            return
    search.take_choice(moved(search.problem, search.best.choice, lost))
    search.changed = near(search.problem, lost)
