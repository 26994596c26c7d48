"""Descent: make the best plan better by moving one task at a time."""

from __future__ import annotations

from solver.descent import cheapen, shorten
from solver.request import Objective
from solver.search import Search


def run(search: Search, objective: Objective) -> None:
    """Shorten the longest ways, or let tasks move to cheaper places within the limit of time."""
    if objective is Objective.TIME:
        search.take(shorten(search.problem, search.best.choice))
    elif Objective.TIME in search.limits:
        search.take(cheapen(search.problem, search.best.choice, search.limits[Objective.TIME]))
