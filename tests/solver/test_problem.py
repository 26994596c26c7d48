"""The problem's invariants: names, edges, cycles, totals."""

from __future__ import annotations

import pytest

from catalog.errors import UserError
from solver.api import solve_request
from solver.plan import CatalogInfo
from solver.problem import topological_order
from solver.request import Edge, Request, Runtime, TaskRequest
from tests.solver.builders import requirement
from tests.strategies import ToyTransfers, row_of, table_of


def solve(*tasks: TaskRequest, edges: tuple[Edge, ...] = ()) -> None:
    solve_request(
        Request(tasks, edges),
        table_of([row_of()]),
        ToyTransfers(True, 0, 0, 0),
        CatalogInfo("0", "2026-01-01", 1),
    )


def test_a_cycle_is_named() -> None:
    """The error shows the way round, and leaves out the tasks that merely hang on it."""
    edges = (Edge(0, 1), Edge(1, 2), Edge(2, 1), Edge(2, 3))
    with pytest.raises(UserError, match=r"form a cycle: (b -> c -> b|c -> b -> c);"):
        topological_order("abcd", edges)


def test_a_task_that_needs_itself_is_a_cycle() -> None:
    """The shortest cycle of all."""
    with pytest.raises(UserError, match="cycle: a -> a"):
        topological_order("a", (Edge(0, 0),))


def test_names_are_unique() -> None:
    """Two tasks of one name would make the plan ambiguous."""
    task = TaskRequest("twin", (requirement(),))
    with pytest.raises(UserError, match="two tasks are named 'twin'"):
        solve(task, task)


def test_an_edge_needs_both_ends() -> None:
    """An index out of range is refused, not ignored."""
    with pytest.raises(UserError, match="only 1 tasks"):
        solve(TaskRequest("main", (requirement(),)), edges=(Edge(0, 1),))


def test_a_total_that_could_overflow_is_refused() -> None:
    """Two runtimes that are exact one by one, but not together."""
    long = requirement(runtime=Runtime(2**52))
    table = table_of([row_of(price_micro_usd=0)])
    request = Request((TaskRequest("a", (long,)), TaskRequest("b", (long,))))
    with pytest.raises(UserError, match="total time could reach"):
        solve_request(request, table, ToyTransfers(True, 0, 0, 0), CatalogInfo("0", "2026-01-01", 1))
