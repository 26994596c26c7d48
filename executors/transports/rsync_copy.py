"""Copying to and from a node by rsync, in a session of its OpenSSH connection."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from executors.api import Progress
from executors.errors import SyncFailed
from executors.sync import rsync
from executors.sync.listing import Listing
from executors.sync.remote import RemotePath, Shell, forget, kind, prepare, sync_errors

_T = TypeVar("_T")


class InSession(Protocol):
    """Opens a way to the node for some work, again where it did not open at first."""

    def __call__(self, work: Callable[[rsync.Way], _T], /) -> _T:
        """Return what ``work`` returns."""


def put(
    shell: Shell,
    in_session: InSession,
    source: Path,
    target: str,
    ignore: Sequence[str],
    delete: bool,
    on_progress: Callable[[Progress], None] | None,
) -> int | None:
    """Make ``target`` equal to ``source``; returns the files copied, or ``None`` without rsync on both ends.

    See ``Transport.put``. Raises ``SyncFailed``.
    """
    if not rsync.available():
        return None
    source, place = Path(os.path.realpath(source)), RemotePath.of(target)
    folder = source.is_dir()
    with sync_errors(f"cannot copy {source} to {target}"):
        listing = (
            Listing.of(source, ignore) if folder else Listing(source.parent, ((source.name, source.stat()),))
        )
        ground = prepare(shell, place, folder=folder, memory=delete and folder)
        if not ground.rsync:
            return None
        if delete and folder:
            forget(shell, ground, listing)
        if not folder:
            return in_session(lambda way: rsync.push_file(source, way, place.path, on_progress))
        return in_session(lambda way: rsync.push(listing, way, place.path, on_progress))


def get(shell: Shell, in_session: InSession, source: str, target: Path) -> bool:
    """Copy a file or folder from the node; false without rsync on both ends. Raises ``SyncFailed``."""
    if not rsync.available():
        return False
    place = RemotePath.of(source)
    with sync_errors(f"cannot fetch {source}"):
        found, there = kind(shell, place)
        if found == "nothing":
            raise SyncFailed(f"{source} does not exist there")
        if not there:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        in_session(lambda way: rsync.pull(way, place.path, target, folder=found == "folder"))
    return True
