"""A plan repaired around a loss is the plan made from nothing, whatever was lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver import repair
from solver.network import Network
from solver.params import Params
from solver.problem import Problem
from solver.request import Edge
from solver.result import Result
from solver.rings import Rings
from solver.solve import solve
from solver.stages import repair as stage
from tests.solver.builders import problem_of

PLACES, ZONES = 6, 3


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Return a problem of up to 10 tasks with few edges, hardly any of its plans costing the same."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, range_of_costs = draw(st.integers(2, 10)), draw(st.sampled_from([1_000, 1_000_000]))
    sizes = chance.integers(1, 6, count)
    pairs = {tuple(sorted(chance.choice(count, 2, replace=False).tolist())) for _ in range(3 * count // 2)}
    edges = tuple(Edge(source, target, 1) for source, target in sorted(pairs))
    moves = chance.random(len(edges)) < 0.8
    zone = [*chance.integers(0, ZONES, PLACES - 1).tolist(), ZONES - 1]
    tariff = range_of_costs // draw(st.sampled_from([1, 3, 10])) + 1

    def figures(least: int, most: int) -> list[list[int]]:
        return [chance.integers(least, most, size).tolist() for size in sizes]

    def matrices(most: int) -> list[list[list[int]]]:
        return [chance.integers(0, most, (ZONES, ZONES)).tolist() if move else [] for move in moves]

    return problem_of(
        cost=figures(range_of_costs, 2 * range_of_costs),
        seconds=figures(0, 10),
        place=figures(0, PLACES),
        edges=edges,
        network=Network.of(zone, matrices(tariff), matrices(5)),
    )


def losses(problem: Problem, last: Result, data: st.DataObject) -> np.ndarray:
    """Return which candidates are left after one to three tasks have lost some, mostly those of the plan."""
    left = np.ones(problem.size, dtype=bool)
    wide = np.flatnonzero(problem.cost.sizes > 1).tolist()
    for task in data.draw(st.lists(st.sampled_from(wide), min_size=1, max_size=3, unique=True)):
        chosen = last.problem.rank.pick(last.schedule.choice)[task]
        own = int(np.flatnonzero(problem.rank[task] == chosen)[0])
        lost = data.draw(st.sampled_from([own, own, 0]))
        left[problem.cost.start[task] + lost] = False
    return left


def chain(problem: Problem, data: st.DataObject) -> Iterator[tuple[Problem, Result]]:
    """Yield problems, each without some candidates of the one before, solved from the last result."""
    last = solve(problem, Params())
    for _ in range(3):
        if (problem.cost.sizes == 1).all():
            return
        problem = problem.keep(losses(problem, last, data))
        last = solve(problem, Params(), last)
        yield problem, last


def only_the_lost_move(rings: Rings) -> None:
    """Suggest the cheapest candidates at the lost tasks and the last plan's at all others."""
    place = rings.last.copy()
    place[rings.lost] = rings.own[rings.lost].argmin(axis=1)
    rings.place, rings.cost = place, rings._cost(place)


def ranks(result: Result) -> list[int]:
    """Return what was chosen, in the terms of the whole problem."""
    return np.asarray(result.problem.rank.pick(result.schedule.choice)).tolist()


@given(problems(), st.sampled_from([(1,), (1, 3), (12, 40)]), st.booleans(), st.data())
def test_a_chain_of_losses_ends_where_nothing_was_kept(
    problem: Problem, sizes: tuple[int, ...], poor: bool, data: st.DataObject
) -> None:
    """Each plan is that of a solve from nothing, however little is looked at and however poor the idea."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repair, "_SIZES", sizes)
        if poor:
            patch.setattr(Rings, "look", only_the_lost_move)
        solved = list(chain(problem, data))
    for problem_now, warm in solved:
        cold = solve(problem_now, Params())
        assert ranks(warm) == ranks(cold)
        assert (warm.schedule.cost, warm.schedule.makespan_s) == (
            cold.schedule.cost,
            cold.schedule.makespan_s,
        )
        assert warm.unique
        assert warm.bound == warm.objective == cold.objective
        if warm.floors is not None:
            assert warm.floors.of_tasks.sum() + warm.floors.of_edges.sum() <= cold.objective


def test_a_loss_in_a_long_chain_is_repaired_from_a_few_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs that differ leave nothing open far from the loss, so a few tasks prove the plan of sixty."""
    proven = []

    def noted(*given: Any) -> repair.Repaired:
        found = repair.repaired(*given)
        proven.append(found.proven)
        return found

    monkeypatch.setattr(stage, "repaired", noted)
    chance = np.random.default_rng(1)
    count = 60
    tariffs = [chance.integers(50, 100, (ZONES, ZONES)).tolist() for _ in range(count - 1)]
    problem = problem_of(
        cost=chance.integers(1_000, 2_000, (count, 5)).tolist(),
        place=[list(range(5))] * count,
        edges=tuple(Edge(at, at + 1, 1) for at in range(count - 1)),
        network=Network.of((0, 0, 1, 1, 2), tariffs, tariffs),
    )
    last = solve(problem, Params())
    assert last.alone
    for task in range(0, count, 7):
        chosen = last.problem.rank.pick(last.schedule.choice)[task]
        problem = problem.keep((problem.cost.row_of != task) | (problem.rank.flat != chosen))
        last = solve(problem, Params(), last)
        assert ranks(last) == ranks(solve(problem, Params()))
    assert sum(proven) >= 5
