"""Filters: one requirement as an ordered list of named masks over the catalog's rows.

A filter's name is what a person reads in the plan and in the explanation of an infeasible request.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from catalog.offer import Market
from catalog.scope import Scope
from catalog.units import MIB_PER_GIB, MILLI, format_mib, format_milli, format_usd
from solver.blocklist import blocked
from solver.columns import Columns, Ints, Mask
from solver.request import Range, Requirement

MARKETS = (Market.ON_DEMAND, Market.SPOT)
"""The markets that a catalog row can be sold on, in key order."""

BLOCKS_FILTER = "not blocked"


@dataclass(frozen=True, slots=True, eq=False)
class RowFilter:
    """``name`` for people, ``kind`` for programs, ``mask`` over (rows,) or over (markets, rows)."""

    kind: str
    name: str
    mask: Mask


def markets_of(requirement: Requirement) -> tuple[Market, ...]:
    """Return the markets of ``requirement`` that a catalog row can be sold on, in key order."""
    return tuple(market for market in MARKETS if market in requirement.markets)


def filters_of(columns: Columns, requirement: Requirement, blocks: tuple[Scope, ...]) -> Iterator[RowFilter]:
    """Yield the filters that ``requirement`` and ``blocks`` amount to, the user's own words first.

    Masks of the last filters (market, price, blocks) have one row for each market of the requirement.
    """
    yield from _where(columns, requirement)
    yield from _what(columns, requirement)
    yield from _defaults(columns, requirement)
    yield from _how(columns, requirement, blocks)


def _where(columns: Columns, requirement: Requirement) -> Iterator[RowFilter]:
    if requirement.clouds:
        mask = np.zeros(len(columns), dtype=bool)
        for cloud in requirement.clouds:
            mask |= columns.equals("cloud", cloud)
        yield RowFilter("clouds", f"clouds {', '.join(requirement.clouds)}", mask)
    for field in ("cloud", "region", "zone"):
        wanted = getattr(requirement, field)
        if wanted is not None:
            yield RowFilter(field, f"{field} {wanted}", columns.equals(field, wanted))


def _what(columns: Columns, requirement: Requirement) -> Iterator[RowFilter]:
    if requirement.instance_type is not None:
        mask = columns.equals("instance_type", requirement.instance_type)
        yield RowFilter("instance_type", f"instance type {requirement.instance_type}", mask)
    if requirement.accelerators:
        counts = columns.value["accelerator_count_milli"]
        mask = np.zeros(len(columns), dtype=bool)
        for wanted in requirement.accelerators:
            mask |= columns.equals("accelerator", wanted.name) & (counts == wanted.count_milli)
        names = [f"{wanted.name}:{format_milli(wanted.count_milli)}" for wanted in requirement.accelerators]
        yield RowFilter("accelerators", f"accelerators {' or '.join(names)}", mask)
    if requirement.vcpus_milli != Range():
        mask = _within(columns.value["vcpus_milli"], requirement.vcpus_milli)
        yield RowFilter("vcpus", f"vCPUs {_range_text(requirement.vcpus_milli, MILLI)}", mask)
    if requirement.memory_mib != Range():
        mask = _within(columns.value["memory_mib"], requirement.memory_mib)
        yield RowFilter("memory", f"memory {_range_text(requirement.memory_mib, MIB_PER_GIB)} GiB", mask)


def _defaults(columns: Columns, requirement: Requirement) -> Iterator[RowFilter]:
    if requirement.memory_mib_per_vcpu is not None:
        least = columns.value["vcpus_milli"].astype(np.int64) * requirement.memory_mib_per_vcpu
        mask = (least > 0) & (columns.value["memory_mib"].astype(np.int64) * MILLI >= least)
        name = f"memory >= {format_mib(requirement.memory_mib_per_vcpu)} GiB per vCPU"
        yield RowFilter("memory_per_vcpu", name, mask)
    if requirement.archs:
        mask = np.zeros(len(columns), dtype=bool)
        for arch in requirement.archs:
            mask |= columns.equals("arch", arch)
        yield RowFilter("arch", f"architecture {' or '.join(requirement.archs)}", mask)
    if not requirement.allow_burstable:
        yield RowFilter("burstable", "not burstable", ~columns.value["burstable"])
    if not requirement.allow_bare_metal:
        yield RowFilter("bare_metal", "not bare metal", ~columns.value["bare_metal"])
    if not requirement.allow_restricted_regions:
        yield RowFilter("restricted_region", "no restricted region", ~columns.value["restricted_region"])


def _how(columns: Columns, requirement: Requirement, blocks: tuple[Scope, ...]) -> Iterator[RowFilter]:
    markets = markets_of(requirement)
    sold = [
        columns.spot_micro_usd >= 0 if market is Market.SPOT else np.ones(len(columns), bool)
        for market in markets
    ]
    yield RowFilter(
        "market", " or ".join(market.value for market in requirement.markets), _stacked(sold, columns)
    )
    limit = requirement.max_price_micro_usd
    if limit is not None:
        cheap = [prices(columns, market) <= limit for market in markets]
        yield RowFilter("max_price", f"price <= {format_usd(limit)}/h", _stacked(cheap, columns))
    if blocks:
        free = [~blocked(columns, market, blocks) for market in markets]
        yield RowFilter("blocks", BLOCKS_FILTER, _stacked(free, columns))


def prices(columns: Columns, market: Market) -> Ints:
    """Return the hourly price of one node on ``market`` in micro-USD; -1 where it is not sold there."""
    return columns.spot_micro_usd if market is Market.SPOT else columns.value["price_micro_usd"]


def _stacked(masks: list[Mask], columns: Columns) -> Mask:
    return np.stack(masks) if masks else np.zeros((0, len(columns)), dtype=bool)


def _within(values: Ints, wanted: Range) -> Mask:
    mask = np.ones(len(values), dtype=bool)
    if wanted.lower is not None:
        mask &= values >= wanted.lower
    if wanted.upper is not None:
        mask &= values <= wanted.upper
    return mask


def _range_text(wanted: Range, unit: int) -> str:
    lower = None if wanted.lower is None else f"{wanted.lower / unit:g}"
    upper = None if wanted.upper is None else f"{wanted.upper / unit:g}"
    if upper is None:
        return f">= {lower}"
    if lower is None:
        return f"<= {upper}"
    return f"= {lower}" if lower == upper else f"{lower} to {upper}"
