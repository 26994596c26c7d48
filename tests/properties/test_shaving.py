"""Trials of places against brute force: they rule out nothing that a plan within the limit uses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.network import Network
from solver.params import Params
from solver.problem import Problem
from solver.request import Edge, Objective
from solver.schedule import schedule
from solver.search import Search
from solver.shaving import Shaving
from solver.stages import shaving as stage
from solver.time_bounds import Timing, least_makespan
from tests.properties.test_problem import assert_solved, every_plan, flat, problems
from tests.solver.builders import problem_of

NEAR = ((0, 5), (5, 0))
PARTED = problem_of(
    objective=Objective.TIME,
    cost=((0, 0), (0,), (0,), (0,), (0,), (0,), (0,), (0, 0)),
    seconds=((1, 1), (1,), (1,), (1,), (1,), (1,), (1,), (1, 1)),
    place=((0, 1), (0,), (1,), (0,), (0,), (0,), (1,), (0, 1)),
    edges=tuple(
        Edge(source, target, 1)
        for source, target in ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (4, 5), (4, 6), (5, 7), (6, 7))
    ),
    network=Network.of(
        zone=(0, 1),
        cost=(NEAR, NEAR, (), (), (), (), (), NEAR, NEAR),
        seconds=(NEAR, NEAR, (), (), (), (), (), NEAR, NEAR),
    ),
)
"""The first task and the last are each near one of two others, never both: 16 s, where bounds say 11 s."""


def shaving_of(problem: Problem, limit: int) -> Shaving:
    timing = Timing(problem)
    found = timing.within(limit)
    assert found is not None
    return Shaving(timing, limit, *found)


@given(problems(), st.integers(0, 6), st.integers(0, 4), st.data())
def test_plans_within_the_limit_are_kept(
    problem: Problem, slack: int, reach: int, data: st.DataObject
) -> None:
    """Whatever is tried, and however near, their candidates stay and their times are not below the bounds."""
    plans = every_plan(problem)
    limit = min(plan.makespan_s for plan in plans) + slack
    shaving = shaving_of(problem, limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.shaving._REACH", reach)
        for task in data.draw(st.lists(st.sampled_from(problem.tasks), max_size=8)):
            assert shaving.try_places(task)
            if data.draw(st.booleans()):
                assert shaving.spread()
    alive, bounds = shaving.narrowed()
    tight = problem.with_values(ready=bounds.start, tail=bounds.after)
    for plan in plans:
        if plan.makespan_s <= limit:
            at = flat(problem, plan)
            assert alive[at].all()
            assert (bounds.start[at] <= plan.start_s).all()
            assert (bounds.through[at] <= plan.makespan_s).all()
            assert schedule(tight, plan.choice).makespan_s == plan.makespan_s


@given(problems(objective=Objective.TIME), st.integers(0, 4))
def test_the_best_plan_is_proven(problem: Problem, reach: int) -> None:
    """However near a trial looks, and however little is left for cores, the plan is the best one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.shaving._REACH", reach)
        patch.setattr("solver.stages.shaving._SMALL", -1)
        patch.setattr("solver.stages.core._FIRST_SIZE", 1)
        assert_solved(problem, Params(without=("windows", "descent")))


def test_ways_that_part_at_a_task_are_told_apart() -> None:
    """Both places of the first task leave the fourth waiting until 7 s; in 15 s there is no plan."""
    assert least_makespan(PARTED, Timing(PARTED).bounds(np.ones(PARTED.size, dtype=bool))) == 11
    shaving = shaving_of(PARTED, 16)
    assert shaving.try_places(0)
    alive, bounds = shaving.narrowed()
    assert bounds.start.tolist() == [0, 0, 1, 1, 7, 8, 9, 9, 15, 15]
    assert alive.all()
    shaving = shaving_of(PARTED, 15)
    assert not (shaving.try_places(0) and shaving.spread())


def test_the_stage_proves_without_cp_sat(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a plan that is 4 s too long, it finds the best one and says that no plan is shorter."""
    monkeypatch.setattr(stage, "_SMALL", 0)
    seconds = PARTED.seconds.flat + np.array([0, 4, 0, 0, 0, 0, 0, 0, 0, 0])
    problem = PARTED.with_values(seconds=seconds)
    search = Search(problem, Params(), schedule(problem, (1,) + (0,) * 7), float("inf"))
    assert search.best.makespan_s == 20
    stage.run(search, Objective.TIME)
    assert search.best.makespan_s == 16
    assert search.proven(Objective.TIME)
