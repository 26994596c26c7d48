"""solve_request: the whole straight line, from a request and a catalog table to a plan."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from solver.assemble import Solved, assemble
from solver.candidates import Candidates, candidates_of
from solver.columns import Columns, Ints, columns_of
from solver.dominance import best_of_places
from solver.explain import infeasible
from solver.interrupted import Interrupted
from solver.memory import Memory
from solver.network import TransferTable, network_of
from solver.params import Params
from solver.plan import CatalogInfo, Plan
from solver.problem import Problem, check_names, check_totals, topological_order
from solver.ragged import Ragged
from solver.request import Request
from solver.solve import solve

if TYPE_CHECKING:
    import pyarrow as pa


def solve_request(
    request: Request,
    table: pa.Table,
    transfers: TransferTable,
    catalog: CatalogInfo,
    params: Params | None = None,
    memory: Memory | None = None,
) -> Plan:
    """Return the best plan for ``request`` over ``table`` (schema: ``catalog.schema.OFFERS``).

    With the ``memory`` of a solve of the same tasks with fewer blocks, the same plan is found sooner.

    Raises ``Infeasible`` if a task has no offer (the message says why and what would help), ``UserError``
    for repeated names, a cycle, or figures too large to be exact, and ``Interrupted`` with the best plan so
    far on Ctrl-C.
    """
    started = time.perf_counter()
    params = params or Params()
    names = tuple(task.name for task in request.tasks)
    check_names(names)
    order = topological_order(names, request.edges)
    columns = columns_of(table)
    candidates = find_candidates(columns, request, transfers)
    problem = build_problem(request, columns, candidates, transfers, order)
    warm = memory.recall(columns, transfers, request) if memory is not None else None
    result = solve(problem, params, warm)
    if warm and not result.unique and not result.interrupted:
        result = solve(problem, params)
    if memory is not None:
        memory.keep(columns, transfers, request, result)
    solved = Solved(request, table, tuple(candidates), result)
    plan = assemble(solved, transfers, catalog, params, started)
    if result.interrupted:
        raise Interrupted(plan)
    return plan


def find_candidates(columns: Columns, request: Request, transfers: TransferTable) -> list[Candidates]:
    """Return each task's candidates; tasks that ask for the same share one value. Raises ``Infeasible``."""
    shared: dict[object, Candidates] = {}
    found = []
    for task in request.tasks:
        ask = (task.requirements, task.num_nodes, task.ordered, task.inputs, task.blocks)
        if ask not in shared:
            shared[ask] = candidates_of(columns, task, request.blocks, transfers)
        if not len(shared[ask]):
            raise infeasible(columns, task, request.blocks)
        found.append(shared[ask])
    return found


def build_problem(
    request: Request,
    columns: Columns,
    candidates: list[Candidates],
    transfers: TransferTable,
    order: tuple[int, ...],
) -> Problem:
    """Return the integer problem over each place's best candidates."""
    data_at = {end for edge in request.edges if edge.size_bytes for end in (edge.source, edge.target)}
    thinned: dict[tuple[int, bool], Ints] = {}
    kept = []
    for at, (task, of_task) in enumerate(zip(request.tasks, candidates, strict=True)):
        case = (id(of_task), at in data_at or bool(task.inputs))
        if case not in thinned:
            thinned[case] = best_of_places(of_task, request.objective, place_matters=case[1])
        kept.append(thinned[case])

    def matrix(values: Callable[[Candidates], Ints]) -> Ragged:
        return Ragged.of(values(of_task)[best] for of_task, best in zip(candidates, kept, strict=True))

    row = Ragged.of(kept)
    problem = Problem(
        objective=request.objective,
        names=tuple(task.name for task in request.tasks),
        cost=matrix(lambda of_task: of_task.cost_micro_usd),
        seconds=matrix(lambda of_task: of_task.seconds),
        ready=matrix(lambda of_task: of_task.ready_s),
        tail=row.like(np.zeros_like(row.flat)),
        place=matrix(lambda of_task: of_task.place),
        rank=matrix(lambda of_task: of_task.key),
        row=row,
        edges=request.edges,
        network=network_of(columns.places, [edge.size_bytes for edge in request.edges], transfers),
        order=order,
    )
    check_totals(problem)
    return problem
