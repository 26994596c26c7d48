"""Offers that no snapshot holds (this machine, a pool of hosts), put beside those that it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import pyarrow as pa

from catalog.accelerators import lookup
from catalog.arrays import array_of, text_of
from catalog.errors import CatalogError
from catalog.offer import Offer
from catalog.query import dictionary, mask_equal, present, view
from catalog.schema import TEXT_COLUMNS


def append_offers(table: pa.Table, offers: Sequence[Offer]) -> pa.Table:
    """Return ``table`` with a row for each of ``offers``, in key order, its dictionaries sorted.

    All ``offers`` are of one cloud, of which ``table`` has no row. Raises ``CatalogError`` otherwise.
    """
    if not offers:
        return table
    cloud, *others = sorted({offer.key.cloud for offer in offers})
    if others or mask_equal(table, "cloud", cloud).any():
        raise CatalogError(f"offers of one new cloud at a time: {cloud} is in the table, or beside {others}")
    words = dictionary(table, "cloud")
    position = int(np.sum(view(table, "cloud") < sum(word < cloud for word in words)))
    rows = [_row(offer) for offer in sorted(offers, key=lambda offer: astuple(offer.key))]
    columns = [
        (_inserted_text if field.name in TEXT_COLUMNS else _inserted)(
            table, field.name, [row.get(field.name) for row in rows], position
        )
        for field in table.schema
    ]
    return pa.table(columns, schema=table.schema)


def _row(offer: Offer) -> dict[str, Any]:
    key = offer.key
    model = lookup(key.accelerator) if key.accelerator else None
    return {
        "cloud": key.cloud,
        "region": key.region,
        "zone": key.zone,
        "instance_type": key.instance_type,
        "arch": offer.arch,
        "accelerator": key.accelerator,
        "source": key.market.value,
        "vcpus_milli": offer.vcpus_milli,
        "memory_mib": offer.memory_mib,
        "accelerator_count_milli": key.accelerator_count_milli,
        "accelerator_memory_mib": offer.accelerator_memory_mib,
        "accelerator_gflops_bf16": model.gflops_bf16 if model else 0,
        "accelerator_bandwidth_mbps": model.bandwidth_mbps if model else 0,
        "burstable": False,
        "bare_metal": False,
        "restricted_region": False,
        "price_micro_usd": offer.price_micro_usd,
    }


def _inserted_text(table: pa.Table, column: str, values: list[Any], position: int) -> pa.Array:
    """Return a text column with ``values`` put in before ``position``."""
    words = dictionary(table, column)
    merged = sorted({*words, *values})
    code = {word: at for at, word in enumerate(merged)}
    codes = np.array([code[word] for word in words], np.int16)[view(table, column)]
    codes = np.insert(codes, position, [code[value] for value in values])
    return text_of(codes, merged)


def _inserted(table: pa.Table, column: str, values: list[Any], position: int) -> pa.Array:
    """Return any other column with ``values`` put in before ``position``."""
    joined = np.insert(view(table, column), position, [value or 0 for value in values])
    valid = np.insert(present(table, column), position, [value is not None for value in values])
    return array_of(joined, table.schema.field(column).type, valid)
