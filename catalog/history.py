"""History: what changed from one published snapshot to the next.

``<home>/catalog/history/`` has one Parquet file a refresh, with only the offers that changed
(``catalog.difference.CHANGES``); its metadata says when, from which snapshot to which, and which gates were
overruled. A file is written before its snapshot is taken into use, and counts from then on, so that a refresh
that is killed in between leaves neither a gap nor a change that never was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.difference import FIGURES
from catalog.places import published_folder
from catalog.schema import KEY

_PENDING = ".pending-"

Key = tuple[str, str, str, str, str, int]
"""Cloud, region, zone, instance type, accelerator and its count in thousandths."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """One refresh that was published: when, from which snapshot to which, gates overruled, offers changed."""

    at: datetime
    before: str
    snapshot_id: str
    accepted: Mapping[str, Sequence[str]]
    changed: int
    path: Path


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of one offer from ``at`` on.

    ``at`` is ``None`` for the first ones known, ``price_micro_usd`` is ``None`` while the offer is gone.
    """

    at: datetime | None
    snapshot_id: str
    price_micro_usd: int | None
    spot_price_micro_usd: int | None
    interruption_ppm: int | None


def record(
    changes: pa.Table,
    before: str,
    snapshot_id: str,
    at: datetime,
    accepted: Mapping[str, Sequence[str]],
    home: Path | None = None,
) -> None:
    """Write the changes to a snapshot that is about to be taken into use; ``settle`` makes them count."""
    import pyarrow.parquet as pq

    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    stated = {
        "at": at.astimezone(timezone.utc).isoformat(timespec="microseconds"),
        "before": before,
        "snapshot": snapshot_id,
        "accepted": json.dumps(accepted, sort_keys=True),
    }
    part = folder / f"{_PENDING}part"
    with part.open("wb") as file:
        pq.write_table(changes.replace_schema_metadata(stated), file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    part.replace(
        folder / f"{_PENDING}{at.astimezone(timezone.utc):%Y%m%dT%H%M%S.%fZ}-{snapshot_id[:16]}.parquet"
    )


def settle(snapshot_id: str, home: Path | None = None) -> None:
    """Let the changes to ``snapshot_id``, which is in use, count; those to any other never happened."""
    for path in sorted(_folder(home).glob(f"{_PENDING}*")):
        if path.name.endswith(f"-{snapshot_id[:16]}.parquet"):
            path.replace(path.with_name(path.name.removeprefix(_PENDING)))
        else:
            path.unlink(missing_ok=True)


def files(home: Path | None = None) -> tuple[Path, ...]:
    """Return the file of each refresh that was published, the oldest first; a file never changes."""
    return tuple(sorted(_folder(home).glob("[0-9]*.parquet")))


def refreshes(home: Path | None = None) -> list[Refresh]:
    """Return all refreshes that were published, the oldest first."""
    import pyarrow.parquet as pq

    found = []
    for path in files(home):
        opened = pq.ParquetFile(path)
        stated = {name.decode(): value.decode() for name, value in opened.schema_arrow.metadata.items()}
        found.append(
            Refresh(
                at=datetime.fromisoformat(stated["at"]),
                before=stated["before"],
                snapshot_id=stated["snapshot"],
                accepted=json.loads(stated["accepted"]),
                changed=opened.metadata.num_rows,
                path=path,
            )
        )
    return found


def series(
    table: pa.Table,
    snapshot_id: str,
    instance_type: str,
    *,
    cloud: str | None = None,
    region: str | None = None,
    zone: str | None = None,
    home: Path | None = None,
) -> dict[Key, list[Point]]:
    """Return the points of each offer of an instance type, in time order, offers by key.

    ``table`` is the snapshot in use: an offer that never changed has one point, what it costs there.
    """
    import pyarrow.parquet as pq

    wanted = {"instance_type": instance_type, "cloud": cloud, "region": region, "zone": zone}
    found: dict[Key, list[Point]] = {}
    for each in refreshes(home):
        for row in _rows(pq.ParquetFile(each.path).read(), wanted):
            points = found.setdefault(_key(row), [])
            if not points and row[f"{FIGURES[0]}_before"] is not None:
                points.append(Point(None, each.before, *(row[f"{name}_before"] for name in FIGURES)))
            points.append(Point(each.at, each.snapshot_id, *(row[name] for name in FIGURES)))
    for row in _rows(table, wanted):
        found.setdefault(_key(row), [Point(None, snapshot_id, *(row[name] for name in FIGURES))])
    return dict(sorted(found.items()))


def _folder(home: Path | None) -> Path:
    return published_folder(home) / "history"


def _rows(table: pa.Table, wanted: Mapping[str, str | None]) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    for column, value in wanted.items():
        if value is not None:
            table = table.filter(pc.equal(table[column].cast(pa.utf8()), value))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _key(row: Mapping[str, Any]) -> Key:
    cloud, region, zone, instance_type, accelerator, count_milli = (row[name] for name in KEY)
    return cloud, region, zone, instance_type, accelerator, count_milli
