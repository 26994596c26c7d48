"""The solver's core on random integer problems, against brute force through the rules' ``check``."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.bounds import CostBounds, time_bounds
from solver.constraints import violations
from solver.dominance import undominated
from solver.network import Network
from solver.params import Params
from solver.problem import Problem, topological_order
from solver.request import Edge, Objective
from solver.schedule import Schedule, order_key, schedule
from solver.solve import solve

PLACES = 4


@st.composite
def problems(draw: st.DrawFn, objective: Objective | None = None) -> Problem:
    """Return a problem of up to five tasks over a random graph, ties common."""
    count = draw(st.integers(1, 5))
    zone = tuple(draw(st.sampled_from([(0, 1, 2, 3), (0, 0, 1, 1), (0, 0, 0, 0)])))
    zones = max(zone) + 1
    names = tuple(f"t{at}" for at in range(count))
    pairs = [(source, target) for source in range(count) for target in range(source + 1, count)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    edges = tuple(Edge(source, target, 1) for source, target in chosen)

    def matrix(values: list[int]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(draw(st.sampled_from(values)) for _ in range(zones)) for _ in range(zones))

    moves = [draw(st.booleans()) for _ in edges]
    sizes = [draw(st.integers(1, 3 if count > 3 else 5)) for _ in names]

    def figures(values: list[int]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(draw(st.sampled_from(values)) for _ in range(size)) for size in sizes)

    return Problem(
        objective=objective or draw(st.sampled_from(Objective)),
        names=names,
        cost=figures([0, 1, 2, 5, 9]),
        seconds=figures([0, 1, 2, 4]),
        ready=figures([0, 0, 0, 3]),
        place=figures(list(range(PLACES))),
        rank=tuple(tuple(draw(st.permutations(range(size)))) for size in sizes),
        row=tuple(tuple(range(size)) for size in sizes),
        edges=edges,
        network=Network(
            zone=zone,
            cost=tuple(matrix([0, 1, 3, 8]) if move else () for move in moves),
            seconds=tuple(matrix([0, 1, 5]) if move else () for move in moves),
        ),
        order=topological_order(names, edges),
    )


def every_plan(problem: Problem) -> list[Schedule]:
    """Return every plan of ``problem``; each must pass every rule's check."""
    plans = [schedule(problem, choice) for choice in product(*(range(len(row)) for row in problem.cost))]
    assert not [broken for plan in plans for broken in violations(problem, plan)]
    return plans


def best_of(problem: Problem) -> Schedule:
    return min(every_plan(problem), key=lambda plan: order_key(problem, plan))


def rows(problem: Problem, plan: Schedule) -> list[int]:
    return [problem.row[task][k] for task, k in enumerate(plan.choice)]


@given(problems(), st.booleans())
def test_solve_finds_the_best_plan(problem: Problem, narrow: bool) -> None:
    """With and without narrowing the result is the brute-force optimum, proven and unique."""
    result = solve(problem, Params(narrow=narrow))
    best = best_of(problem)
    assert rows(result.problem, result.schedule) == rows(problem, best)
    assert result.objective == result.bound == best.value(problem.objective)
    assert result.unique
    assert result.gap == 0


@given(problems())
def test_dominance_keeps_the_best_plan(problem: Problem) -> None:
    """No dominated candidate is part of the best plan."""
    best = best_of(problem)
    assert all(k in kept for k, kept in zip(best.choice, undominated(problem), strict=True))


@given(problems())
def test_time_bounds_hold(problem: Problem) -> None:
    """No plan through a candidate is faster than that candidate's bound."""
    through = time_bounds(problem).through
    for plan in every_plan(problem):
        assert all(plan.makespan_s >= through[task][k] for task, k in enumerate(plan.choice))


@given(problems(), st.integers(0, 20))
def test_cost_bounds_hold(problem: Problem, slack: int) -> None:
    """The bound is below every plan in time, and no plan within the limit loses a candidate."""
    plans = every_plan(problem)
    deadline = min(plan.makespan_s for plan in plans) + slack
    in_time = [plan for plan in plans if plan.makespan_s <= deadline]
    limit = max(plan.cost for plan in in_time)
    bounds = CostBounds(problem, limit, deadline)
    bounds.tighten()
    least = min(plan.cost for plan in in_time)
    assert bounds.bound <= least <= bounds.limit
    for plan in in_time:
        if plan.cost <= bounds.limit:
            assert all(k in kept for k, kept in zip(plan.choice, bounds.kept, strict=True))


@given(problems(objective=Objective.COST))
def test_cost_bound_of_a_chain_is_exact(problem: Problem) -> None:
    """On a chain the message passing is dynamic programming: its bound is the optimum."""
    count = len(problem.names)
    moving = [at for at, edge in enumerate(problem.edges) if edge.target == edge.source + 1]
    chain = replace(
        problem,
        edges=tuple(problem.edges[at] for at in moving),
        network=replace(
            problem.network,
            cost=tuple(problem.network.cost[at] for at in moving),
            seconds=tuple(problem.network.seconds[at] for at in moving),
        ),
        order=tuple(range(count)),
    )
    best = best_of(chain)
    bounds = CostBounds(chain, sum(max(costs) for costs in chain.cost) + 100 * count)
    bounds.tighten()
    assert bounds.bound == best.cost


@given(problems())
def test_the_core_of_promising_candidates_is_only_a_start(problem: Problem) -> None:
    """Searching a core first, however small, leaves the plan as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.solve._LARGE", 0)
        patch.setattr("solver.solve._CORE", 1)
        result = solve(problem, Params())
    assert result.unique
    assert rows(result.problem, result.schedule) == rows(problem, best_of(problem))
