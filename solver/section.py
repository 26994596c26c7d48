"""Section: some tasks of a problem, with the least time before and after each of their candidates.

Its least makespan is a lower bound of the whole problem's, and CP-SAT finds it soon where it is small.
"""

from __future__ import annotations

from solver.columns import Ints, Mask
from solver.dominance import undominated
from solver.parts import Part, part_of
from solver.problem import Problem
from solver.request import Objective
from solver.search import Search
from solver.time_bounds import TimeBounds


def section_of(problem: Problem, tasks: Mask, alive: Mask, bounds: TimeBounds) -> Part:
    """Return the ``tasks`` with their candidates ``alive``, of which ``bounds`` must be true."""
    tight = problem.with_values(ready=bounds.start, tail=bounds.after)
    part = part_of(tight.only(Objective.TIME), tasks, alive)
    return part.keep(undominated(part.problem))


def shortest(search: Search, section: Part, work_limit: float = float("inf")) -> tuple[Ints | None, int]:
    """Return the best choice by task of the section, if any is shorter than the best plan, and the bound."""
    limit = search.best.makespan_s - 1
    model = search.model(section.problem)
    model.model.minimise(model.makespan(limit))
    outcome = search.run(model, workers=search.params.workers, work_limit=work_limit)
    if outcome.infeasible:
        return None, limit + 1
    bound = outcome.bound or 0
    if outcome.values is None:
        return None, bound
    return section.lift(tuple(model.choice(outcome.values)), search.problem.cost.start), bound
