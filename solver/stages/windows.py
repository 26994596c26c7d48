"""Windows: make the best plan better a stretch of tasks at a time, the others staying as they are.

A way that leaves a stretch of the topological order never comes back, so with all else fixed the times before
and after its tasks are exact, and CP-SAT finds the best plan that differs only there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.columns import Mask
from solver.dominance import undominated
from solver.parts import folded, free_candidates
from solver.request import Objective
from solver.search import Search
from solver.section import section_of, shortest
from solver.time_bounds import Timing

_SIZE, _SIZE_FOR_COST = 100, 24
"""How many tasks may move at once; the next window begins in the middle of the one before."""

_WORK = 0.2
"""CP-SAT's deterministic time for one window."""


def run(search: Search, objective: Objective) -> None:
    """Go over the windows until none makes the plan shorter, or once to make it cheaper in the same time.

    A problem of one window is left to the next stages.
    """
    order = np.array(search.problem.order, dtype=np.int64)
    if len(order) <= _SIZE:
        return
    if objective is Objective.TIME and not search.limits:
        improve, size, rounds = _shorten, _SIZE, len(order)
    elif objective is Objective.COST and Objective.TIME in search.limits:
        improve, size, rounds = _cheapen, _SIZE_FOR_COST, 1
    else:
        return
    timing = Timing(search.problem)
    for _ in range(rounds):
        before = search.best
        for begin in range(0, len(order) - size // 2, size // 2):
            if search.proven(objective) or not search.remaining_s:
                return
            tasks = np.zeros(len(order), dtype=bool)
            tasks[order[begin : begin + size]] = True
            improve(search, timing, tasks)
        if search.best is before:
            return


def _shorten(search: Search, timing: Timing, tasks: Mask) -> None:
    problem, choice = search.problem, np.array(search.best.choice, dtype=np.int64)
    found = timing.within(search.best.makespan_s - 1, free_candidates(problem, choice, tasks))
    if found is None:
        return
    section = section_of(problem, tasks, *found)
    chosen, _ = shortest(search, section, _WORK)
    if chosen is not None:
        choice[section.tasks] = chosen
        search.take_choice(choice)


def _cheapen(search: Search, timing: Timing, tasks: Mask) -> None:
    problem, choice = search.problem, np.array(search.best.choice, dtype=np.int64)
    found = timing.within(search.limits[Objective.TIME], free_candidates(problem, choice, tasks))
    assert found is not None, "the best plan itself is within the limit"
    alive, bounds = found
    tight = problem.with_values(ready=bounds.start, tail=bounds.after)
    part, _ = folded(tight.keep(alive), tasks)
    part = replace(part, kept=np.flatnonzero(alive)[part.kept]).keep(undominated(part.problem))
    model = search.model(part.problem)
    model.model.minimise(model.cost())
    outcome = search.run(model, work_limit=_WORK)
    if outcome.values is not None:
        choice[part.tasks] = part.lift(tuple(model.choice(outcome.values)), problem.cost.start)
        search.take_choice(choice)
