"""Vectorised predicates over a table of offers, as numpy masks.

Columns are viewed in place on the memory-mapped buffers, and text compares as dictionary codes, so a whole
requirement costs about a millisecond. pyarrow imports numpy anyway; pyarrow.compute would cost 35 ms more at
import and three times as long here. Tables must come from a snapshot or ``catalog.conform``, because codes
are looked up in sorted dictionaries.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]
"""One truth value a row."""

_WIDTHS = {pa.int16(): np.int16, pa.int32(): np.int32, pa.int64(): np.int64, pa.date32(): np.int32}


def view(table: pa.Table, column: str, absent: int = 0) -> npt.NDArray[Any]:
    """Return a column as a numpy array: integers, truth values, codes of text, or days since 1970.

    A read-only view of the mapped file where nothing is null; else a copy with ``absent`` for nulls.
    """
    array = _array(table, column)
    codes = array.indices if pa.types.is_dictionary(array.type) else array
    if pa.types.is_boolean(codes.type):
        return _bits(codes.buffers()[1], codes.offset, len(codes))
    data = codes.buffers()[1]
    if data is None:
        return np.empty(0, _WIDTHS[codes.type])
    values = np.frombuffer(data, _WIDTHS[codes.type])[codes.offset : codes.offset + len(codes)]
    return values if codes.null_count == 0 else np.where(present(table, column), values, absent)


def present(table: pa.Table, column: str) -> Mask:
    """Return which rows have a value (are not null) in a column."""
    array = _array(table, column)
    bitmap = array.buffers()[0]
    return np.ones(len(array), np.bool_) if bitmap is None else _bits(bitmap, array.offset, len(array))


def dictionary(table: pa.Table, column: str) -> list[str]:
    """Return the strings that the codes of a text column stand for; some may be on no row."""
    values: list[str] = _array(table, column).dictionary.to_pylist()
    return values


def code(table: pa.Table, column: str, value: str) -> int:
    """Return the code of ``value`` in a text column, or -1 where it does not occur."""
    words = _array(table, column).dictionary
    index = bisect_left(range(len(words)), value, key=lambda place: words[place].as_py())
    return index if index < len(words) and words[index].as_py() == value else -1


def mask_equal(table: pa.Table, column: str, value: str | int | bool) -> Mask:
    """Return the rows whose column equals ``value``; a null never does."""
    wanted = code(table, column, value) if isinstance(value, str) else value
    values = view(table, column)
    found: Mask = values if wanted is True else np.equal(values, wanted)
    return found & present(table, column) if _array(table, column).null_count else found


def mask_in(table: pa.Table, column: str, values: Iterable[str]) -> Mask:
    """Return the rows whose text column is one of ``values``."""
    codes = [found for found in (code(table, column, value) for value in values) if found >= 0]
    wanted = np.zeros(len(_array(table, column).dictionary), np.bool_)
    wanted[codes] = True
    found: Mask = wanted[view(table, column)]
    return found


def mask_range(table: pa.Table, column: str, lower: int | None = None, upper: int | None = None) -> Mask:
    """Return the rows whose number lies in the closed range; ``None`` leaves a side open, nulls are out."""
    values = view(table, column)
    if lower is not None:
        found: Mask = values == lower if lower == upper else values >= lower
        if upper is not None and upper != lower:
            found &= values <= upper
    elif upper is not None:
        found = values <= upper
    else:
        return present(table, column)
    if _array(table, column).null_count:
        found &= present(table, column)
    return found


def rows(mask: Mask) -> npt.NDArray[np.intp]:
    """Return the row numbers where ``mask`` holds, ascending."""
    return np.flatnonzero(mask)


def _array(table: pa.Table, column: str) -> Any:
    chunked = table[column]
    return chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()


def _bits(buffer: Any, offset: int, length: int) -> Mask:
    """Return ``length`` bits of an Arrow bitmap as truth values (always a fresh array)."""
    first, last = offset // 8, (offset + length + 7) // 8
    packed = np.frombuffer(buffer, np.uint8)[first:last]
    start = offset - 8 * first
    return np.unpackbits(packed, bitorder="little")[start : start + length].view(np.bool_)
