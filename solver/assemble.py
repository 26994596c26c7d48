"""Assemble: a solved problem, read back into the words of the request as a ``Plan``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalog.offer import Market
from solver.alternatives import Ranking, rankings
from solver.candidates import Candidates
from solver.filters import MARKETS
from solver.network import TransferTable, inbound
from solver.params import Params
from solver.plan import CatalogInfo, Choice, Placement, Plan, SpotRisk, Transfer
from solver.request import Request, Requirement, Risk
from solver.result import Result
from solver.risk import ASSUMED_PPM, spot_risk
from solver.runtime import runtime_for

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Solved:
    """A request, the table it was solved on, and the solution; indices lead from the result to the table."""

    request: Request
    table: pa.Table
    candidates: tuple[Candidates, ...]
    result: Result

    def chosen(self, task: int) -> int:
        """Return the position of the chosen offer in the task's candidates."""
        return int(self.result.problem.row[task][self.result.schedule.choice[task]])


def assemble(
    solved: Solved, transfers: TransferTable, catalog: CatalogInfo, params: Params, started: float
) -> Plan:
    """Return the plan; ``started`` is the ``perf_counter`` reading at the start of the whole solve."""
    request, schedule = solved.request, solved.result.schedule
    ranked = rankings(solved.result.problem, schedule, solved.candidates)
    tasks = tuple(_placement(solved, task, of_task, params.top_k) for task, of_task in enumerate(ranked))
    return Plan(
        status=solved.result.status,
        objective=request.objective.value,
        total_cost_micro_usd=schedule.cost,
        total_time_s=schedule.makespan_s,
        bound_value=solved.result.bound,
        solve_time_s=round(time.perf_counter() - started, 6),
        catalog=catalog,
        tasks=tasks,
        transfers=(*_inputs(solved, transfers), *_edges(solved)),
        blocks=_blocks(request),
        notes=_notes(solved),
    )


def _placement(solved: Solved, task: int, ranked: Ranking, top_k: int) -> Placement:
    wanted, candidates = solved.request.tasks[task], solved.candidates[task]
    at = solved.chosen(task)
    runners_up = ranked.runners_up(at, top_k)
    choice = _choice(solved.table, candidates, at)
    requirement_at = int(candidates.requirement[at])
    requirement = candidates.requirements[requirement_at]
    runtime = runtime_for(requirement, choice.accelerator or "", choice.accelerator_count_milli)
    return Placement(
        name=wanted.name,
        num_nodes=wanted.num_nodes,
        choice=choice,
        start_s=solved.result.schedule.start_s[task],
        alternatives=tuple(_choice(solved.table, candidates, other) for other in runners_up),
        considered=tuple(_choice(solved.table, candidates, other) for other in _considered(ranked, at)),
        candidates=len(candidates),
        filters=candidates.filters,
        runtime_note=runtime.note,
        notes=(
            *_defaults(requirement, candidates.removed[requirement_at]),
            *requirement.notes,
            *_interruptions(solved.table, candidates, requirement, at),
        ),
        risk=_risk(candidates, requirement, at, wanted.num_nodes),
    )


def _risk(candidates: Candidates, requirement: Requirement, at: int, num_nodes: int) -> SpotRisk | None:
    """Return the risk of the candidate ``at``, where it is spot and its risk was to count."""
    if requirement.risk is Risk.IGNORE or MARKETS[int(candidates.market[at])] is not Market.SPOT:
        return None
    row, price = int(candidates.row[at]), int(candidates.price_micro_usd[at])
    return spot_risk(candidates.columns, requirement, row, price, num_nodes)


def _interruptions(
    table: pa.Table, candidates: Candidates, requirement: Requirement, at: int
) -> Iterator[str]:
    """Say how often such a spot node is interrupted, where that is known and did not count."""
    if requirement.risk is Risk.IGNORE and MARKETS[int(candidates.market[at])] is Market.SPOT:
        row = int(candidates.columns.table_row[int(candidates.row[at])])
        ppm = table.column("interruption_ppm")[row].as_py()
        if ppm is not None:
            percent = f"about {ppm / 10_000:g} % of such spot nodes"
            yield f"the provider interrupts {percent} within a month; the plan does not count that (--risk)"


def _defaults(requirement: Requirement, removed: dict[str, int]) -> Iterator[str]:
    """Say each default that took offers away, and how many of those that had passed so far."""
    for kind, sentence in requirement.defaults:
        if count := removed[kind]:
            yield f"{sentence}; {count:,} {'offer' if count == 1 else 'offers'} removed"


def _considered(ranked: Ranking, chosen: int) -> list[int]:
    """Return the best of each (cloud, accelerator, market), the chosen one for its own kind."""
    first = ranked.first_of_kinds()
    *kinds, own = ranked.candidates.kind(np.array([*first, chosen])).tolist()
    return [chosen if kind == own else at for kind, at in zip(kinds, first, strict=True)]


def _choice(table: pa.Table, candidates: Candidates, at: int) -> Choice:
    columns, row = candidates.columns, int(candidates.row[at])
    market = MARKETS[int(candidates.market[at])]
    accelerator = columns.text("accelerator", row) or None
    as_of = "spot_as_of" if market is Market.SPOT else "price_as_of"
    table_row = int(columns.table_row[row])
    date = table.column(as_of)[table_row].as_py()
    return Choice(
        cloud=columns.text("cloud", row),
        region=columns.text("region", row),
        zone=columns.text("zone", row) or None,
        instance_type=columns.text("instance_type", row),
        accelerator=accelerator,
        accelerator_count_milli=int(columns.value["accelerator_count_milli"][row]) if accelerator else 0,
        use_spot=market is Market.SPOT,
        vcpus_milli=int(columns.value["vcpus_milli"][row]),
        memory_mib=int(columns.value["memory_mib"][row]),
        arch=columns.text("arch", row),
        price_micro_usd_per_hour=int(candidates.price_micro_usd[at]),
        cost_micro_usd=int(candidates.node_cost_micro_usd[at]),
        time_s=int(candidates.seconds[at]),
        price_as_of=None if date is None else date.isoformat(),
        source=table.column("source")[table_row].as_py() or None,
    )


def _place_name(place: tuple[str, str]) -> str:
    return "/".join(place)


def _inputs(solved: Solved, transfers: TransferTable) -> list[Transfer]:
    moved = []
    for task, wanted in enumerate(solved.request.tasks):
        place = _place(solved, task)
        for source in wanted.inputs:
            cost, seconds = inbound(transfers, source, place)
            moved.append(
                Transfer(
                    source.cloud,
                    wanted.name,
                    source.cloud,
                    _place_name(place),
                    source.size_bytes,
                    cost,
                    seconds,
                )
            )
    return moved


def _edges(solved: Solved) -> list[Transfer]:
    schedule, names = solved.result.schedule, solved.result.problem.names
    return [
        Transfer(
            names[edge.source],
            names[edge.target],
            _place_name(_place(solved, edge.source)),
            _place_name(_place(solved, edge.target)),
            edge.size_bytes,
            schedule.transfer_cost[at],
            schedule.transfer_s[at],
        )
        for at, edge in enumerate(solved.request.edges)
        if edge.size_bytes
    ]


def _place(solved: Solved, task: int) -> tuple[str, str]:
    candidates = solved.candidates[task]
    return candidates.columns.places[int(candidates.place[solved.chosen(task)])]


def _blocks(request: Request) -> tuple[str, ...]:
    own = [f"{task.name}: {scope}" for task in request.tasks for scope in task.blocks]
    return (*(str(scope) for scope in request.blocks), *own)


def _counts_interruptions(requirement: Requirement) -> bool:
    return requirement.risk is not Risk.IGNORE and Market.SPOT in requirement.markets


def _notes(solved: Solved) -> tuple[str, ...]:
    notes = list(solved.request.notes)
    if any(_counts_interruptions(one) for task in solved.request.tasks for one in task.requirements):
        assumed = f"{ASSUMED_PPM / 10_000:g} % a month is assumed"
        notes.append(f"Where a provider publishes no chance of an interruption of spot nodes, {assumed}.")
    if any(source.size_bytes for task in solved.request.tasks for source in task.inputs):
        notes.append(
            "The region of data from outside is unknown: within its own cloud it is taken to move for free."
        )
    if solved.result.gap:
        ended = "was interrupted" if solved.result.interrupted else "ran out of time"
        above = f"{solved.result.gap:.2%} above the bound"
        notes.append(f"The search {ended}: this is the best plan it found, {above}.")
    elif not solved.result.unique:
        notes.append(
            "The objective is proven, but the tie-break ended early: an equally good plan may be better in "
            "the second objective."
        )
    return tuple(notes)
