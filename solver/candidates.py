"""Candidates: the offers that satisfy one task, priced for it, and why every other row was left out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from catalog.offer import Market
from catalog.scope import Scope
from solver.blocklist import added, blocked, least_inside
from solver.columns import Columns, Ints, Mask
from solver.cost import cost_micro_usd
from solver.filters import BLOCKS_FILTER, MARKETS, filters_of, markets_of, prices
from solver.leaders import first_of_groups
from solver.network import TransferTable, inbound
from solver.plan import Filter
from solver.request import DataSource, Objective, Requirement, Risk, TaskRequest
from solver.risk import at_risk
from solver.runtime import durations_s

_REMEMBERED = 64
"""How many answers on requirements the columns remember: their offers, and which of these are free."""

Admitted: TypeAlias = tuple[tuple[Ints, ...], list[Filter], dict[str, int]]
"""(row, market, price, cost, seconds, group), the filters that were passed, and what each kind took away."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Parallel arrays, one entry an offer of one market that satisfies one requirement of a task.

    ``row`` is a position in ``Columns``, ``market`` in ``MARKETS``, ``requirement`` in ``requirements``,
    ``place`` in ``columns.places``. ``cost_micro_usd`` is of all nodes for the whole runtime plus the task's
    ``inputs``; on spot, it and ``seconds`` have the risk that counts in them (``solver.risk``). ``ready_s``
    is when those inputs have arrived. ``key`` is distinct and increases with the offer key. In a ``group``
    all have the same place, runtime, cloud, accelerator and market, and so only cost and key decide between
    them. ``removed`` says, by requirement, how many offers each kind of filter
    took away. Of several requirements that an offer satisfies, it is taken for the one with the shortest
    runtime, then the first.
    """

    columns: Columns
    requirements: tuple[Requirement, ...]
    filters: tuple[Filter, ...]
    removed: tuple[dict[str, int], ...]
    row: Ints
    market: Ints
    requirement: Ints
    price_micro_usd: Ints
    node_cost_micro_usd: Ints
    cost_micro_usd: Ints
    seconds: Ints
    ready_s: Ints
    place: Ints
    key: Ints
    group: Ints

    def __len__(self) -> int:
        return len(self.row)

    def kind(self, at: Ints) -> Ints:
        """Return the number of each candidate's (cloud, accelerator, market)."""
        return _kind(self.columns, self.row[at], self.market[at])

    @cached_property
    def leaders(self) -> Ints:
        """The first of each group; whatever the rest of a plan is, no other is better than its leader."""
        order = self.cost_micro_usd.__getitem__, self.key.__getitem__
        return first_of_groups(np.arange(len(self)), self.group, order)


def candidates_of(
    columns: Columns, task: TaskRequest, blocks: tuple[Scope, ...], transfers: TransferTable
) -> Candidates:
    """Return the candidates of ``task``: of all its requirements, or of the first that has any if ordered."""
    parts: list[tuple[Ints, ...]] = []
    many, groups = len(task.requirements) > 1, 0
    filters: list[Filter] = []
    removed: list[dict[str, int]] = []
    scopes = (*blocks, *task.blocks)
    for index, requirement in enumerate(task.requirements):
        admitted = _admitted(columns, requirement, task.num_nodes)
        offers, kept, gone = admitted
        if scopes:
            asked = requirement, task.num_nodes
            offers, kept, gone = _unblocked(columns, asked, admitted, scopes)
        removed.append(gone)
        filters += [Filter(f"{requirement.label}: {one.name}", one.kept) for one in kept] if many else kept
        row, *others, group = offers
        parts.append((row, np.full(len(row), index), *others, group + groups))
        groups += int(group.max(initial=-1)) + 1
        if task.ordered and len(row):
            break
    arrays = _joined(parts)
    row, requirement_at, market, price, cost, seconds, group = _once(arrays) if many else arrays
    place = columns.place[row]
    moves, ready_s = _inputs(columns, task.inputs, transfers, place)
    return Candidates(
        columns=columns,
        requirements=task.requirements,
        filters=tuple(filters),
        removed=tuple(removed),
        row=row,
        market=market,
        requirement=requirement_at,
        price_micro_usd=price,
        node_cost_micro_usd=cost,
        cost_micro_usd=cost + moves if task.inputs else cost,
        seconds=seconds,
        ready_s=ready_s,
        place=place,
        key=(row * len(MARKETS) + market) * len(task.requirements) + requirement_at,
        group=group,
    )


def least_of(
    columns: Columns, task: TaskRequest, objective: Objective, scopes: Sequence[Scope]
) -> list[int | None]:
    """Return the least cost (micro-USD) or time (s) in each of ``scopes`` of an offer that ``task`` admits.

    ``None`` stands for a scope without any. Transfers are left aside.
    """
    least: dict[Scope, int] = {}
    for requirement in task.requirements:
        row, market, _, cost, seconds, _ = _admitted(columns, requirement, task.num_nodes)[0]
        values = cost if objective is Objective.COST else seconds
        for at, name in enumerate(MARKETS):
            here = np.flatnonzero(market == at)
            for scope, value in least_inside(columns, name, scopes, row[here], values[here]).items():
                least[scope] = min(value, least.get(scope, value))
    return [least.get(scope) for scope in scopes]


def _joined(parts: list[tuple[Ints, ...]]) -> tuple[Ints, ...]:
    if len(parts) == 1:
        return parts[0]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def _once(arrays: tuple[Ints, ...]) -> tuple[Ints, ...]:
    """Return the arrays with each offer once; its price is one, so the shortest runtime is the best."""
    row, requirement, market, _, _, seconds, _ = arrays
    offer = row * len(MARKETS) + market
    if np.bincount(offer, minlength=1).max() < 2:
        return arrays
    order = np.lexsort((requirement, seconds, offer))
    first = np.diff(offer[order], prepend=-1) > 0
    kept = np.sort(order[first])
    return tuple(array[kept] for array in arrays)


def select(
    columns: Columns, requirement: Requirement, blocks: tuple[Scope, ...]
) -> tuple[Mask, list[Filter], dict[str, int]]:
    """Return which offers pass every filter, as (markets, rows), and what each filter kept in turn.

    The last value is how many offers each kind of filter took away.
    """
    alive: Mask = np.ones(len(columns), dtype=bool)
    kept = [Filter("catalog", len(columns))]
    removed = {}
    for one in filters_of(columns, requirement, blocks):
        alive = alive & one.mask
        kept.append(Filter(one.name, int(np.count_nonzero(alive))))
        removed[one.kind] = max(kept[-2].kept - kept[-1].kept, 0)
    return alive, kept, removed


def rejections(
    columns: Columns, requirement: Requirement, blocks: tuple[Scope, ...] = ()
) -> tuple[tuple[str, ...], Ints]:
    """Return the filters' names and, as (markets, rows), the first that rejects each offer; -1 if none."""
    names: list[str] = []
    reason = np.full((len(markets_of(requirement)), len(columns)), -1, dtype=np.int16)
    for at, one in enumerate(filters_of(columns, requirement, blocks)):
        names.append(one.name)
        reason[(reason < 0) & ~one.mask] = at
    return tuple(names), reason


def _admitted(columns: Columns, requirement: Requirement, num_nodes: int) -> Admitted:
    """Return what ``requirement`` admits before any block, priced; kept with the columns."""
    key = requirement, num_nodes
    found: Admitted | None = columns.memo.get(key)
    if found is None:
        found = _admit(columns, requirement, num_nodes)
        _remember(columns, key, found)
    return found


def _admit(columns: Columns, requirement: Requirement, num_nodes: int) -> Admitted:
    alive, kept, removed = select(columns, requirement, ())
    parts = [
        _priced_on(columns, requirement, MARKETS.index(market), np.flatnonzero(mask), num_nodes)
        for market, mask in zip(markets_of(requirement), alive, strict=True)
    ]
    none = np.zeros(0, dtype=np.int64)
    arrays = _joined(parts) if parts else (none,) * 5
    return (*arrays, _groups(columns, arrays)), kept, removed


def _groups(columns: Columns, arrays: tuple[Ints, ...]) -> Ints:
    """Return by offer the number of its (place, runtime, cloud, accelerator, market)."""
    row, market, _, _, seconds = arrays
    kind = _kind(columns, row, market)
    group: Ints = columns.place[row].astype(np.int64) * (int(kind.max(initial=0)) + 1) + kind
    if len(row) and np.ptp(seconds):
        runtimes, runtime = np.unique(seconds, return_inverse=True)
        group = group * len(runtimes) + runtime
    return group


def _kind(columns: Columns, row: Ints, market: Ints) -> Ints:
    kind: Ints = columns.kind[row] * len(MARKETS) + market
    return kind


def _priced_on(
    columns: Columns, requirement: Requirement, market: int, rows: Ints, num_nodes: int
) -> tuple[Ints, ...]:
    price = prices(columns, MARKETS[market])[rows]
    if MARKETS[market] is Market.SPOT and requirement.risk is not Risk.IGNORE:
        risked = at_risk(columns, requirement, rows, price, num_nodes)
        seconds, cost = risked.expected_s, risked.cost_micro_usd
    else:
        seconds = durations_s(columns, requirement, rows)
        cost = cost_micro_usd(price, seconds, num_nodes, requirement.label)
    return rows, np.full(len(rows), market), price, cost, seconds


def _unblocked(
    columns: Columns, asked: tuple[Requirement, int], admitted: Admitted, scopes: tuple[Scope, ...]
) -> Admitted:
    """Return what ``scopes`` leave of what ``asked`` admits."""
    arrays, kept, removed = admitted
    free = np.flatnonzero(_free(columns, asked, arrays[0], arrays[1], scopes))
    return (
        tuple(array[free] for array in arrays),
        [*kept, Filter(BLOCKS_FILTER, len(free))],
        removed | {"blocks": len(arrays[0]) - len(free)},
    )


def _free(
    columns: Columns, asked: tuple[Requirement, int], row: Ints, market: Ints, scopes: tuple[Scope, ...]
) -> Mask:
    """Return which offers lie outside all ``scopes``; those that the last call had are not looked up."""
    key = (*asked, BLOCKS_FILTER)
    known, free = columns.memo.get(key, ((), None))
    more = None if free is None else added(known, scopes)
    if more is None:
        more, free = scopes, np.ones(len(row), dtype=bool)
    free = free & ~blocked(columns, None, more, row)
    for at, name in enumerate(MARKETS):
        if any(scope.market is name for scope in more):
            here = np.flatnonzero(free & (market == at))
            free[here] = ~blocked(columns, name, more, row[here])
    _remember(columns, key, (scopes, free))
    found: Mask = free
    return found


def _remember(columns: Columns, key: Hashable, value: object) -> None:
    while len(columns.memo) >= _REMEMBERED:
        del columns.memo[next(iter(columns.memo))]
    columns.memo[key] = value


def _inputs(
    columns: Columns, inputs: tuple[DataSource, ...], transfers: TransferTable, place: Ints
) -> tuple[Ints, Ints]:
    """Return by ``place`` the cost of bringing ``inputs`` there and when the last of them arrives."""
    if not inputs:
        return np.zeros(len(place), dtype=np.int64), np.zeros(len(place), dtype=np.int64)
    moves = [[inbound(transfers, source, each) for source in inputs] for each in columns.places]
    cost = np.array([sum(paid for paid, _ in of_place) for of_place in moves], dtype=np.int64)
    ready_s = np.array([max(waited for _, waited in of_place) for of_place in moves], dtype=np.int64)
    return cost[place], ready_s[place]
