"""Volatility: how restless the spot price of each offer has been, as a column beside the offers."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.arrays import array_of
from catalog.history import refreshes
from catalog.query import dictionary, view
from catalog.schema import KEY, SPOT_VOLATILITY
from catalog.units import MICRO, SECONDS_PER_MONTH

_BEFORE, _NOW = "spot_price_micro_usd_before", "spot_price_micro_usd"


def with_spot_volatility(table: pa.Table, home: Path | None = None) -> pa.Table:
    """Return ``table`` with the column ``SPOT_VOLATILITY``: see ``spot_volatility_ppm``."""
    column = array_of(spot_volatility_ppm(table, home), pa.int64())
    return table.append_column(pa.field(SPOT_VOLATILITY, pa.int64()), column)


def spot_volatility_ppm(table: pa.Table, home: Path | None = None) -> npt.NDArray[np.int64]:
    """Return, by row of ``table``, ``catalog.history.volatility`` of the spot price in millionths.

    It is 0 where no change of the offer is on record. The whole history is read once.
    """
    row, at_s, before, now = _changes(table, home)
    then = np.where(np.diff(row, prepend=-1) == 0, np.roll(now, 1), before)
    known = (then > 0) & (now > 0)
    step = np.log(np.where(known, now, 1) / np.where(known, then, 1))
    squares = np.bincount(row, step * step, table.num_rows)
    first_s, last_s = np.full(table.num_rows, np.inf), np.full(table.num_rows, -np.inf)
    np.minimum.at(first_s, row, at_s)
    np.maximum.at(last_s, row, at_s)
    span_s = np.maximum(last_s - first_s, SECONDS_PER_MONTH)
    ppm: npt.NDArray[np.int64] = np.rint(MICRO * np.sqrt(squares * SECONDS_PER_MONTH / span_s)).astype(
        np.int64
    )
    return ppm


def _changes(table: pa.Table, home: Path | None) -> tuple[npt.NDArray[Any], ...]:
    """Return every recorded change of offers of ``table``, by its row there, then in time order.

    Row, when (epoch seconds), and the spot prices before and from then on; -1 where there was none.
    """
    import pyarrow.parquet as pq

    numbers = _numbers(table, table)
    by_number = np.argsort(numbers, kind="stable")
    nothing = np.zeros(0, np.int64)
    parts: list[tuple[npt.NDArray[Any], ...]] = [(nothing, nothing, nothing, nothing)]
    for each in refreshes(home):
        file = pq.ParquetFile(each.path, read_dictionary=KEY[:-1])
        changed = file.read(columns=[*KEY, _BEFORE, _NOW], use_threads=False)
        sought = _numbers(changed, table)
        at = np.searchsorted(numbers, sought, sorter=by_number)
        row = by_number[np.minimum(at, len(by_number) - 1)] if len(by_number) else at
        found = np.flatnonzero(numbers[row] == sought) if len(by_number) else nothing
        before, now = (view(changed, name, absent=-1)[found] for name in (_BEFORE, _NOW))
        parts.append((row[found], np.full(len(found), each.at.timestamp()), before, now))
    joined = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return tuple(array[order] for array in joined)


def _numbers(changed: pa.Table, table: pa.Table) -> npt.NDArray[np.int64]:
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
