"""Memory: what a later solve may start from, and that it changes no plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.scope import Scope
from solver.api import solve_request
from solver.columns import Columns, columns_of
from solver.memory import Memory
from solver.plan import CatalogInfo
from solver.request import Edge, Objective, Request, TaskRequest
from tests.solver.builders import requirement
from tests.strategies import ToyTransfers, row_of, table_of

INFO = CatalogInfo("0", "2026-01-01", 4)
TRANSFERS = ToyTransfers(True, 3, 1, 1)
TABLE = table_of(
    [row_of(region=region, price_micro_usd=price) for region, price in zip("abcd", (4, 1, 2, 3), strict=True)]
)
REQUEST = Request(
    tuple(TaskRequest(name, (requirement(),)) for name in ("first", "second")), (Edge(0, 1, 10**9),)
)


def _blocked(*regions: str, request: Request = REQUEST) -> Request:
    return replace(request, blocks=tuple(Scope(region=region) for region in regions))


@pytest.fixture
def memory() -> Memory:
    """A memory of the plan without region b."""
    memory = Memory()
    solve_request(_blocked("b"), TABLE, TRANSFERS, INFO, None, memory)
    return memory


@pytest.fixture
def columns() -> Columns:
    """The columns of the table."""
    return columns_of(TABLE)


@pytest.mark.parametrize("objective", list(Objective))
def test_a_plan_is_the_same_with_a_memory(objective: Objective) -> None:
    """Block after block, the plan is that of a solve from nothing."""
    memory = Memory()
    for blocked in ((), ("a",), ("a", "b"), ("a", "b", "c")):
        request = replace(_blocked(*blocked), objective=objective)
        plan = solve_request(request, TABLE, TRANSFERS, INFO, None, memory)
        fresh = solve_request(request, TABLE, TRANSFERS, INFO)
        assert replace(plan, solve_time_s=0.0) == replace(fresh, solve_time_s=0.0)
        assert memory.recall(columns_of(TABLE), TRANSFERS, request) is not None


def test_more_blocks_are_recalled(memory: Memory, columns: Columns) -> None:
    """Also when they are of one task, and in any order."""
    assert memory.recall(columns, TRANSFERS, _blocked("c", "b")) is not None
    own = replace(REQUEST.tasks[0], blocks=(Scope(region="c"),))
    request = replace(_blocked("b"), tasks=(own, REQUEST.tasks[1]))
    assert memory.recall(columns, TRANSFERS, request) is not None


@pytest.mark.parametrize(
    "request_now",
    [
        _blocked(),
        _blocked("c"),
        replace(_blocked("b"), objective=Objective.TIME),
        replace(_blocked("b"), tasks=REQUEST.tasks[:1], edges=()),
        replace(_blocked("b"), edges=(Edge(0, 1, 10**6),)),
    ],
    ids=["fewer blocks", "another block", "another objective", "fewer tasks", "less data"],
)
def test_another_request_is_not_recalled(memory: Memory, columns: Columns, request_now: Request) -> None:
    """What was not a plan then may be one now."""
    assert memory.recall(columns, TRANSFERS, request_now) is None


def test_other_offers_and_tariffs_are_not_recalled(memory: Memory, columns: Columns) -> None:
    """A new snapshot has other prices."""
    other = columns_of(table_of([row_of()]))
    assert memory.recall(other, TRANSFERS, _blocked("b", "c")) is None
    assert memory.recall(columns, ToyTransfers(True, 4, 1, 1), _blocked("b", "c")) is None
