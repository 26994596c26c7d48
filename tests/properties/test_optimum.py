"""The solver against brute force: the same value, the same choice, and the laws that any optimum obeys."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Infeasible
from catalog.offer import Market, OfferKey
from catalog.scope import Scope
from solver.api import solve_request
from solver.params import Params
from solver.plan import CatalogInfo, Choice, Plan, Status
from solver.request import Objective, Request, Risk
from tests.oracle import Offered, best_plan, offers_of, totals
from tests.strategies import ToyTransfers, requests, row_of, rows, scopes, table_of, transfers

INFO = CatalogInfo("0" * 64, "2026-01-01", 0)


def plan_of(request: Request, catalog: list[dict[str, Any]], toy: ToyTransfers, **params: Any) -> Plan | None:
    """Return the plan, or ``None`` if the request is infeasible."""
    try:
        return solve_request(request, table_of(catalog), toy, INFO, Params(**params))
    except Infeasible:
        return None


def key_of(choice: Choice) -> OfferKey:
    return OfferKey(
        choice.cloud,
        choice.region,
        choice.zone or "",
        choice.instance_type,
        choice.accelerator or "",
        choice.accelerator_count_milli,
        Market.SPOT if choice.use_spot else Market.ON_DEMAND,
    )


def value(plan: Plan) -> tuple[int, int]:
    """Return the plan's totals in the objective's order."""
    pair = plan.total_cost_micro_usd, plan.total_time_s
    return pair if plan.objective == "cost" else pair[::-1]


@given(requests(), rows(), transfers)
def test_plan_is_the_oracles(request_: Request, catalog: list[dict[str, Any]], toy: ToyTransfers) -> None:
    """Feasible exactly when the oracle finds a plan, and then the very same one, proven."""
    plan, best = plan_of(request_, catalog, toy), best_plan(request_, catalog, toy)
    assert (plan is None) == (best is None)
    if plan is None or best is None:
        return
    assert (plan.total_cost_micro_usd, plan.total_time_s) == (best.cost, best.makespan_s)
    assert tuple(key_of(task.choice) for task in plan.tasks) == best.keys
    assert plan.status is Status.OPTIMAL
    assert plan.bound_value == plan.objective_value
    assert plan.gap == 0


@given(requests(), rows(), transfers, st.randoms(use_true_random=False))
def test_row_order_and_seed_do_not_matter(
    request_: Request, catalog: list[dict[str, Any]], toy: ToyTransfers, chance: random.Random
) -> None:
    """The same rows in any order and any seed give the same plan, byte for byte."""
    plan = plan_of(request_, catalog, toy)
    shuffled = catalog[:]
    chance.shuffle(shuffled)
    again = plan_of(request_, shuffled, toy, seed=7, workers=2)
    assert (plan and plan.digest()) == (again and again.digest())


@given(requests(), rows(most=6), rows(most=2), transfers)
def test_one_more_offer_never_costs_more(
    request_: Request, catalog: list[dict[str, Any]], more: list[dict[str, Any]], toy: ToyTransfers
) -> None:
    """Adding offers keeps a plan possible and never makes it worse (where no task is ordered)."""
    request_ = replace(request_, tasks=tuple(replace(task, ordered=False) for task in request_.tasks))
    from catalog.schema import KEY

    union = {tuple(row[name] for name in KEY): row for row in (*more, *catalog)}
    few, many = plan_of(request_, catalog, toy), plan_of(request_, list(union.values()), toy)
    if few is not None:
        assert many is not None
        assert value(many) <= value(few)


@given(requests(), rows(), transfers, scopes())
def test_one_more_block_never_costs_less(
    request_: Request, catalog: list[dict[str, Any]], toy: ToyTransfers, scope: Scope
) -> None:
    """Blocking never makes a plan better, and the plan uses nothing blocked (where no task is ordered)."""
    request_ = replace(request_, tasks=tuple(replace(task, ordered=False) for task in request_.tasks))
    free = plan_of(request_, catalog, toy)
    held = plan_of(replace(request_, blocks=(*request_.blocks, scope)), catalog, toy)
    if held is not None:
        assert free is not None
        assert value(held) >= value(free)
        assert not any(scope.matches(key_of(task.choice)) for task in held.tasks)


def _exact(risk: Risk) -> Risk:
    """Return ``risk`` without the deviation of the price, which is rounded."""
    return Risk.EXPECTED if risk is Risk.AVERSE else risk


@given(requests(objective=Objective.COST), rows(), st.integers(2, 5))
def test_prices_times_k_scale_the_cost(request_: Request, catalog: list[dict[str, Any]], k: int) -> None:
    """With free transfers and prices exact to the second, k-fold prices cost k-fold."""
    toy = ToyTransfers(True, 0, 0, 1)
    request_ = replace(
        request_,
        tasks=tuple(
            replace(
                task,
                requirements=tuple(
                    replace(one, max_price_micro_usd=None, risk=_exact(one.risk)) for one in task.requirements
                ),
            )
            for task in request_.tasks
        ),
    )

    def scaled(row: dict[str, Any], factor: int) -> dict[str, Any]:
        spot = row["spot_price_micro_usd"]
        return row | {
            "price_micro_usd": row["price_micro_usd"] * 3_600 * factor,
            "spot_price_micro_usd": spot if spot is None else spot * 3_600 * factor,
        }

    one = plan_of(request_, [scaled(row, 1) for row in catalog], toy)
    many = plan_of(request_, [scaled(row, k) for row in catalog], toy)
    assert (one is None) == (many is None)
    if one is not None and many is not None:
        assert many.total_cost_micro_usd == k * one.total_cost_micro_usd


@given(requests(), rows(), transfers)
def test_totals_recompute(request_: Request, catalog: list[dict[str, Any]], toy: ToyTransfers) -> None:
    """The total is the sum of its parts, starts respect the edges, and the JSON form reads back equal."""
    plan = plan_of(request_, catalog, toy)
    if plan is None:
        return
    parts = sum(task.choice.cost_micro_usd for task in plan.tasks) + sum(
        t.cost_micro_usd for t in plan.transfers
    )
    assert plan.total_cost_micro_usd == parts
    assert plan.total_time_s == max(task.start_s + task.time_s for task in plan.tasks)
    waits = {(t.source, t.target): t.time_s for t in plan.transfers}
    for edge in request_.edges:
        source, target = plan.tasks[edge.source], plan.tasks[edge.target]
        wait = waits.get((source.name, target.name), 0)
        assert target.start_s >= source.start_s + source.time_s + wait
    assert Plan.from_dict(plan.to_dict()) == plan


@given(requests(most_tasks=2), rows(), transfers)
def test_runners_up_are_next_in_order(
    request_: Request, catalog: list[dict[str, Any]], toy: ToyTransfers
) -> None:
    """Alternatives are distinct, and blocking the chosen offer brings up the first of them."""
    request_ = replace(
        request_,
        tasks=tuple(replace(t, ordered=False) for t in request_.tasks),
    )
    plan = plan_of(request_, catalog, toy, top_k=20)
    if plan is None or len(plan.tasks) > 1:
        return
    task = plan.tasks[0]
    keys = [key_of(choice) for choice in (task.choice, *task.alternatives)]
    assert len(set(keys)) == len(keys) == task.candidates
    if task.alternatives:
        chosen = keys[0]
        block = Scope(*(getattr(chosen, name) for name in chosen.__dataclass_fields__))
        again = plan_of(replace(request_, blocks=(*request_.blocks, block)), catalog, toy)
        assert again is not None
        assert key_of(again.tasks[0].choice) == keys[1]


@pytest.mark.parametrize("objective", Objective)
def test_unsorted_table_without_a_zone(objective: Objective) -> None:
    """The lowest key wins among equals wherever it stands in the table."""
    from tests.solver.builders import one_task

    catalog = [row_of(region="west"), row_of(region="north"), row_of(region="east")]
    plan = plan_of(one_task(objective), catalog, ToyTransfers(True, 0, 0, 0))
    assert plan is not None
    assert plan.tasks[0].region == "east"


@given(requests(), rows(), transfers)
def test_runners_up_are_in_the_order_of_the_plans_that_they_make(
    request_: Request, catalog: list[dict[str, Any]], toy: ToyTransfers
) -> None:
    """Put in the chosen one's place, the other tasks staying, each runner-up is worse than the last."""
    plan = plan_of(request_, catalog, toy, top_k=20)
    if plan is None:
        return
    of_task = [offers_of(task, catalog, request_.blocks, toy) for task in request_.tasks]

    def offered(task: int, choice: Choice) -> Offered:
        same = [one for one in of_task[task] if one.key == key_of(choice)]
        return next(one for one in same if one.seconds == choice.time_s)

    chosen = [offered(task, placed.choice) for task, placed in enumerate(plan.tasks)]
    for task, placed in enumerate(plan.tasks):
        made = []
        for choice in (placed.choice, *placed.alternatives):
            swapped = [*chosen[:task], offered(task, choice), *chosen[task + 1 :]]
            cost, makespan_s = totals(request_, swapped, toy)
            first = (cost, makespan_s) if request_.objective is Objective.COST else (makespan_s, cost)
            made.append((*first, key_of(choice)))
        assert made == sorted(made)
        assert key_of(placed.considered[0]) == key_of(placed.choice)
