"""The risk of spot against a simulation, at its limits, and where it turns a plan."""

from __future__ import annotations

from dataclasses import replace
from math import exp, sqrt
from typing import Any

import numpy as np
import pytest

from catalog.errors import UserError
from catalog.offer import Market
from catalog.units import SECONDS_PER_MONTH
from solver.api import solve_request
from solver.plan import CatalogInfo, Placement, Plan
from solver.request import Objective, Request, Risk, Runtime, TaskRequest
from solver.risk import ASSUMED_PPM, MOST_STRETCH, deviation_micro_usd, expected_s, rate_of
from tests.solver.builders import requirement
from tests.strategies import ToyTransfers, row_of, table_of

DAY_S = 86_400
BOTH = (Market.ON_DEMAND, Market.SPOT)


def expected(seconds: int, ppm: int, nodes: int = 1, checkpoint_s: int | None = None) -> int:
    (found,) = expected_s(np.array([seconds]), np.array([ppm]), nodes, checkpoint_s)
    return int(found)


def simulated(seconds: int, ppm: int, nodes: int, checkpoint_s: int | None) -> float:
    """Return the mean time of many jobs, each interrupted at random times by the first loss of a node."""
    chance = np.random.default_rng(7)
    month_s = SECONDS_PER_MONTH / -np.log(1 - ppm / 1e6)
    left_s, total_s = np.full(20_000, float(seconds)), 0.0
    runs = len(left_s)
    while len(left_s):
        stretch_s = np.minimum(left_s, checkpoint_s or seconds)
        loss_s = chance.exponential(month_s, (nodes, len(left_s))).min(axis=0)
        total_s += float(np.minimum(stretch_s, loss_s).sum())
        left_s = left_s - np.where(loss_s >= stretch_s, stretch_s, 0)
        left_s = left_s[left_s > 0]
    return total_s / runs


@pytest.mark.parametrize(
    ("days", "ppm", "nodes", "checkpoint_days"),
    [
        (20, 125_000, 1, None),
        (20, 250_000, 8, None),
        (20, 250_000, 8, 3),
        (30, 900_000, 1, 7),
        (1, 25_000, 64, None),
    ],
)
def test_the_expected_time_is_the_mean_of_many_runs(
    days: int, ppm: int, nodes: int, checkpoint_days: int | None
) -> None:
    asked = days * DAY_S, ppm, nodes, checkpoint_days and checkpoint_days * DAY_S
    assert expected(*asked) == pytest.approx(simulated(*asked), rel=0.02)


def test_the_closed_form_of_whole_checkpoints() -> None:
    seconds, checkpoint_s = 10 * DAY_S, DAY_S
    x = float(rate_of(np.array([250_000]), 4)[0]) * checkpoint_s
    assert x == pytest.approx(-np.log(0.75) * 4 / 30)
    assert expected(seconds, 250_000, 4, checkpoint_s) == pytest.approx(seconds * (exp(x) - 1) / x, abs=1)


def test_a_checkpoint_longer_than_the_run_is_none() -> None:
    assert expected(DAY_S, 250_000, 4, 2 * DAY_S) == expected(DAY_S, 250_000, 4)
    assert expected(DAY_S, 250_000, 4, DAY_S // 2) < expected(DAY_S, 250_000, 4)


@pytest.mark.parametrize("seconds", [0, 1, 59, 3_600, 10**9])
@pytest.mark.parametrize("checkpoint_s", [None, 60])
def test_what_is_never_interrupted_takes_its_time(seconds: int, checkpoint_s: int | None) -> None:
    assert expected(seconds, 0, 1_000, checkpoint_s) == seconds


def test_a_job_that_would_hardly_ever_end_counts_as_so_many_runs() -> None:
    for ppm in (250_000, 1_000_000):
        assert expected(365 * DAY_S, ppm, 1_000) == MOST_STRETCH * 365 * DAY_S


def test_the_deviation_is_that_of_the_mean_of_a_random_walk() -> None:
    chance = np.random.default_rng(7)
    days, sigma = 15, 0.4
    steps = chance.normal(0, sigma * sqrt(1 / 30 / 20), (10_000, days * 20))
    means = steps.cumsum(axis=1).mean(axis=1)
    (found,) = deviation_micro_usd(np.array([10**9]), np.array([days * DAY_S]), np.array([400_000]))
    assert found / 10**9 == pytest.approx(float(means.std()), rel=0.02)
    assert found / 10**9 == pytest.approx(sigma * sqrt(days / 30 / 3), rel=1e-6)


def plan_of(rows: list[dict[str, Any]], objective: Objective = Objective.COST, **fields: Any) -> Plan:
    nodes = fields.pop("nodes", 1)
    task = TaskRequest("main", (requirement(**{"markets": BOTH} | fields),), num_nodes=nodes)
    toy = ToyTransfers(True, 0, 0, 1)
    return solve_request(Request((task,), objective=objective), table_of(rows), toy, CatalogInfo("", "", 0))


def placed(rows: list[dict[str, Any]], objective: Objective = Objective.COST, **fields: Any) -> Placement:
    return plan_of(rows, objective, **fields).tasks[0]


SPOT = row_of(price_micro_usd=1_000_000, spot_price_micro_usd=600_000, interruption_ppm=125_000)
WEEKS = Runtime(20 * DAY_S)


def test_a_long_job_on_many_nodes_goes_on_demand_and_a_short_one_stays_on_spot() -> None:
    for risk, runtime, nodes, on_spot in (
        (Risk.IGNORE, WEEKS, 16, True),
        (Risk.EXPECTED, Runtime(DAY_S), 16, True),
        (Risk.EXPECTED, WEEKS, 1, True),
        (Risk.EXPECTED, WEEKS, 16, False),
    ):
        task = placed([SPOT], risk=risk, runtime=runtime, nodes=nodes)
        assert task.use_spot is on_spot, (risk, runtime, nodes)
    checkpointed = placed([SPOT], risk=Risk.EXPECTED, runtime=WEEKS, nodes=16, checkpoint_s=3_600)
    assert checkpointed.use_spot


def test_a_plan_for_time_uses_the_expected_time() -> None:
    assert placed([SPOT], Objective.TIME, runtime=WEEKS).use_spot
    task = placed([SPOT], Objective.TIME, risk=Risk.EXPECTED, runtime=WEEKS)
    assert (task.use_spot, task.time_s, task.risk) == (False, WEEKS.seconds, None)


def test_what_was_counted_in_is_told_and_adds_up() -> None:
    row = SPOT | {"spot_volatility_ppm": 300_000}
    plain = placed([row], runtime=WEEKS, nodes=2)
    calm = placed([row], runtime=WEEKS, nodes=2, risk=Risk.EXPECTED)
    averse = placed([row], runtime=WEEKS, nodes=2, risk=Risk.AVERSE)
    assert plain.risk is None
    assert calm.risk is not None
    assert averse.risk is not None
    assert calm.time_s == averse.time_s == plain.time_s + calm.risk.extra_time_s
    assert calm.choice.cost_micro_usd == plain.choice.cost_micro_usd + calm.risk.extra_cost_micro_usd
    assert (calm.risk.volatility_ppm, calm.risk.deviation_micro_usd) == (None, 0)
    more = averse.choice.cost_micro_usd - calm.choice.cost_micro_usd
    assert more == averse.risk.deviation_micro_usd > 0
    chance = 1 - (1 - 0.125) ** (2 * 20 / 30)
    assert calm.risk.run_interruption_ppm == pytest.approx(chance * 1e6, abs=1)


def test_a_provider_that_publishes_nothing_is_not_favoured() -> None:
    known, unknown = row_of(cloud="ares"), row_of(cloud="brio")
    known |= {"spot_price_micro_usd": 500_000, "interruption_ppm": ASSUMED_PPM // 2}
    unknown |= {"spot_price_micro_usd": 500_000}
    plan = plan_of([known, unknown], markets=(Market.SPOT,), risk=Risk.EXPECTED, runtime=WEEKS)
    assert plan.tasks[0].cloud == "ares"
    assert any("12.5 % a month is assumed" in note for note in plan.notes)
    known["interruption_ppm"] = ASSUMED_PPM * 2
    task = placed([known, unknown], markets=(Market.SPOT,), risk=Risk.EXPECTED, runtime=WEEKS)
    assert task.risk is not None
    assert (task.cloud, task.risk.assumed, task.risk.interruption_ppm) == ("brio", True, ASSUMED_PPM)


def test_a_restless_price_loses_to_a_calm_one_that_is_dearer() -> None:
    restless = SPOT | {"region": "east", "spot_volatility_ppm": 1_000_000}
    calm = SPOT | {"region": "west", "spot_price_micro_usd": 620_000, "spot_volatility_ppm": 0}
    asked: dict[str, Any] = {"markets": (Market.SPOT,), "runtime": WEEKS}
    assert placed([restless, calm], risk=Risk.EXPECTED, **asked).region == "east"
    assert placed([restless, calm], risk=Risk.AVERSE, **asked).region == "west"


@pytest.mark.parametrize("risk", Risk)
def test_on_demand_is_as_it_was(risk: Risk) -> None:
    task = placed([SPOT], markets=(Market.ON_DEMAND,), runtime=WEEKS, risk=risk)
    assert task == placed([SPOT], markets=(Market.ON_DEMAND,), runtime=WEEKS)


def test_ignored_risk_is_a_note_on_a_spot_choice_where_it_is_known() -> None:
    (note,) = placed([SPOT]).notes
    assert "about 12.5 % of such spot nodes within a month" in note
    assert placed([SPOT | {"interruption_ppm": None}]).notes == ()
    assert placed([SPOT], risk=Risk.EXPECTED).notes == ()


def test_the_json_form_keeps_the_risk_and_says_nothing_without() -> None:
    plan = plan_of([SPOT], risk=Risk.AVERSE, checkpoint_s=600)
    assert Plan.from_dict(plan.to_dict()) == plan
    found = plan.to_dict()["tasks"][0]["risk"]
    assert (found["kind"], found["interruption_rate"], found["checkpoint_s"]) == ("averse", 0.125, 600)
    assert "risk" not in plan_of([SPOT]).to_dict()["tasks"][0]


def test_figures_too_large_to_be_exact_are_refused() -> None:
    with pytest.raises(UserError, match="too large to be exact"):
        placed([SPOT], risk=Risk.EXPECTED, runtime=Runtime(10**12), nodes=1_000)


def test_a_plan_is_remembered_for_its_own_risk_alone() -> None:
    from solver.memory import Memory

    memory, toy, table = Memory(), ToyTransfers(True, 0, 0, 1), table_of([SPOT])
    asked = requirement(markets=BOTH, runtime=WEEKS)
    for risk, on_spot in ((Risk.IGNORE, True), (Risk.EXPECTED, False), (Risk.IGNORE, True)):
        request = Request((TaskRequest("main", (replace(asked, risk=risk),), num_nodes=16),))
        plan = solve_request(request, table, toy, CatalogInfo("", "", 0), memory=memory)
        assert plan.tasks[0].use_spot is on_spot


def test_a_hopeless_spot_offer_leaves_a_plan_on_demand_possible() -> None:
    dear = row_of(price_micro_usd=100_000_000, spot_price_micro_usd=90_000_000, interruption_ppm=250_000)
    for nodes, days in ((1_000, 10), (64, 365)):
        task = placed([dear], risk=Risk.EXPECTED, runtime=Runtime(days * DAY_S), nodes=nodes)
        assert not task.use_spot
