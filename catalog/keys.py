"""Keys of rows as text, so that the rows of two tables find each other in one vectorised step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog import schema
from catalog.units import MILLI

Positions = npt.NDArray[np.int64]
"""A row number of another table for each row, -1 for none."""

_BETWEEN = "\x1f"


def offer_keys(offers: pa.Table) -> pa.Array:
    """Return the key of each offer as one text."""
    return _joined([offers[name] for name in schema.KEY])


def fact_keys(facts: pa.Table) -> pa.Array:
    """Return the key that each fact will have as an offer."""
    scaled = pc.round(pc.multiply(pc.cast(facts["accelerator_count"], pa.float64()), float(MILLI)))
    return _joined(
        [
            facts["cloud"],
            facts["region"],
            pc.fill_null(facts["zone"], ""),
            facts["instance_type"],
            pc.fill_null(facts["accelerator_name"], ""),
            pc.fill_null(pc.cast(scaled, pa.int64()), 0),
        ]
    )


def positions(keys: pa.Array, among: pa.Array) -> Positions:
    """Return where each of ``keys`` stands in ``among``, the first place of several, -1 where it does not."""
    found = pc.fill_null(pc.index_in(keys, value_set=among), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


def _joined(columns: list[Any]) -> pa.Array:
    text = [pc.cast(column, pa.utf8()) for column in columns]
    joined = pc.binary_join_element_wise(*text, _BETWEEN)
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
