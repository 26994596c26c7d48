"""Copying to and from a node by rsync, in a session of its OpenSSH connection."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from executors.api import Progress
from executors.errors import SyncFailed
from executors.sync import rsync
from executors.sync.listing import Listing
from executors.sync.remote import RemotePath, Shell, forget, kind, prepare
from executors.transports.master import Lanes

_T = TypeVar("_T")
_PATIENCE_S = 1.0


def put(
    shell: Shell,
    lanes: Lanes,
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
            return _in_session(
                lanes, lambda ssh, host: rsync.push_file(source, host, place.path, ssh, on_progress)
            )
        return _in_session(lanes, lambda ssh, host: rsync.push(listing, host, place.path, ssh, on_progress))


def get(shell: Shell, lanes: Lanes, source: str, target: Path) -> bool:
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
        _in_session(
            lanes, lambda ssh, host: rsync.pull(host, place.path, target, ssh, folder=found == "folder")
        )
    return True


@contextmanager
def sync_errors(doing: str) -> Iterator[None]:
    """Name what was being done in the errors of the block."""
    try:
        yield
    except (OSError, SyncFailed) as error:
        raise SyncFailed(f"{doing}: {error}") from error


def _in_session(lanes: Lanes, work: Callable[[Sequence[str], str], _T]) -> _T:
    """Do ``work`` in a session; again where the session did not begin."""
    for place in lanes.places(_PATIENCE_S):
        with place:
            try:
                return work(place.argv, place.host)
            except SyncFailed as error:
                if not place.try_again(str(error)):
                    raise
    raise AssertionError("places() ends by raising")
