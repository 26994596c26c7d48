"""Columns: the catalog table as numpy arrays in key order, made once for a table and then shared.

Text columns become integer codes whose order is the order of the text, so a comparison of strings is a
comparison of small integers over the whole catalog.
"""

from __future__ import annotations

import weakref
from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from catalog import query
from catalog.schema import KEY, SPOT_VOLATILITY

Ints: TypeAlias = npt.NDArray[Any]
Mask: TypeAlias = npt.NDArray[np.bool_]
Place: TypeAlias = tuple[str, str]

_TEXT = ("cloud", "region", "zone", "instance_type", "accelerator", "arch")
_INTEGER = (
    "vcpus_milli",
    "memory_mib",
    "accelerator_count_milli",
    "accelerator_gflops_bf16",
    "price_micro_usd",
)

if TYPE_CHECKING:
    import pyarrow as pa
_FLAG = ("burstable", "bare_metal", "restricted_region")
_RARE = ("interruption_ppm", SPOT_VOLATILITY)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Arrays over the table's rows, sorted by offer key: position order is key order.

    ``code[name]`` holds positions in ``names[name]``, which is sorted; ``value[name]`` holds integers and
    flags. ``spot_micro_usd`` is -1 where a row has no spot offer. ``place`` numbers the (cloud, region)
    pairs of ``places`` in order, ``kind`` the (cloud, accelerator) pairs. ``table_row`` leads from a
    position back to the row of the table, ``others`` has the columns that ``rare`` reads. ``memo`` keeps
    what was computed over all rows, for the next time.
    """

    table_row: Ints
    code: dict[str, Ints]
    names: dict[str, tuple[str, ...]]
    value: dict[str, Ints]
    spot_micro_usd: Ints
    place: Ints
    places: tuple[Place, ...]
    kind: Ints
    others: pa.Table
    memo: dict[Hashable, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.place)

    def code_of(self, column: str, text: str) -> int:
        """Return the code of ``text`` in ``column``, or -1 where no row has it."""
        names = self.names[column]
        at = bisect_left(names, text)
        return at if at < len(names) and names[at] == text else -1

    def equals(self, column: str, text: str) -> Mask:
        """Return which rows have ``text`` in ``column``."""
        mask: Mask = self.code[column] == self.code_of(column, text)
        return mask

    def rare(self, column: str) -> Ints:
        """Return integers that few requests look at, -1 where they are null or the table has none of them."""
        found: Ints | None = self.memo.get(column)
        if found is None:
            if column in self.others.column_names:
                found = query.view(self.others, column, absent=-1)[self.table_row]
            else:
                found = np.full(len(self), -1)
            self.memo[column] = found
        return found

    def text(self, column: str, position: int) -> str:
        """Return the text of ``column`` at ``position``."""
        return self.names[column][int(self.code[column][position])]


_CACHE: dict[int, tuple[weakref.ref[pa.Table], Columns]] = {}


def columns_of(table: pa.Table) -> Columns:
    """Return the columns of ``table``, building them on its first use."""
    kept = _CACHE.get(id(table))
    if kept is not None and kept[0]() is table:
        return kept[1]
    columns = _build(table)
    key = id(table)
    _CACHE[key] = (weakref.ref(table, lambda _: _CACHE.pop(key, None)), columns)
    return columns


def _build(table: pa.Table) -> Columns:
    table = table.unify_dictionaries().combine_chunks()
    names: dict[str, tuple[str, ...]] = {}
    code: dict[str, Ints] = {}
    for column in _TEXT:
        names[column], code[column] = _coded(table, column)
    value = {column: query.view(table, column) for column in (*_INTEGER, *_FLAG)}
    spot = query.view(table, "spot_price_micro_usd", absent=-1)
    order = _key_order([code[name] if name in code else value[name] for name in KEY])
    if order is None:
        order = np.arange(table.num_rows)
    else:
        code = {name: array[order] for name, array in code.items()}
        value = {name: array[order] for name, array in value.items()}
        spot = spot[order]
    place, places = _places(code, names)
    return Columns(order, code, names, value, spot, place, places, _kinds(code), _rare(table))


def _rare(table: pa.Table) -> pa.Table:
    return table.select([name for name in _RARE if name in table.column_names])


def _coded(table: pa.Table, column: str) -> tuple[tuple[str, ...], Ints]:
    """Return the sorted names of a text column, and each row's position in them."""
    words, codes = query.dictionary(table, column), query.view(table, column)
    names = sorted(set(words))
    if names != words:
        position = {name: at for at, name in enumerate(names)}
        codes = np.array([position[word] for word in words], dtype=np.int16)[codes]
    return tuple(names), codes


def _key_order(keys: list[Ints]) -> Ints | None:
    """Return the permutation that sorts by ``keys`` (most significant first); ``None`` if sorted."""
    undecided = np.ones(max(len(keys[0]) - 1, 0), dtype=bool)
    for key in keys:
        if np.any(undecided & (key[:-1] > key[1:])):
            order: Ints = np.lexsort(keys[::-1])
            return order
        undecided &= key[:-1] == key[1:]
    return None


def _places(code: dict[str, Ints], names: dict[str, tuple[str, ...]]) -> tuple[Ints, tuple[Place, ...]]:
    width = max(len(names["region"]), 1)
    pair = code["cloud"].astype(np.int32) * width + code["region"]
    used = np.flatnonzero(np.bincount(pair, minlength=1))
    dense = np.zeros(int(used[-1]) + 1 if len(used) else 1, dtype=np.int32)
    dense[used] = np.arange(len(used), dtype=np.int32)
    places = tuple((names["cloud"][at // width], names["region"][at % width]) for at in used.tolist())
    return dense[pair], places


def _kinds(code: dict[str, Ints]) -> Ints:
    accelerators = int(code["accelerator"].max(initial=0)) + 1
    _, kind = np.unique(
        code["cloud"].astype(np.int32) * accelerators + code["accelerator"], return_inverse=True
    )
    return kind
