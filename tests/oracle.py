"""Oracle: the best plan by brute force, read straight from the request's words.

It shares no code with the solver's selection, bounds or model: rows are plain dictionaries, every combination
of offers is tried, and the best in the total order wins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

from catalog.offer import Market, OfferKey
from catalog.scope import Scope
from solver.request import (
    Basis,
    DataSource,
    Objective,
    Range,
    Request,
    Requirement,
    Risk,
    Runtime,
    TaskRequest,
)
from tests.strategies import ToyTransfers

Row = dict[str, Any]


@dataclass(frozen=True)
class Offered:
    """One offer that a task may take, with what it costs and takes; ``order`` is its place among offers."""

    key: OfferKey
    order: tuple[Any, ...]
    cost: int
    seconds: int
    ready: int


@dataclass(frozen=True)
class Best:
    """The first plan of the total order."""

    cost: int
    makespan_s: int
    keys: tuple[OfferKey, ...]


def best_plan(request: Request, rows: Sequence[Row], transfers: ToyTransfers) -> Best | None:
    """Return the best plan, or ``None`` if some task has no offer."""
    offers = [offers_of(task, rows, request.blocks, transfers) for task in request.tasks]
    best: tuple[Any, ...] | None = None
    for choice in product(*offers):
        cost, makespan = totals(request, choice, transfers)
        first = (cost, makespan) if request.objective is Objective.COST else (makespan, cost)
        value = (*first, tuple(offer.order for offer in choice), cost, makespan, tuple(o.key for o in choice))
        if best is None or value[:3] < best[:3]:
            best = value
    return None if best is None else Best(*best[3:])


def offers_of(
    task: TaskRequest, rows: Sequence[Row], blocks: Sequence[Scope], transfers: ToyTransfers
) -> list[Offered]:
    """Return every offer that ``task`` accepts."""
    found: list[Offered] = []
    for position, requirement in enumerate(task.requirements):
        for row in rows:
            for market in requirement.markets:
                price = row["price_micro_usd"] if market is Market.ON_DEMAND else row["spot_price_micro_usd"]
                key = key_of(row, market)
                barred = any(scope.matches(key) for scope in (*blocks, *task.blocks))
                if price is None or barred or not admits(requirement, row, price):
                    continue
                seconds, deviation = runtime_s(requirement, row), Decimal(0)
                if market is Market.SPOT and requirement.risk is not Risk.IGNORE:
                    seconds = interrupted_s(seconds, requirement, row, task.num_nodes)
                    if requirement.risk is Risk.AVERSE:
                        deviation = deviation_of(seconds, row)
                paid = math.floor(Fraction(task.num_nodes * price * seconds, 3_600) + Fraction(1, 2))
                moves = [inbound(source, key, transfers) for source in task.inputs]
                cost = paid + math.floor(paid * deviation + Decimal("0.5")) + sum(move[0] for move in moves)
                found.append(
                    Offered(key, (key, position), cost, seconds, max((move[1] for move in moves), default=0))
                )
        if task.ordered and found:
            break
    return found


def key_of(row: Row, market: Market) -> OfferKey:
    """Return the offer's key."""
    return OfferKey(
        row["cloud"],
        row["region"],
        row["zone"],
        row["instance_type"],
        row["accelerator"],
        row["accelerator_count_milli"],
        market,
    )


def admits(requirement: Requirement, row: Row, price: int) -> bool:
    """Return whether a row at ``price`` is what ``requirement`` asks for."""
    pairs = {(wanted.name, wanted.count_milli) for wanted in requirement.accelerators}
    per_vcpu = requirement.memory_mib_per_vcpu
    return all(
        (
            requirement.cloud in (None, row["cloud"]),
            requirement.region in (None, row["region"]),
            requirement.zone in (None, row["zone"]),
            not requirement.clouds or row["cloud"] in requirement.clouds,
            requirement.instance_type in (None, row["instance_type"]),
            _inside(requirement.vcpus_milli, row["vcpus_milli"]),
            _inside(requirement.memory_mib, row["memory_mib"]),
            per_vcpu is None or row["memory_mib"] * 1_000 >= per_vcpu * row["vcpus_milli"] > 0,
            not pairs or (row["accelerator"], row["accelerator_count_milli"]) in pairs,
            not requirement.archs or row["arch"] in requirement.archs,
            requirement.allow_burstable or not row["burstable"],
            requirement.allow_bare_metal or not row["bare_metal"],
            requirement.allow_restricted_regions or not row["restricted_region"],
            requirement.max_price_micro_usd is None or price <= requirement.max_price_micro_usd,
        )
    )


def _inside(wanted: Range, value: int) -> bool:
    return (wanted.lower is None or value >= wanted.lower) and (wanted.upper is None or value <= wanted.upper)


def runtime_s(requirement: Requirement, row: Row) -> int:
    """Return the runtime on ``row``, by the rule for its accelerator if there is one."""
    rule: Runtime = requirement.runtime
    for wanted, own in zip(requirement.accelerators, requirement.runtimes, strict=False):
        if (wanted.name, wanted.count_milli) == (row["accelerator"], row["accelerator_count_milli"]):
            rule = own
    capacity = row["vcpus_milli"]
    if rule.basis is Basis.ACCELERATORS:
        capacity = row["accelerator_gflops_bf16"] * row["accelerator_count_milli"] // 1_000
    if rule.basis is Basis.FIXED or not capacity or not rule.reference:
        return rule.seconds
    if rule.exponent == 1:
        return math.ceil(Fraction(rule.seconds * rule.reference, capacity))
    scaled = rule.seconds * math.pow(rule.reference / capacity, rule.exponent)
    return math.ceil(round(scaled, 6))


def interrupted_s(seconds: int, requirement: Requirement, row: Row, num_nodes: int) -> int:
    """Return the expected time with interruptions, stretch by stretch, in decimals."""
    ppm = 125_000 if row["interruption_ppm"] is None else row["interruption_ppm"]
    if not ppm:
        return seconds
    rate = -(1 - Decimal(ppm) / 10**6).ln() * num_nodes / (30 * 86_400)
    expected, left = Decimal(0), seconds
    while left:
        stretch = min(left, requirement.checkpoint_s or left)
        expected += ((rate * stretch).exp() - 1) / rate
        left -= stretch
    return math.ceil(round(min(expected, Decimal(100 * seconds)), 6))


def deviation_of(seconds: int, row: Row) -> Decimal:
    """Return the standard deviation of the mean of a Brownian motion over ``seconds``."""
    return Decimal(row["spot_volatility_ppm"] or 0) / 10**6 * (Decimal(seconds) / (3 * 30 * 86_400)).sqrt()


def inbound(source: DataSource, key: OfferKey, transfers: ToyTransfers) -> tuple[int, int]:
    """Return the cost and time of data from outside."""
    if source.cloud == key.cloud:
        return 0, 0
    zones = transfers.zone_of(source.cloud, ""), transfers.zone_of(key.cloud, key.region)
    return transfers.cost_micro_usd(*zones, source.size_bytes), transfers.seconds(*zones, source.size_bytes)


def move(source: OfferKey, target: OfferKey, size_bytes: int, transfers: ToyTransfers) -> tuple[int, int]:
    """Return the cost and time of an edge's data."""
    if (source.cloud, source.region) == (target.cloud, target.region) or not size_bytes:
        return 0, 0
    zones = transfers.zone_of(source.cloud, source.region), transfers.zone_of(target.cloud, target.region)
    return transfers.cost_micro_usd(*zones, size_bytes), transfers.seconds(*zones, size_bytes)


def totals(request: Request, choice: Sequence[Offered], transfers: ToyTransfers) -> tuple[int, int]:
    """Return the cost and the makespan of one combination of offers."""
    cost = sum(offer.cost for offer in choice)
    arrivals: list[list[tuple[int, int]]] = [[] for _ in choice]
    for edge in request.edges:
        paid, waited = move(choice[edge.source].key, choice[edge.target].key, edge.size_bytes, transfers)
        cost += paid
        arrivals[edge.target].append((edge.source, waited))

    def end(task: int) -> int:
        data = [end(source) + waited for source, waited in arrivals[task]]
        return max([choice[task].ready, *data]) + choice[task].seconds

    return cost, max(end(task) for task in range(len(choice)))
