"""Filtering: drop the candidates that no plan as short as the best one can use."""

from __future__ import annotations

from solver.request import Objective
from solver.search import Search
from solver.time_bounds import Timing, least_makespan


def run(search: Search, objective: Objective) -> None:
    """Drop what makes every plan longer than the limit or, where time is minimised, than the best plan."""
    if objective is Objective.COST and Objective.TIME not in search.limits:
        return
    found = Timing(search.problem).within(search.best.makespan_s)
    assert found is not None, "the best plan itself is within its makespan"
    alive, bounds = found
    if objective is Objective.TIME:
        search.raise_bound(objective, least_makespan(search.problem, bounds))
    search.keep(alive)
