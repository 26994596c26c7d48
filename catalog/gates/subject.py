"""What the gates look at: the facts of one source beside the offers of the same cloud that are in use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.families import family
from catalog.keys import Positions, fact_keys, offer_keys, positions
from catalog.query import Mask
from catalog.units import MICRO

Figures = npt.NDArray[np.float64]
"""One figure a row, NaN for none."""
Groups = npt.NDArray[np.int64]
"""One number a row, equal for rows of one group."""
Doubt = tuple[Mask, str]
"""Rows that a gate doubts, and why, as one sentence without a full stop."""


@dataclass(frozen=True)
class Subject:
    """Facts of one source, ``before``, the offers of its cloud in use, and what gates share of both.

    Prices are USD an hour. ``move`` is the natural logarithm of new price over old.
    """

    cloud: str
    facts: pa.Table
    before: pa.Table

    @property
    def rows(self) -> int:
        """How many facts there are."""
        return int(self.facts.num_rows)

    @cached_property
    def keys(self) -> pa.Array:
        """The key of each fact."""
        return fact_keys(self.facts)

    @cached_property
    def old_row(self) -> Positions:
        """The row of ``before`` with the same key."""
        return positions(self.keys, offer_keys(self.before))

    @cached_property
    def price(self) -> Figures:
        """Price of each fact, NaN where it is not a number above zero."""
        return self.figures("price")

    @cached_property
    def old_price(self) -> Figures:
        """The price in use of each fact, NaN where it is new."""
        prices = np.append(self.before["price_micro_usd"].to_numpy() / MICRO, np.nan)
        return np.where(prices > 0, prices, np.nan)[self.old_row]

    @cached_property
    def move(self) -> Figures:
        """How far each price moved; NaN for new rows."""
        return np.log(self.price / self.old_price)

    @cached_property
    def regions(self) -> Groups:
        """The region of each fact."""
        return group(self.facts["region"].to_pylist())

    @cached_property
    def types(self) -> Groups:
        """What is rented, wherever: instance type with its accelerators."""
        columns = ("instance_type", "accelerator_name", "accelerator_count")
        return group(zip(*(self.facts[name].to_pylist() for name in columns), strict=True))

    @cached_property
    def families(self) -> Groups:
        """The family of each fact, whatever its size."""
        names = self.facts["instance_type"].to_pylist()
        known = {name: family(self.cloud, name) for name in set(names)}
        return group(known[name] for name in names)

    @cached_property
    def accelerators(self) -> Groups:
        """The accelerator of each fact."""
        return group(self.facts["accelerator_name"].to_pylist())

    @cached_property
    def cells(self) -> Groups:
        """What is rented in one region, whatever the zone: the grain at which list prices are set."""
        return pairs(self.types, self.regions)

    def figures(self, column: str) -> Figures:
        """Return a column as figures; what is null, not finite or not above zero is NaN."""
        values = pc.cast(self.facts[column], pa.float64()).to_numpy()
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(values) & (values > 0), values, np.nan)

    def text(self, column: str) -> npt.NDArray[Any]:
        """Return a text column as objects, ``""`` for null."""
        return np.asarray(pc.fill_null(self.facts[column], "").to_pylist(), dtype=object)


@dataclass(frozen=True)
class RowGate:
    """A rule for single rows: those that it doubts are kept apart, the others go on."""

    name: str
    summary: str
    doubts: Callable[[Subject], Iterable[Doubt]]


@dataclass(frozen=True)
class SourceGate:
    """A rule for a source as a whole: the reason to hold it back, one sentence, or ``""``."""

    name: str
    summary: str
    doubt: Callable[[Subject], str]


def group(values: Iterable[Any]) -> Groups:
    """Return a number for each value, equal for equal ones, counted from 0 in order of appearance."""
    numbers: dict[Any, int] = {}
    return np.fromiter((numbers.setdefault(value, len(numbers)) for value in values), np.int64)


def pairs(first: Groups, second: Groups) -> Groups:
    """Return the groups of rows that are together in both."""
    width = int(second.max(initial=0)) + 1
    numbers: Groups = np.unique(first * width + second, return_inverse=True)[1]
    return numbers


def medians(values: Figures, groups: Groups, at_least: int = 1) -> Figures:
    """Return for each row the median of its group's figures, NaN where fewer than ``at_least`` have one."""
    known = ~np.isnan(values)
    found = np.full(int(groups.max(initial=-1)) + 1, np.nan)
    order = np.lexsort((values[known], groups[known]))
    names, starts, sizes = np.unique(groups[known][order], return_index=True, return_counts=True)
    ordered = values[known][order]
    if len(names):
        middle = (ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) / 2
        found[names] = np.where(sizes >= at_least, middle, np.nan)
    spread: Figures = found[groups]
    return spread
