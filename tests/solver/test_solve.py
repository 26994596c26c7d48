"""The search: honesty under a time limit, the last tie-breaks, and the rules' own checks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from solver.api import solve_request
from solver.constraints import violations
from solver.interrupted import Interrupted
from solver.keys import key_phases
from solver.network import Network
from solver.params import REDUCTIONS, Params
from solver.plan import CatalogInfo, Status
from solver.request import Basis, Edge, Objective, Request, Runtime, TaskRequest
from solver.schedule import schedule
from solver.solve import solve
from tests.solver.builders import problem_of, requirement
from tests.strategies import ToyTransfers, row_of, table_of

PAIR = problem_of(
    cost=((1, 3), (3, 1)),
    seconds=((5, 5), (5, 5)),
    place=((0, 1), (0, 1)),
    edges=(Edge(0, 1, 1),),
    network=Network.of(zone=(0, 1), cost=(((0, 9), (9, 0)),), seconds=(((0, 2), (2, 0)),)),
)


@pytest.mark.parametrize("objective", Objective)
def test_no_time_means_feasible_with_an_honest_bound(objective: Objective) -> None:
    """Without a search and without narrowing nothing is proven, and the plan says so."""
    result = solve(replace(PAIR, objective=objective), Params(time_limit_s=0, without=REDUCTIONS))
    assert result.status is Status.FEASIBLE
    assert result.bound < result.objective
    assert result.gap > 0
    assert not result.unique
    assert not violations(result.problem, result.schedule)


def test_the_same_problem_with_time_is_proven() -> None:
    """Both tasks at one place: four micro-dollars, the first place by key."""
    result = solve(PAIR, Params())
    assert (result.status, result.objective, result.bound) == (Status.OPTIMAL, 4, 4)
    assert [result.problem.row[t][k] for t, k in enumerate(result.schedule.choice)] == [0, 0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"choice": (0, 7)}, "candidate 7 of 2"),
        ({"choice": (0,)}, "1 choices for 2 tasks"),
        ({"transfer_cost": (0,)}, "pays 0, not 9"),
        ({"transfer_s": (0,)}, "takes 0 s, not 2"),
        ({"start_s": (0, 6)}, "starts before t0 delivers"),
        ({"makespan_s": 11}, "makespan 11 s, not 12"),
        ({"cost": 10}, "cost 10, not 11"),
    ],
)
def test_check_finds_each_lie(change: dict[str, object], told: str) -> None:
    """A schedule that is wrong in one respect is refused by name."""
    honest = schedule(PAIR, (0, 1))
    assert violations(PAIR, honest) == []
    assert any(told in broken for broken in violations(PAIR, replace(honest, **change)))


def test_keys_order_like_words() -> None:
    """The least sum of weights is the lexicographically first choice; long orders take several runs."""
    many = problem_of(cost=((0, 0),) * 60, rank=((5, 3),) * 60)
    phases = key_phases(many)
    assert [task for tasks, _ in phases for task in tasks] == list(range(60))
    assert len(phases) == 2
    tasks, weights = phases[0]
    later = sum(max(weights[task]) for task in tasks[1:])
    assert max(weights[tasks[0]]) > later
    assert weights[tasks[-1]] == [1, 0]


def test_runners_up_of_a_task_that_can_wait_are_the_cheap_ones() -> None:
    """Another task takes two hours anyway: a faster offer saves no time, so the next cheapest comes first."""
    scaled = Runtime(7_200, Basis.VCPUS, reference=8_000)
    tasks = (
        TaskRequest("long", (requirement(runtime=Runtime(7_200)),)),
        TaskRequest("short", (requirement(runtime=scaled),)),
    )
    table = table_of(
        [
            row_of(instance_type="cheap", price_micro_usd=1_000_000),
            row_of(instance_type="fast", price_micro_usd=9_000_000, vcpus_milli=16_000),
            row_of(instance_type="next", price_micro_usd=2_000_000),
        ]
    )
    info = CatalogInfo("0", "2026-01-01", 3)
    request = Request(tasks, objective=Objective.TIME)
    short = solve_request(request, table, ToyTransfers(True, 0, 0, 0), info).tasks[1]
    assert [c.instance_type for c in (short.choice, *short.alternatives)] == ["cheap", "next", "fast"]


def _interrupting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C at the first stage."""

    def press(search: object, objective: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("solver.solve._STAGES", (("exact", press),))


def test_an_interrupted_search_keeps_its_best_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """FEASIBLE with a bound that holds, and said to be interrupted."""
    _interrupting(monkeypatch)
    result = solve(PAIR, Params())
    assert result.interrupted
    assert result.status is Status.FEASIBLE
    assert result.bound < result.objective
    assert not violations(result.problem, result.schedule)


def test_an_interrupted_plan_is_not_returned_but_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever would launch it has to catch it first; its notes say why it is not proven."""
    _interrupting(monkeypatch)
    info = CatalogInfo("0", "2026-01-01", 2)
    table = table_of([row_of(), row_of(region="elsewhere", price_micro_usd=9)])
    tasks = tuple(TaskRequest(name, (requirement(),)) for name in "ab")
    with pytest.raises(Interrupted) as raised:
        solve_request(Request(tasks, (Edge(0, 1, 10**9),)), table, ToyTransfers(True, 0, 0, 0), info)
    assert isinstance(raised.value, KeyboardInterrupt)
    assert raised.value.plan.status is Status.FEASIBLE
    assert "was interrupted" in raised.value.plan.notes[-1]
