"""What differs between two tables of offers: the rows that were added, are gone, or have another price."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.keys import offer_keys, positions
from catalog.query import view
from catalog.schema import KEY, TEXT_COLUMNS

FIGURES = ("price_micro_usd", "spot_price_micro_usd", "interruption_ppm")
"""The columns whose changes count."""

CHANGES: pa.Schema = pa.schema(
    [
        *((name, pa.utf8() if name in TEXT_COLUMNS else pa.int32()) for name in KEY),
        *((f"{name}_before", pa.int64()) for name in FIGURES),
        *((name, pa.int64()) for name in FIGURES),
    ]
)
"""A row is one offer that changed: its key, and each figure before and now.

``price_micro_usd_before`` is null for an offer that was added, ``price_micro_usd`` for one that is gone.
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many offers of one cloud changed, and how. Spot counts where the price on demand stayed."""

    added: int
    gone: int
    dearer: int
    cheaper: int
    spot: int
    interruption: int


def difference(before: pa.Table, after: pa.Table) -> pa.Table:
    """Return the changes from one table of offers to another, sorted by key, in the schema ``CHANGES``."""
    old_keys, new_keys = offer_keys(before), offer_keys(after)
    old_row = positions(new_keys, old_keys)
    gone = np.flatnonzero(positions(old_keys, new_keys) < 0)
    new = np.flatnonzero(old_row < 0)
    kept = np.flatnonzero(old_row >= 0)
    differs = np.zeros(len(kept), np.bool_)
    for name in FIGURES:
        differs |= view(before, name, -1)[old_row[kept]] != view(after, name, -1)[kept]
    moved = kept[differs]
    nothing: npt.NDArray[np.int64] = np.zeros(0, np.int64)
    changes = pa.concat_tables(
        [
            _changes(before, after, old_row[moved], moved),
            _changes(before, after, nothing, new),
            _changes(before, after, gone, nothing),
        ]
    )
    return changes.sort_by([(name, "ascending") for name in KEY])


def counts(changes: pa.Table) -> dict[str, Counts]:
    """Return how many offers of each cloud changed, clouds sorted."""
    kinds: dict[str, Counter[str]] = {}
    columns = (changes[name].to_pylist() for name in ("cloud", *_columns()))
    for cloud, *figures in zip(*columns, strict=True):
        kinds.setdefault(cloud, Counter())[_kind(*figures)] += 1
    return {
        cloud: Counts(**{name: found[name] for name in Counts.__slots__})
        for cloud, found in sorted(kinds.items())
    }


def _kind(
    price_before: int | None,
    spot_before: int | None,
    _interruption_before: int | None,
    price: int | None,
    spot: int | None,
    _interruption: int | None,
) -> str:
    if price_before is None or price is None:
        return "added" if price_before is None else "gone"
    if price != price_before:
        return "dearer" if price > price_before else "cheaper"
    return "spot" if spot != spot_before else "interruption"


def _columns() -> tuple[str, ...]:
    return (*(f"{name}_before" for name in FIGURES), *FIGURES)


def _changes(before: pa.Table, after: pa.Table, old: Any, new: Any) -> pa.Table:
    """Return rows ``old`` of one table beside rows ``new`` of the other; one of them may be empty."""
    rows = max(len(old), len(new))
    keyed, at = (after, new) if len(new) else (before, old)
    columns = [pc.take(keyed[name], pa.array(at)).cast(CHANGES.field(name).type) for name in KEY]
    for table, chosen in ((before, old), (after, new)):
        columns += [
            pc.take(table[name], pa.array(chosen)).cast(pa.int64())
            if len(chosen) == rows
            else pa.nulls(rows, pa.int64())
            for name in FIGURES
        ]
    return pa.table([_flat(column) for column in columns], schema=CHANGES)


def _flat(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
