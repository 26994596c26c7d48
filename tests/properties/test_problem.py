"""The solver's core on random integer problems, against brute force through the rules' ``check``."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.constraints import violations
from solver.dominance import undominated
from solver.dual_ascent import DualAscent
from solver.network import Network
from solver.params import REDUCTIONS, Params
from solver.parts import part_of, undecided
from solver.problem import Problem
from solver.request import Edge, Objective
from solver.schedule import Schedule, order_key, schedule
from solver.search import Search
from solver.solve import solve
from solver.stages import windows
from solver.time_bounds import Timing, least_makespan
from solver.timetable import Timetable
from tests.solver.builders import problem_of

PLACES = 4


@st.composite
def problems(draw: st.DrawFn, objective: Objective | None = None) -> Problem:
    """Return a problem of up to five tasks over a random graph, ties common."""
    count = draw(st.integers(1, 5))
    zone = draw(st.sampled_from([(0, 1, 2, 3), (0, 0, 1, 1), (0, 0, 0, 0), (1, 0, 1, 0)]))
    zones = max(zone) + 1
    pairs = [(source, target) for source in range(count) for target in range(source + 1, count)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    edges = tuple(Edge(source, target, 1) for source, target in chosen)

    def matrix(values: list[int]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(draw(st.sampled_from(values)) for _ in range(zones)) for _ in range(zones))

    moves = [draw(st.booleans()) for _ in edges]
    sizes = [draw(st.integers(1, 3 if count > 3 else 5)) for _ in range(count)]

    def figures(values: list[int]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(draw(st.sampled_from(values)) for _ in range(size)) for size in sizes)

    return problem_of(
        objective=objective or draw(st.sampled_from(Objective)),
        cost=figures([0, 1, 2, 5, 9]),
        seconds=figures([0, 1, 2, 4]),
        ready=figures([0, 0, 0, 3]),
        tail=figures([0, 0, 0, 2]),
        place=figures(list(range(PLACES))),
        rank=tuple(tuple(draw(st.permutations(range(size)))) for size in sizes),
        edges=edges,
        network=Network.of(
            zone=zone,
            cost=tuple(matrix([0, 1, 3, 8]) if move else () for move in moves),
            seconds=tuple(matrix([0, 1, 5]) if move else () for move in moves),
        ),
    )


def every_plan(problem: Problem) -> list[Schedule]:
    """Return every plan of ``problem``; each must pass every rule's check."""
    plans = [schedule(problem, choice) for choice in product(*(range(len(row)) for row in problem.cost))]
    assert not [broken for plan in plans for broken in violations(problem, plan)]
    return plans


def best_of(problem: Problem) -> Schedule:
    return min(every_plan(problem), key=lambda plan: order_key(problem, plan))


def rows(problem: Problem, plan: Schedule) -> list[int]:
    return problem.row.pick(plan.choice).tolist()


def flat(problem: Problem, plan: Schedule) -> np.ndarray:
    return problem.cost.start[:-1] + np.array(plan.choice)


def assert_solved(problem: Problem, params: Params) -> None:
    """The result is the brute-force optimum, proven and unique."""
    result = solve(problem, params)
    best = best_of(problem)
    assert rows(result.problem, result.schedule) == rows(problem, best)
    assert result.objective == result.bound == best.value(problem.objective)
    assert result.unique
    assert result.gap == 0


@given(problems())
def test_solve_finds_the_best_plan(problem: Problem) -> None:
    """With every stage."""
    assert_solved(problem, Params())


@given(problems())
def test_cp_sat_alone_finds_the_best_plan(problem: Problem) -> None:
    """Without any reduction."""
    assert_solved(problem, Params(without=REDUCTIONS))


@given(problems(), st.sets(st.sampled_from(REDUCTIONS)))
def test_every_reduction_can_be_left_out(problem: Problem, without: set[str]) -> None:
    """Any of them, together with any others."""
    assert_solved(problem, Params(without=tuple(sorted(without))))


@given(problems(), st.data())
def test_a_warm_solve_finds_the_same_plan(problem: Problem, data: st.DataObject) -> None:
    """With what an earlier solve left, after candidates were lost, the best plan is what it is without."""
    warm = solve(problem, Params())
    while (problem.cost.sizes > 1).any():
        task = data.draw(st.sampled_from(np.flatnonzero(problem.cost.sizes > 1).tolist()))
        lost = data.draw(st.integers(0, int(problem.cost.sizes[task]) - 1))
        if data.draw(st.booleans()):
            chosen = warm.problem.rank.pick(warm.schedule.choice)[task]
            lost = int(np.flatnonzero(problem.rank[task] == chosen)[0])
        left = np.ones(problem.size, dtype=bool)
        left[problem.cost.start[task] + lost] = False
        problem = problem.keep(left)
        again = solve(problem, Params(), warm)
        assert again.unique
        assert rows(again.problem, again.schedule) == rows(problem, best_of(problem))
        warm = again


@given(problems(objective=Objective.TIME))
def test_a_core_of_one_candidate_is_only_a_start(problem: Problem) -> None:
    """However small the first core is, the plan is the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.stages.core._FIRST_SIZE", 1)
        assert_solved(problem, Params(without=("filtering",)))


@given(problems(), st.integers(2, 4))
def test_windows_leave_the_best_plan_in_reach(problem: Problem, size: int) -> None:
    """However few tasks may move at once, the plan gets better or stays, and what follows proves the best."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.stages.windows._SIZE", size)
        patch.setattr("solver.stages.windows._SIZE_FOR_COST", size)
        assert_solved(problem, Params(without=("core",)))
        search = Search(problem, Params(), schedule(problem, [0] * len(problem.names)), float("inf"))
        before = search.best
        windows.run(search, Objective.TIME)
        assert search.best.makespan_s <= before.makespan_s
        search.limits[Objective.TIME] = search.best.makespan_s
        before = search.best
        windows.run(search, Objective.COST)
        assert search.best.makespan_s <= before.makespan_s
        assert search.best.cost <= before.cost


@given(problems())
def test_dominance_keeps_the_best_plan(problem: Problem) -> None:
    """No dominated candidate is part of the best plan."""
    assert undominated(problem)[flat(problem, best_of(problem))].all()


@given(problems(), st.integers(0, 8))
def test_time_bounds_hold(problem: Problem, slack: int) -> None:
    """No plan within the limit is faster than a bound, or uses what filtering drops."""
    plans = every_plan(problem)
    limit = min(plan.makespan_s for plan in plans) + slack
    timing = Timing(problem)
    found = timing.within(limit)
    assert found is not None
    alive, bounds = found
    assert least_makespan(problem, bounds) <= min(plan.makespan_s for plan in plans)
    for plan in plans:
        if plan.makespan_s <= limit:
            at = flat(problem, plan)
            assert alive[at].all()
            assert (bounds.through[at] <= plan.makespan_s).all()
            assert (bounds.start[at] <= plan.start_s).all()


@given(problems())
def test_a_limit_without_a_plan_is_refused_or_left_open(problem: Problem) -> None:
    """Filtering never accepts less than its own bound, and tightened times leave every plan as it was."""
    timing = Timing(problem)
    bounds = timing.bounds(np.ones(problem.size, dtype=bool))
    assert timing.within(least_makespan(problem, bounds) - 1) is None
    tight = problem.with_values(ready=bounds.start, tail=bounds.after)
    for plan in every_plan(problem):
        assert schedule(tight, plan.choice).makespan_s == plan.makespan_s


@given(problems(), st.integers(0, 12), st.data())
def test_cost_bounds_hold(problem: Problem, sweeps: int, data: st.DataObject) -> None:
    """After any number of sweeps every plan costs at least its candidates' bounds."""
    plans = every_plan(problem)
    ascent = DualAscent(problem)
    ascent.visit(ascent.grid.levels if data.draw(st.booleans()) else ascent.grid.colours)
    ascent.sweeps(sweeps)
    bound, through = ascent.bounds()
    assert bound <= min(plan.cost for plan in plans)
    for groups in (ascent.grid.colours, ascent.grid.levels):
        decoded = schedule(problem, ascent.choice_at(ascent.decode(groups)))
        assert decoded.cost in {plan.cost for plan in plans}
    again = DualAscent(problem, ascent.duals)
    assert again.bounds()[0] == bound
    limit = sorted(plan.cost for plan in plans)[len(plans) // 2]
    within = ascent.candidates_within(through, limit)
    for plan in plans:
        if plan.cost <= limit:
            assert within[flat(problem, plan)].all()


@given(problems(objective=Objective.COST))
def test_cost_bound_of_a_chain_is_exact(problem: Problem) -> None:
    """On a chain the ascent is dynamic programming, up to the rounding of shares."""
    moving = [at for at, edge in enumerate(problem.edges) if edge.target == edge.source + 1]
    network = replace(
        problem.network,
        tariff=problem.network.tariff[moving],
        cost=problem.network.cost * 1_000,
    )
    chain = replace(
        problem.with_values(cost=problem.cost.flat * 1_000),
        edges=tuple(problem.edges[at] for at in moving),
        network=network,
        order=tuple(problem.tasks),
    )
    ascent = DualAscent(chain)
    for _ in range(60):
        ascent.sweep()
    best = best_of(chain)
    assert best.cost - 1_000 < ascent.bounds()[0] <= best.cost


@given(problems(), st.data())
def test_a_part_is_a_relaxation(problem: Problem, data: st.DataObject) -> None:
    """Without some tasks a plan is never dearer or longer, and lifting leads back to the same candidates."""
    tasks = np.array([data.draw(st.booleans()) for _ in problem.names])
    if not tasks.any():
        return
    part = part_of(problem, tasks, np.ones(problem.size, dtype=bool))
    for plan in every_plan(problem):
        choice = tuple(plan.choice[task] for task in part.tasks.tolist())
        smaller = schedule(part.problem, choice)
        assert smaller.makespan_s <= plan.makespan_s
        assert smaller.cost <= plan.cost
        assert part.lift(choice, problem.cost.start).tolist() == list(choice)


@given(problems(objective=Objective.COST))
def test_what_is_settled_can_be_folded_in(problem: Problem) -> None:
    """The undecided tasks' cost, and that of the others, is the cost of the whole plan."""
    part, settled = undecided(problem)
    for plan in every_plan(problem):
        choice = [plan.choice[task] for task in part.tasks.tolist()]
        assert schedule(part.problem, choice).cost + settled == plan.cost


@given(problems(), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=6))
def test_a_timetable_follows_every_move(problem: Problem, moves: list[tuple[int, int]]) -> None:
    """After any moves it holds what a fresh schedule says, and foretells what a move would do."""
    table = Timetable(problem, [0] * len(problem.names))
    for task, candidate in moves:
        if task >= len(problem.names) or candidate >= len(problem.cost[task]):
            continue
        before = schedule(problem, table.choice)
        cost, through = table.alternatives(task)
        here = table.choice[task]
        table.move(task, candidate)
        plan = schedule(problem, table.choice)
        assert plan.cost - before.cost == cost[candidate] - cost[here]
        assert table.through(task) == through[candidate]
        assert tuple(table.start) == plan.start_s
        assert table.makespan_s == plan.makespan_s
