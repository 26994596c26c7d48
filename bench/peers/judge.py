"""What a plan really costs: any optimizer's choices, found among our candidates and priced by our data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

import numpy as np

from catalog.transfer import DEFAULT, TransferTable
from catalog.units import milli, usd
from solver import request as asked
from solver.api import find_candidates
from solver.candidates import Candidates, rejections
from solver.columns import Columns, Ints, Mask, columns_of
from solver.filters import MARKETS, prices

if TYPE_CHECKING:
    import pyarrow as pa

Chosen = Mapping[str, Any]
"""One task's choice as ``driver.py`` reports it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The total cost and time of a plan, and the hourly price of all its nodes together.

    ``note`` says which choice is none of our candidates, and why; total and time are then without meaning.
    """

    cost_micro_usd: int
    time_s: int
    hourly_micro_usd: int
    note: str = ""

    @property
    def cost_usd(self) -> float:
        """USD for the whole plan, data transfer included."""
        return usd(self.cost_micro_usd)


class NotOnOfferError(LookupError):
    """A choice that is not in our catalog at all."""


def judge(
    request: asked.Request, table: pa.Table, choices: Sequence[Chosen], transfers: TransferTable = DEFAULT
) -> Verdict:
    """Return what ``choices``, one a task, cost and take as a plan for ``request`` over ``table``.

    Raises ``NotOnOfferError`` for a choice that the catalog does not have.
    """
    columns = columns_of(table)
    candidates = find_candidates(columns, request, transfers)
    hourly, notes = 0, []
    at = []
    for task, ours, choice in zip(request.tasks, candidates, choices, strict=True):
        market, row = _row_of(columns, choice)
        hourly += task.num_nodes * int(prices(columns, MARKETS[market])[row])
        at.append(_candidate_of(ours, columns, choice))
        if at[-1] is None:
            notes.append(f"{task.name}: {_reason(columns, request, task, market, row)}")
    found = [position for position in at if position is not None]
    if notes:
        return Verdict(0, 0, hourly, "; ".join(notes))
    moves = [_move(edge, candidates, found, transfers) for edge in request.edges]
    cost = sum(int(ours.cost_micro_usd[k]) for ours, k in zip(candidates, found, strict=True))
    time_s = _makespan_s(request, candidates, found, [seconds for _, seconds in moves])
    return Verdict(cost + sum(price for price, _ in moves), time_s, hourly)


def cost_ratio(theirs: Verdict, best: Verdict) -> float:
    """Return how many times the best plan's cost a plan costs; by the hour where it has no total."""
    if theirs.note:
        return theirs.hourly_micro_usd / best.hourly_micro_usd
    return theirs.cost_micro_usd / best.cost_micro_usd


def _row_of(columns: Columns, choice: Chosen) -> tuple[int, int]:
    """Return the market and the cheapest row of a choice; without a zone, any of its region will do."""
    market = int(choice["use_spot"])
    rows = np.flatnonzero(_is_chosen(columns, choice))
    price = prices(columns, MARKETS[market])[rows]
    rows, price = rows[price >= 0], price[price >= 0]
    if not len(rows):
        parts = (choice["cloud"], choice["region"], choice["zone"], choice["instance_type"])
        raise NotOnOfferError(" ".join(str(part) for part in parts if part) + " is not in our catalog")
    return market, int(rows[np.argmin(price)])


def _candidate_of(ours: Candidates, columns: Columns, choice: Chosen) -> int | None:
    """Return the cheapest of our candidates that is this choice, ``None`` if none is."""
    mask = _is_chosen(columns, choice)[ours.row] & (ours.market == int(choice["use_spot"]))
    at: Ints = np.flatnonzero(mask)
    return int(at[np.argmin(ours.cost_micro_usd[at])]) if len(at) else None


def _is_chosen(columns: Columns, choice: Chosen) -> Mask:
    mask: Mask = columns.value["accelerator_count_milli"] == milli(choice["count"])
    stated = {**choice, "accelerator": choice["accelerator"] or ""}
    for column in ("cloud", "region", "instance_type", "accelerator"):
        mask = mask & columns.equals(column, stated[column])
    if choice["zone"]:
        mask = mask & columns.equals("zone", choice["zone"])
    return mask


def _reason(columns: Columns, request: asked.Request, task: asked.TaskRequest, market: int, row: int) -> str:
    """Say which of our filters keeps an offer out, for the first requirement on its market."""
    for requirement in task.requirements:
        if MARKETS[market] in requirement.markets:
            names, reason = rejections(columns, requirement, (*request.blocks, *task.blocks))
            lane = [each for each in MARKETS if each in requirement.markets].index(MARKETS[market])
            why = int(reason[lane, row])
            return (
                f"none of our candidates, since it is not '{names[why]}'"
                if why >= 0
                else "not first in order"
            )
    return "on a market that was not asked for"


def _move(
    edge: asked.Edge, candidates: Sequence[Candidates], at: Sequence[int], transfers: TransferTable
) -> tuple[int, int]:
    """Return what moving the edge's data costs and how long it takes; nothing within one region."""
    ends = [int(candidates[task].place[at[task]]) for task in (edge.source, edge.target)]
    if ends[0] == ends[1] or not edge.size_bytes:
        return 0, 0
    places = candidates[edge.source].columns.places
    zones = [transfers.zone_of(*places[place]) for place in ends]
    cost = transfers.cost_micro_usd(zones[0], zones[1], edge.size_bytes)
    return cost, transfers.seconds(zones[0], zones[1], edge.size_bytes)


def _makespan_s(
    request: asked.Request, candidates: Sequence[Candidates], at: Sequence[int], moves_s: Sequence[int]
) -> int:
    before: dict[int, set[int]] = {task: set() for task in range(len(request.tasks))}
    for edge in request.edges:
        before[edge.target].add(edge.source)
    end_s: dict[int, int] = {}
    for task in TopologicalSorter(before).static_order():
        arrivals = [
            end_s[edge.source] + wait
            for edge, wait in zip(request.edges, moves_s, strict=True)
            if edge.target == task
        ]
        start = max([int(candidates[task].ready_s[at[task]]), *arrivals])
        end_s[task] = start + int(candidates[task].seconds[at[task]])
    return max(end_s.values())
