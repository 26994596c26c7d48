"""The plan's JSON form: the keys that others rely on, versions, and reading back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from catalog.errors import UserError
from solver.api import solve_request
from solver.plan import CatalogInfo, Plan
from solver.request import DataSource, Edge, Request, TaskRequest
from tests.solver.builders import requirement
from tests.strategies import GB, ToyTransfers, row_of, table_of

INFO = CatalogInfo("f" * 64, "2026-01-01", 2, (("ares", "test", 2, "2025-12-31", "2026-01-01"),))


@pytest.fixture
def plan() -> Plan:
    """Two tasks in two clouds that pay for the way between them."""
    table = table_of([row_of(), row_of(cloud="brio", accelerator="K1", accelerator_count_milli=500)])
    tasks = (
        TaskRequest("make", (requirement(cloud="ares"),), inputs=(DataSource("brio", GB),)),
        TaskRequest("use", (requirement(cloud="brio"),), num_nodes=3),
    )
    request = Request(tasks, (Edge(0, 1, 2 * GB),), notes=("a note",))
    return solve_request(request, table, ToyTransfers(True, 10_000, 90_000, 1), INFO)


def test_the_documented_keys(plan: Plan) -> None:
    """The keys that the schema promises, in public units."""
    data = json.loads(plan.to_json())
    assert data["status"] == "OPTIMAL"
    assert data["bound"] == data["total_cost_usd"] == pytest.approx(4 + 0.09 + 0.27)
    assert data["total_time_s"] == 3_600 + 20 + 3_600 + 10
    use = data["tasks"][1]
    assert (use["cloud"], use["zone"], use["accelerators"], use["num_nodes"]) == (
        "brio",
        None,
        {"K1": 0.5},
        3,
    )
    assert (use["cost_usd"], use["price_usd_per_hour"], use["start_s"]) == (3.0, 1.0, 3_630)
    assert [(move["source"], move["target"], move["size_gb"]) for move in data["transfers"]] == [
        ("brio", "make", 1.0),
        ("make", "use", 2.0),
    ]
    assert data["catalog"]["sources"][0]["oldest"] == "2025-12-31"
    assert plan.tasks[1].cloud == "brio"


def test_reading_gives_the_same_plan(plan: Plan) -> None:
    """Through text and back, with an equal digest."""
    again = Plan.from_dict(json.loads(plan.to_json()))
    assert again == plan
    assert again.digest() == replace(plan, solve_time_s=99.0).digest()
    assert replace(plan, notes=()).digest() != plan.digest()


def test_other_versions_and_missing_keys_are_refused(plan: Plan) -> None:
    """The error says what is wrong with the text."""
    data = plan.to_dict()
    with pytest.raises(UserError, match="schema_version: 99"):
        Plan.from_dict(data | {"schema_version": 99})
    del data["catalog"]
    with pytest.raises(UserError, match="'catalog' is missing"):
        Plan.from_dict(data)
