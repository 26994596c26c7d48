"""The one Arrow schema of a catalog snapshot, and its version.

A row is one (cloud, region, zone, instance_type, accelerator, accelerator_count_milli); rows are sorted by
that key, so row order is key order. Text columns are dictionary-encoded with sorted dictionaries, so codes
compare as the strings do. ``""`` stands for "no zone" and "no accelerator", ``0`` for an unknown figure.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1
"""Raised whenever a column is added, removed or changes its meaning."""

KEY = ("cloud", "region", "zone", "instance_type", "accelerator", "accelerator_count_milli")
"""The columns that name a row; unique together, and the sort order of the table."""

_TEXT = pa.dictionary(pa.int16(), pa.utf8())


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


OFFERS: pa.Schema = pa.schema(
    [
        _required("cloud", _TEXT),
        _required("region", _TEXT),
        _required("zone", _TEXT),
        _required("instance_type", _TEXT),
        _required("arch", _TEXT),
        _required("accelerator", _TEXT),
        _required("source", _TEXT),
        _required("vcpus_milli", pa.int32()),
        _required("memory_mib", pa.int32()),
        _required("accelerator_count_milli", pa.int32()),
        _required("accelerator_memory_mib", pa.int32()),
        _required("accelerator_gflops_bf16", pa.int64()),
        _required("accelerator_bandwidth_mbps", pa.int64()),
        _required("burstable", pa.bool_()),
        _required("bare_metal", pa.bool_()),
        _required("restricted_region", pa.bool_()),
        _required("price_micro_usd", pa.int64()),
        pa.field("spot_price_micro_usd", pa.int64()),
        pa.field("interruption_ppm", pa.int32()),
        pa.field("price_as_of", pa.date32()),
        pa.field("spot_as_of", pa.date32()),
    ]
)

SPOT_VOLATILITY = "spot_volatility_ppm"
"""A column that plans may add to a snapshot's: see ``catalog.volatility``."""

TEXT_COLUMNS: tuple[str, ...] = tuple(field.name for field in OFFERS if pa.types.is_dictionary(field.type))
"""The dictionary-encoded columns."""
