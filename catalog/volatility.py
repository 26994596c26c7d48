"""Volatility: how restless prices have been, of one offer, or of all as a column beside the offers.

It is the realised volatility of finance: the root of the logarithmic steps' summed squares, over the time
from the first change to the last, scaled to a month. That time counts as 30 days at least, so that one step
soon after another does not look like a habit. 0.1 means about 10 % a month.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import log, prod
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.arrays import array_of
from catalog.history import Point, refreshes
from catalog.offer import Market
from catalog.query import dictionary, view
from catalog.schema import KEY, SPOT_VOLATILITY
from catalog.units import MICRO, SECONDS_PER_MONTH

Ints: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]

_BEFORE, _NOW = "spot_price_micro_usd_before", "spot_price_micro_usd"


def volatility(points: Sequence[Point], market: Market = Market.SPOT) -> float:
    """Return how much a price of one offer moves in a month; 0 where fewer than two prices are known."""
    prices = [
        point.spot_price_micro_usd if market is Market.SPOT else point.price_micro_usd for point in points
    ]
    steps = [log(now / then) for then, now in pairwise(prices) if then and now]
    dates = [point.at for point in points if point.at is not None]
    span_s = (dates[-1] - dates[0]).total_seconds() if dates else 0.0
    return float(_in_a_month(np.array(sum(step * step for step in steps)), np.array(span_s)))


def with_spot_volatility(table: pa.Table, home: Path | None = None) -> pa.Table:
    """Return ``table`` with the column ``SPOT_VOLATILITY``: see ``spot_volatility_ppm``."""
    column = array_of(spot_volatility_ppm(table, home), pa.int64())
    return table.append_column(pa.field(SPOT_VOLATILITY, pa.int64()), column)


def spot_volatility_ppm(table: pa.Table, home: Path | None = None) -> npt.NDArray[np.int64]:
    """Return, by row of ``table``, the ``volatility`` of the spot price in millionths.

    It is 0 where no change of the offer is on record. ``table`` is in key order. The history is read once.
    """
    squares, first_s, last_s, price = np.zeros((4, table.num_rows))
    for at_s, row, before, now in _changes(table, home):
        begins = last_s[row] == 0
        then = np.where(begins, before, price[row])
        known = (then > 0) & (now > 0)
        step = np.log(np.where(known, now, 1) / np.where(known, then, 1))
        squares[row] += step * step
        first_s[row] = np.where(begins, at_s, first_s[row])
        last_s[row], price[row] = at_s, now
    ppm: npt.NDArray[np.int64] = np.rint(MICRO * _in_a_month(squares, last_s - first_s)).astype(np.int64)
    return ppm


def _in_a_month(squares: Floats, span_s: Floats) -> Floats:
    """Return the volatility of steps whose squares sum up to ``squares`` over ``span_s``."""
    sigma: Floats = np.sqrt(squares * SECONDS_PER_MONTH / np.maximum(span_s, SECONDS_PER_MONTH))
    return sigma


def _changes(table: pa.Table, home: Path | None) -> Iterator[tuple[float, Ints, Ints, Ints]]:
    """Yield when each refresh was (epoch seconds), and what it changed of ``table``, the oldest first.

    The rows of ``table``, and their spot prices before and from then on; -1 where there was none.
    """
    import pyarrow.parquet as pq

    numbers = np.append(_numbers(table, table), -2)
    for each in refreshes(home):
        file = pq.ParquetFile(each.path, read_dictionary=KEY[:-1])
        changed = file.read(columns=[*KEY, _BEFORE, _NOW], use_threads=False)
        sought = _numbers(changed, table)
        row = np.searchsorted(numbers[:-1], sought)
        found = np.flatnonzero(numbers[row] == sought)
        before, now = (view(changed, name, absent=-1)[found] for name in (_BEFORE, _NOW))
        yield each.at.timestamp(), row[found], before, now


def _numbers(changed: pa.Table, table: pa.Table) -> Ints:
    """Return a number for each key of ``changed``, the same for the same key, -1 where a word is not known.

    The words of ``table`` are the digits, so that keys compare as integers: their text would take ten times
    as long.
    """
    *texts, count = KEY
    most = int(view(table, count).max(initial=0)) + 1
    sizes = [len(dictionary(table, name)) for name in texts]
    assert prod(sizes) * most < 2**63, "a key has more digits than an integer"
    number = np.zeros(changed.num_rows, np.int64)
    known = view(changed, count) < most
    for name, size in zip(texts, sizes, strict=True):
        position = {word: at for at, word in enumerate(dictionary(table, name))}
        codes = np.array([position.get(word, -1) for word in dictionary(changed, name)], np.int64)
        digit = codes[view(changed, name)]
        known &= digit >= 0
        number = number * size + digit
    return np.where(known, number * most + view(changed, count), -1)
