"""Chains longer than brute force can take, against an independent dynamic programme."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from solver.network import Network
from solver.params import REDUCTIONS, Params
from solver.problem import Problem
from solver.request import Edge, Objective
from solver.solve import solve
from tests.solver.builders import problem_of

LENGTHS = st.integers(6, 14)


@st.composite
def chains(draw: st.DrawFn) -> Problem:
    """Return a chain of up to 14 tasks with five candidates each, at four places in two zones."""
    count = draw(LENGTHS)

    def figures(values: list[int]) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(draw(st.lists(st.sampled_from(values), min_size=5, max_size=5))) for _ in range(count)
        )

    def matrices(values: list[int]) -> tuple[tuple[tuple[int, int], tuple[int, int]], ...]:
        value = st.sampled_from(values)
        return tuple(((draw(value), draw(value)), (draw(value), draw(value))) for _ in range(count - 1))

    return problem_of(
        objective=draw(st.sampled_from(Objective)),
        cost=figures([10, 11, 13, 20]),
        seconds=figures([1, 2, 5]),
        place=figures([0, 1, 2, 3]),
        edges=tuple(Edge(at, at + 1, 1) for at in range(count - 1)),
        network=Network.of(zone=(0, 0, 1, 1), cost=matrices([0, 1, 4, 9]), seconds=matrices([0, 1, 3])),
    )


def dynamic_programme(problem: Problem) -> tuple[int, int]:
    """Return the least (objective, other objective) of a chain: both add up along it."""
    zone, cost_first = problem.network.zone, problem.objective is Objective.COST

    def pair(cost: int, seconds: int) -> tuple[int, int]:
        return (cost, seconds) if cost_first else (seconds, cost)

    best = [pair(c, s) for c, s in zip(problem.cost[0], problem.seconds[0], strict=True)]
    for task in range(1, len(problem.names)):
        tariff, delay = problem.network.cost[task - 1].tolist(), problem.network.seconds[task - 1].tolist()
        step = []
        for k, place in enumerate(problem.place[task]):
            ways = []
            for before, there in zip(best, problem.place[task - 1], strict=True):
                same = place == there
                paid = 0 if same else tariff[zone[there]][zone[place]]
                waited = 0 if same else delay[zone[there]][zone[place]]
                more = pair(paid + problem.cost[task][k], waited + problem.seconds[task][k])
                ways.append((before[0] + more[0], before[1] + more[1]))
            step.append(min(ways))
        best = step
    return min(best)


@given(chains())
def test_a_chain_is_what_the_dynamic_programme_says(problem: Problem) -> None:
    """Both objectives, in their order."""
    result = solve(problem, Params())
    plan = result.schedule
    pair = (plan.cost, plan.makespan_s)
    assert result.unique
    assert (pair if problem.objective is Objective.COST else pair[::-1]) == dynamic_programme(problem)


@settings(max_examples=40)
@given(chains())
def test_narrowing_does_not_change_the_choice(problem: Problem) -> None:
    """The very same candidates either way, and whichever way the objective points."""
    for objective in Objective:
        turned = replace(problem, objective=objective)
        results = [solve(turned, Params(without=without)) for without in ((), REDUCTIONS)]
        chosen = [result.problem.row.pick(result.schedule.choice).tolist() for result in results]
        assert chosen[0] == chosen[1]
