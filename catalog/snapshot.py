"""What a snapshot folder holds, and how one is written and read.

A folder has three files: ``offers.arrow`` (one uncompressed record batch, so that it can be memory-mapped),
``names.json`` (the name index of ``catalog.names``) and ``manifest.json`` (schema version, content hash,
dates and sources). The snapshot id is the SHA-256 of ``offers.arrow``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.errors import CatalogError
from catalog.places import EMBEDDED, MANIFEST, NAMES, OFFERS_FILE
from catalog.schema import OFFERS, SCHEMA_VERSION

__all__ = [
    "EMBEDDED",
    "Snapshot",
    "Source",
    "count_sources",
    "name_index",
    "read_snapshot",
    "verify",
    "write_snapshot",
]

Source = tuple[str, str, int, str, str]
"""Cloud, name of the source, rows, oldest and newest price date (``""`` where undated)."""

_SOURCES = pa.schema(
    [
        ("cloud", pa.utf8()),
        ("source", pa.utf8()),
        ("rows", pa.int64()),
        ("oldest", pa.date32()),
        ("newest", pa.date32()),
    ]
)

_REBUILD = "run `sky catalog use embedded`, or, where it is that one, `python -m catalog.build`"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One immutable set of offers, memory-mapped from ``folder``."""

    snapshot_id: str
    as_of: str
    sources: tuple[Source, ...]
    folder: Path
    table: pa.Table

    @property
    def rows(self) -> int:
        """How many offers it holds."""
        return int(self.table.num_rows)


def write_snapshot(table: pa.Table, folder: Path) -> str:
    """Write ``table``, as ``catalog.conform`` returns it, and its index into ``folder``; return the id.

    Every file is flushed to the disk. Raises ``CatalogError`` when the schema is wrong.
    """
    _check_schema(table.schema, folder)
    metadata = {**(table.schema.metadata or {}), b"schema_version": str(SCHEMA_VERSION).encode()}
    # Sorted: the order of a mapping must not reach the bytes.
    table = table.replace_schema_metadata(dict(sorted(metadata.items())))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        for batch in table.to_batches():
            writer.write_batch(batch)
    content = sink.getvalue().to_pybytes()
    snapshot_id = hashlib.sha256(content).hexdigest()
    sources = _sources(table)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "snapshot_id": snapshot_id,
        "size_bytes": len(content),
        "rows": table.num_rows,
        "as_of": max((newest for *_, newest in sources), default=""),
        "sources": sources,
    }
    _write(folder / OFFERS_FILE, content)
    _write(folder / NAMES, _json(name_index(table)))
    _write(folder / MANIFEST, _json(manifest))
    return snapshot_id


def read_snapshot(folder: Path) -> Snapshot:
    """Map the snapshot in ``folder``. Raises ``CatalogError`` when it is missing, cut short or outdated."""
    manifest = _manifest(folder)
    path = folder / OFFERS_FILE
    try:
        size = path.stat().st_size
        if size != manifest["size_bytes"]:
            raise CatalogError(f"{path} has {size} bytes instead of {manifest['size_bytes']}; {_REBUILD}")
        with pa.memory_map(str(path)) as mapped:
            table = pa.ipc.open_file(mapped).read_all()
    except (OSError, pa.ArrowInvalid) as error:
        raise CatalogError(f"{path} cannot be read ({error}); {_REBUILD}") from error
    _check_schema(table.schema, path)
    return Snapshot(
        snapshot_id=manifest["snapshot_id"],
        as_of=manifest["as_of"],
        sources=tuple((cloud, name, rows, old, new) for cloud, name, rows, old, new in manifest["sources"]),
        folder=folder,
        table=table,
    )


def verify(snapshot: Snapshot) -> None:
    """Hash the snapshot's file again. Raises ``CatalogError`` when a byte differs from what was written."""
    path = snapshot.folder / OFFERS_FILE
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise CatalogError(f"{path} cannot be read ({error}); {_REBUILD}") from error
    if found != snapshot.snapshot_id:
        raise CatalogError(
            f"{path} is damaged: its hash is {found[:12]}, not {snapshot.snapshot_id[:12]}; {_REBUILD}"
        )
    _manifest(snapshot.folder)


def name_index(table: pa.Table) -> dict[str, Any]:
    """Return the index that ``catalog.names`` reads: places, instance types and accelerators by name.

    An instance type that comes with a choice of accelerators (a TPU host, GCP's N1) is indexed without any.
    """
    clouds: dict[str, Any] = {}
    for cloud, region, zone in _distinct(table, "cloud", "region", "zone"):
        zones = clouds.setdefault(cloud, {"regions": {}, "instance_types": {}})["regions"].setdefault(
            region, []
        )
        if zone:
            zones.append(zone)
    shapes = (
        "cloud",
        "instance_type",
        "vcpus_milli",
        "memory_mib",
        "arch",
        "accelerator",
        "accelerator_count_milli",
    )
    for cloud, name, vcpus, memory, arch, accelerator, count in _distinct(table, *shapes):
        types = clouds[cloud]["instance_types"]
        shape = [vcpus, memory, arch, accelerator, count]
        types[name] = shape if name not in types else [*types[name][:3], "", 0]
    counts: dict[str, list[int]] = {}
    for accelerator, count in _distinct(table, "accelerator", "accelerator_count_milli"):
        if accelerator:
            counts.setdefault(accelerator, []).append(count)
    return {"schema_version": SCHEMA_VERSION, "clouds": clouds, "accelerators": counts}


def _distinct(table: pa.Table, *columns: str) -> list[tuple[Any, ...]]:
    plain = table.select(list(columns)).group_by(list(columns)).aggregate([])
    return sorted(zip(*(plain[name].to_pylist() for name in columns), strict=True))


def count_sources(table: pa.Table) -> pa.Table:
    """Return ``cloud, source, rows, oldest, newest`` (price dates) of each source in ``table``, sorted."""
    grouped = table.group_by(["cloud", "source"]).aggregate(
        [("price_micro_usd", "count"), ("price_as_of", "min"), ("price_as_of", "max")]
    )
    named = grouped.rename_columns(_SOURCES.names).cast(_SOURCES)
    return named.sort_by([("cloud", "ascending"), ("source", "ascending")])


def _sources(table: pa.Table) -> list[Source]:
    counted = count_sources(table)
    rows = zip(*(counted[name].to_pylist() for name in counted.column_names), strict=True)
    return [(cloud, name, count, str(old or ""), str(new or "")) for cloud, name, count, old, new in rows]


def _check_schema(schema: pa.Schema, where: Path) -> None:
    stated = (schema.metadata or {}).get(b"schema_version", str(SCHEMA_VERSION).encode()).decode()
    if stated != str(SCHEMA_VERSION) or not schema.equals(OFFERS):
        raise CatalogError(
            f"{where}: schema version {stated} is not this release's {SCHEMA_VERSION}; {_REBUILD}"
        )


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        stated = manifest["schema_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CatalogError(f"{path} cannot be read ({error!r}); {_REBUILD}") from error
    if stated != SCHEMA_VERSION:
        raise CatalogError(f"{path}: schema version {stated} is not {SCHEMA_VERSION}; {_REBUILD}")
    return dict(manifest)


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
