"""Blocks looked up again, and what scopes hold, against the same question asked from nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from catalog.scope import Scope
from solver.candidates import candidates_of, least_of
from solver.columns import columns_of
from solver.request import Objective, Requirement, TaskRequest
from tests.strategies import ToyTransfers, requirements, rows, scopes, table_of

TRANSFERS = ToyTransfers(True, 3, 1, 1)
BLOCKS = st.lists(st.lists(scopes(), max_size=4), min_size=1, max_size=4)


@given(rows(), st.lists(requirements(), min_size=1, max_size=2), BLOCKS, st.booleans())
def test_what_was_looked_up_before_changes_no_answer(
    offers: list[dict[str, Any]], wanted: list[Requirement], asked: list[list[Scope]], ordered: bool
) -> None:
    table, task = table_of(offers), TaskRequest("t", tuple(wanted), ordered=ordered)
    again = columns_of(table)
    for blocks in (*asked, [scope for part in asked for scope in part]):
        found = candidates_of(again, task, tuple(blocks), TRANSFERS)
        fresh = candidates_of(columns_of(table_of(offers)), task, tuple(blocks), TRANSFERS)
        assert found.key.tolist() == fresh.key.tolist()
        assert (found.filters, found.removed) == (fresh.filters, fresh.removed)


@given(rows(), requirements(), st.lists(scopes(), max_size=6), st.sampled_from(Objective))
def test_the_least_in_a_scope_is_what_the_scope_takes_away(
    offers: list[dict[str, Any]], wanted: Requirement, held: list[Scope], objective: Objective
) -> None:
    columns, task = columns_of(table_of(offers)), TaskRequest("t", (wanted,))
    everything = candidates_of(columns, task, (), TRANSFERS)
    value = everything.node_cost_micro_usd if objective is Objective.COST else everything.seconds
    of_key = dict(zip(everything.key.tolist(), value.tolist(), strict=True))
    for scope, least in zip(held, least_of(columns, task, objective, held), strict=True):
        left = set(candidates_of(columns, task, (scope,), TRANSFERS).key.tolist())
        assert least == min((of_key[key] for key in of_key.keys() - left), default=None)
