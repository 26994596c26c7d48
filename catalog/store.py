"""Open the snapshot in use, and publish a new one without ever showing half of it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.atomic_file import replacing
from catalog.errors import CatalogError, UserError
from catalog.places import CURRENT, EMBEDDED, MANIFEST, OFFERS_FILE, published_folder, snapshot_folder
from catalog.snapshot import Snapshot, Source, count_sources, read_snapshot, verify, write_snapshot

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Snapshot",
    "Source",
    "find",
    "open_snapshot",
    "provenance",
    "prune",
    "publish",
    "shelve",
    "snapshot_folders",
    "sweep",
    "use",
    "verify",
]

STAGING = ".staging-"
_ABANDONED_S = 3_600


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

    A concurrent reader sees the old snapshot or the new one. Older snapshots stay. Idempotent: the same
    content has the same id. Raises ``CatalogError`` when the table does not conform.
    """
    snapshot = shelve(table, home)
    _point(published_folder(home), snapshot.snapshot_id)
    return snapshot


def shelve(table: pa.Table, home: Path | None = None) -> Snapshot:
    """Write ``table``, conformed to the schema, as a snapshot under ``home`` that is not in use yet.

    The folder gets its final name only when every file in it is on the disk. Idempotent: the same content has
    the same id. Raises ``CatalogError`` when the table does not conform.
    """
    from catalog.conform import conform  # brings pyarrow.compute, which opening does not need

    root = published_folder(home)
    root.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=root))
    try:
        snapshot_id = write_snapshot(conform(table), staging)
        _sync(staging)
        _adopt(staging, root / snapshot_id)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _open(root / snapshot_id)


def use(name: str, home: Path | None = None) -> Snapshot:
    """Make a snapshot under ``home`` the one in use, in one step, and return it; idempotent.

    ``name`` is its id or the beginning of it, or ``embedded``. Raises as ``find`` does, and ``CatalogError``
    when the snapshot is damaged.
    """
    snapshot = find(name, home)
    verify(snapshot)
    root = published_folder(home)
    if snapshot.folder == EMBEDDED:
        (root / CURRENT).unlink(missing_ok=True)
    else:
        _point(root, snapshot.snapshot_id)
    return snapshot


def find(name: str, home: Path | None = None) -> Snapshot:
    """Return the snapshot of that id, or of which this is the beginning; ``embedded`` is the package's own.

    Raises ``UserError`` when there is none, or several.
    """
    if name == "embedded":
        return _open(EMBEDDED)
    folders = [folder for folder in snapshot_folders(home) if folder.name.startswith(name)]
    if len(folders) == 1:
        return _open(folders[0])
    embedded = _open(EMBEDDED)
    if not folders and name and embedded.snapshot_id.startswith(name):
        return embedded
    what = f"{len(folders)} snapshots begin" if folders else "no snapshot begins"
    raise UserError(f"{what} with {name!r}; `sky catalog ls` lists them")


def snapshot_folders(home: Path | None = None) -> list[Path]:
    """Return the folders of the snapshots under ``home``, the newest first; the embedded one is not there."""
    root = published_folder(home)
    found = [manifest.parent for manifest in root.glob(f"[0-9a-f]*/{MANIFEST}")]
    return sorted(found, key=lambda folder: (folder / MANIFEST).stat().st_mtime, reverse=True)


def prune(keep: int, home: Path | None = None) -> list[str]:
    """Delete all snapshots under ``home`` but the ``keep`` newest and the one in use; return their ids.

    A process that has one mapped keeps reading it. The history of prices stays.
    """
    in_use = snapshot_folder(home)
    old = [folder for folder in snapshot_folders(home)[keep:] if folder != in_use]
    for folder in old:
        dying = folder.with_name(f"{STAGING}{folder.name}")
        folder.rename(dying)
        shutil.rmtree(dying)
    return [folder.name for folder in old]


def sweep(home: Path | None = None, now: float | None = None) -> None:
    """Delete what writers that were killed left under ``home``, once it is an hour old."""
    root = published_folder(home)
    limit = (time.time() if now is None else now) - _ABANDONED_S
    for left in [*root.glob(f"{STAGING}*"), *root.glob(".current-*")]:
        if left.stat().st_mtime < limit:
            shutil.rmtree(left) if left.is_dir() else left.unlink()


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
    with replacing(root / CURRENT) as file:
        file.write(f"{snapshot_id}\n".encode("ascii"))
    _sync(root)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
