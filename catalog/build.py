"""Build the embedded snapshot from the fact files: ``python -m catalog.build``.

Facts are Parquet files with public list prices and specifications (``catalog/data/facts/README.md``). The
result depends on nothing else, so building twice gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.accelerators import lookup
from catalog.conform import conform
from catalog.errors import CatalogError
from catalog.families import is_bare_metal, is_burstable, is_restricted_region
from catalog.snapshot import EMBEDDED, write_snapshot
from catalog.units import MIB_PER_GIB, MICRO, MILLI

FACTS = Path(__file__).parent / "data" / "facts"

MEMORY_GIB_CORRECTIONS = {
    # AWS Neuron docs, "Trainium2 architecture": 96 GiB of HBM for each chip; the fact file says 512.
    "Trainium2": 96,
}
"""Accelerator memory where a fact file contradicts the vendor's own document."""

_log = logging.getLogger("sky.catalog")


def read_facts(folder: Path = FACTS) -> pa.Table:
    """Return all fact files under ``folder`` as one table. Raises ``CatalogError`` when there is none."""
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise CatalogError(f"{folder}: no fact files (*.parquet) to build a snapshot from")
    # ParquetFile, not read_table: the latter goes through pyarrow.dataset, which imports pandas.
    return pa.concat_tables([pq.ParquetFile(file).read().replace_schema_metadata() for file in files])


def describe_facts(folder: Path = FACTS) -> dict[str, dict[str, str | int]]:
    """Return name -> rows, SHA-256 and stated provenance of each fact file."""
    described: dict[str, dict[str, str | int]] = {}
    for file in sorted(folder.glob("*.parquet")):
        opened = pq.ParquetFile(file)
        stated = (opened.schema_arrow.metadata or {}).get(b"provenance", b"")
        described[file.name] = {
            "rows": opened.metadata.num_rows,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "provenance": stated.decode(),
        }
    return described


def offers(facts: pa.Table) -> pa.Table:
    """Return ``facts`` in the snapshot's schema, enriched and sorted by key, as one chunk.

    Raises ``CatalogError`` when two rows share a key.
    """
    accelerator = pc.fill_null(facts["accelerator_name"], "")
    corrected = _derived(_correction, accelerator)
    columns = {
        "cloud": facts["cloud"],
        "region": facts["region"],
        "zone": pc.fill_null(facts["zone"], ""),
        "instance_type": facts["instance_type"],
        "arch": facts["arch"],
        "accelerator": accelerator,
        "source": facts["source"],
        "vcpus_milli": _scaled(facts["vcpus"], MILLI),
        "memory_mib": _scaled(facts["memory_gib"], MIB_PER_GIB),
        "accelerator_count_milli": _scaled(facts["accelerator_count"], MILLI),
        "accelerator_memory_mib": pc.if_else(
            pc.equal(corrected, 0), _scaled(facts["accelerator_memory_gib"], MIB_PER_GIB), corrected
        ),
        "accelerator_gflops_bf16": _derived(_gflops, accelerator),
        "accelerator_bandwidth_mbps": _derived(_bandwidth, accelerator),
        "burstable": _derived(is_burstable, facts["cloud"], facts["instance_type"]),
        "bare_metal": _derived(is_bare_metal, facts["cloud"], facts["instance_type"]),
        "restricted_region": _derived(is_restricted_region, facts["cloud"], facts["region"]),
        "price_micro_usd": _scaled(facts["price"], MICRO),
        "spot_price_micro_usd": _scaled(facts["spot_price"], MICRO, absent=None),
        "interruption_ppm": _scaled(facts["interruption_rate"], MICRO, absent=None),
        "price_as_of": facts["price_as_of"],
        "spot_as_of": facts["spot_as_of"],
    }
    return conform(pa.table(columns))


def _scaled(column: Any, scale: int, absent: int | None = 0) -> Any:
    """Return a float column times ``scale``, rounded to whole numbers; nulls become ``absent``."""
    rounded = pc.cast(pc.round(pc.multiply(pc.cast(column, pa.float64()), float(scale))), pa.int64())
    return rounded if absent is None else pc.fill_null(rounded, absent)


def _derived(rule: Callable[..., int | bool], *columns: Any) -> Any:
    """Return ``rule`` applied to each row, computed once for each distinct combination of values."""
    names = [str(index) for index in range(len(columns))]
    table = pa.table(list(columns), names=names)
    distinct = table.group_by(names).aggregate([])
    known = {row: rule(*row) for row in zip(*(distinct[name].to_pylist() for name in names), strict=True)}
    return pa.chunked_array(
        [pa.array([known[row] for row in zip(*(table[name].to_pylist() for name in names), strict=True)])]
    )


def _correction(name: str) -> int:
    return MEMORY_GIB_CORRECTIONS.get(name, 0) * MIB_PER_GIB


def _gflops(name: str) -> int:
    model = lookup(name) if name else None
    return model.gflops_bf16 if model else 0


def _bandwidth(name: str) -> int:
    model = lookup(name) if name else None
    return model.bandwidth_mbps if model else 0


def build(facts: Path = FACTS, target: Path = EMBEDDED) -> str:
    """Write the snapshot of the ``facts`` folder to the ``target`` folder and return its id. Idempotent."""
    table = offers(read_facts(facts))
    provenance = json.dumps(describe_facts(facts), sort_keys=True)
    target.mkdir(parents=True, exist_ok=True)
    snapshot_id = write_snapshot(table.replace_schema_metadata({"provenance": provenance}), target)
    _log.info("snapshot %s: %d offers in %s", snapshot_id[:12], table.num_rows, target)
    return snapshot_id


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    build()
