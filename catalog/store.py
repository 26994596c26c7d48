"""Open the snapshot in use, and publish a new one without ever showing half of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.errors import CatalogError
from catalog.places import CURRENT, OFFERS_FILE, published_folder, snapshot_folder
from catalog.snapshot import Snapshot, Source, count_sources, read_snapshot, verify, write_snapshot

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Snapshot", "Source", "open_snapshot", "provenance", "publish", "verify"]


def open_snapshot(home: Path | None = None) -> Snapshot:
    """Return the snapshot in use: the one published under ``home`` (the sky home), else the embedded one.

    The same file gives the same object for as long as the process lives. Raises ``CatalogError``.
    """
    folder = snapshot_folder(home)
    try:
        found = (folder / OFFERS_FILE).stat()
    except OSError:
        return read_snapshot(folder)
    return _cached(folder, found.st_ino, found.st_mtime_ns)


@lru_cache(maxsize=4)
def _cached(folder: Path, _inode: int, _mtime_ns: int) -> Snapshot:
    return read_snapshot(folder)


def publish(table: pa.Table, home: Path | None = None) -> Snapshot:
    """Write ``table``, conformed to the schema, as a snapshot under ``home`` and make it the one in use.

    The folder gets its final name only when every file in it is on the disk, and ``current`` is replaced in
    one step afterwards, so a concurrent reader sees the old snapshot or the new one. Older snapshots stay.
    Idempotent: the same content has the same id. Raises ``CatalogError`` when the table does not conform.
    """
    from catalog.conform import conform  # brings pyarrow.compute, which opening does not need

    root = published_folder(home)
    root.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=root))
    try:
        snapshot_id = write_snapshot(conform(table), staging)
        _sync(staging)
        _adopt(staging, root / snapshot_id)
        _point(root, snapshot_id)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _open(root / snapshot_id)


def provenance(snapshot: Snapshot) -> pa.Table:
    """Return where the rows of a snapshot come from: ``cloud, source, rows, oldest, newest`` price dates."""
    return count_sources(snapshot.table)


def _open(folder: Path) -> Snapshot:
    found = (folder / OFFERS_FILE).stat()
    return _cached(folder, found.st_ino, found.st_mtime_ns)


def _adopt(staging: Path, final: Path) -> None:
    """Give the finished folder its name, unless a sound snapshot of the same content has it already."""
    if final.is_dir():
        try:
            verify(read_snapshot(final))
        except CatalogError:
            final.rename(staging.with_name(f"{staging.name}-damaged"))
        else:
            return
    try:
        staging.rename(final)
    except OSError:
        if not final.is_dir():  # else another writer of the same content was first
            raise


def _point(root: Path, snapshot_id: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", dir=root, prefix=".current-", delete=False, encoding="ascii"
    ) as file:
        file.write(snapshot_id + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, root / CURRENT)  # noqa: PTH105 - the name is that of an open file, not a path
    _sync(root)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
