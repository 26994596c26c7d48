"""Overlay: the user's own prices and exclusions, laid over a snapshot's offers when they are asked.

The snapshot stays as it is. Rules apply in order, each to what the ones before it left; a row whose price one
of them set says so in its ``source``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.arrays import array_of, text_of
from catalog.query import Mask, dictionary, present, view
from catalog.schema import OFFERS, TEXT_COLUMNS
from catalog.units import MICRO

PLACES = ("cloud", "region", "zone", "instance_type", "accelerator")
"""The columns that a rule can name rows by."""

MARK = "; overlay"
"""What the ``source`` of a row ends with when its price is the user's."""

_PRICES = ("price_micro_usd", "spot_price_micro_usd")


@dataclass(frozen=True, slots=True)
class Pricing:
    """What a rule does with one market's price: a new one in micro-USD an hour, or millionths taken off."""

    micro_usd: int | None = None
    discount_ppm: int = 0

    def of(self, prices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the prices to pay instead of ``prices``, rounded to the micro-USD, half up."""
        if self.micro_usd is not None:
            return np.full_like(prices, self.micro_usd)
        paid: npt.NDArray[np.int64] = (prices * (MICRO - self.discount_ppm) + MICRO // 2) // MICRO
        return paid


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows by patterns (``where``: column -> shell pattern, case-insensitive), and what becomes of them.

    ``label`` is how a message names the rule. ``exclude`` takes the rows away, ``exclude_spot`` their spot
    market alone.
    """

    label: str
    where: Mapping[str, str] = field(hash=False)
    on_demand: Pricing | None = None
    spot: Pricing | None = None
    exclude: bool = False
    exclude_spot: bool = False

    def matches(self, table: pa.Table) -> Mask:
        """Return which rows of ``table`` the rule is about."""
        found: Mask = np.ones(table.num_rows, np.bool_)
        for column, pattern in self.where.items():
            words = dictionary(table, column)
            wanted = re.compile(translate(pattern), re.IGNORECASE)
            known = np.fromiter((wanted.match(word) is not None for word in words), np.bool_, len(words))
            found &= known[view(table, column)] if len(words) else False
        return found


@dataclass(frozen=True, slots=True)
class Effect:
    """What one rule did: how many rows it is about, how many of them got another price, or went."""

    label: str
    matched: int
    repriced: int
    excluded: int


@dataclass(frozen=True, slots=True)
class Overlay:
    """Rules in order."""

    rules: tuple[Rule, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules)

    def apply(self, table: pa.Table) -> tuple[pa.Table, tuple[Effect, ...]]:
        """Return ``table`` as this user pays it, in the same schema and order, and what each rule did."""
        kept: Mask = np.ones(table.num_rows, np.bool_)
        touched: Mask = np.zeros(table.num_rows, np.bool_)
        prices = {column: np.array(view(table, column)) for column in _PRICES}
        has_spot = np.array(present(table, "spot_price_micro_usd"))
        effects = []
        for rule in self.rules:
            rows = rule.matches(table) & kept
            repriced = _reprice(rule, rows, prices, has_spot)
            touched |= repriced
            excluded = int(rows.sum()) if rule.exclude else 0
            if rule.exclude:
                kept &= ~rows
            if rule.exclude_spot:
                excluded += int((rows & has_spot).sum())
                has_spot &= ~rows
            effects.append(Effect(rule.label, int(rows.sum()), int(repriced.sum()), excluded))
        columns = {
            "price_micro_usd": array_of(prices["price_micro_usd"], pa.int64()),
            "spot_price_micro_usd": array_of(prices["spot_price_micro_usd"], pa.int64(), has_spot),
            "source": _marked(table, touched),
        }
        for name, values in columns.items():
            table = table.set_column(table.schema.get_field_index(name), OFFERS.field(name), values)
        return (table if kept.all() else rows_of(table, kept)), tuple(effects)


def _reprice(rule: Rule, rows: Mask, prices: dict[str, npt.NDArray[np.int64]], has_spot: Mask) -> Mask:
    """Write the rule's prices into ``prices`` and return which rows have another one now."""
    changed: Mask = np.zeros(len(rows), np.bool_)
    if rule.on_demand is not None:
        prices["price_micro_usd"][rows] = rule.on_demand.of(prices["price_micro_usd"][rows])
        changed |= rows
    if rule.spot is not None:
        sold = rows if rule.spot.micro_usd is not None else rows & has_spot
        prices["spot_price_micro_usd"][sold] = rule.spot.of(prices["spot_price_micro_usd"][sold])
        has_spot |= sold
        changed |= sold
    return changed


def _marked(table: pa.Table, touched: Mask) -> pa.Array:
    """Return the ``source`` column with the mark on the rows that are ``touched``."""
    words, codes = dictionary(table, "source"), view(table, "source")
    merged = sorted({*words, *(word + MARK for word in words if not word.endswith(MARK))})
    position = {word: at for at, word in enumerate(merged)}
    plain = np.array([position[word] for word in words], np.int16)
    marked = np.array([position[word.removesuffix(MARK) + MARK] for word in words], np.int16)
    return text_of(np.where(touched, marked[codes], plain[codes]).astype(np.int16), merged)


def rows_of(table: pa.Table, kept: Mask) -> pa.Table:
    """Return the rows of ``table`` where ``kept`` holds, in order, without importing ``pyarrow.compute``."""
    arrays = []
    for column in OFFERS:
        values = view(table, column.name)[kept]
        if column.name in TEXT_COLUMNS:
            arrays.append(text_of(values, dictionary(table, column.name)))
        else:
            valid = present(table, column.name)[kept] if column.nullable else None
            arrays.append(array_of(values, column.type, valid))
    return pa.table(arrays, schema=OFFERS.with_metadata(table.schema.metadata))
