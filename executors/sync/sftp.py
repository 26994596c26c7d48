"""Copying over SFTP: slower than rsync, and all that it takes on the node is its SSH server.

Times are whole seconds there. A file that changed so lately that it may change again within its second
is marked one second too old, so that the next copy looks at it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path

from asyncssh import (
    FILEXFER_TYPE_DIRECTORY,
    FILEXFER_TYPE_REGULAR,
    FILEXFER_TYPE_SYMLINK,
    FXF_CREAT,
    FXF_WRITE,
    SFTPAttrs,
    SFTPClient,
    SFTPError,
    SFTPNoSuchFile,
)

from executors.api import Progress
from executors.errors import SyncFailed
from executors.sync.listing import Listing, Tally
from executors.sync.remote import RemotePath, Shell, advice, kind, made_ready, sync_errors

Work = Callable[[SFTPClient], Awaitable[int]]
"""Something to do with an open SFTP session; counts files."""

_AT_ONCE = 32
_BLOCK = 1 << 20
_YOUNG_S = 2.0


def put(
    shell: Shell,
    over_sftp: Callable[[Work], int],
    source: Path,
    target: str,
    ignore: Sequence[str],
    delete: bool,
    on_progress: Callable[[Progress], None] | None,
) -> int:
    """Make ``target`` equal to ``source``; returns the files copied. See ``Transport.put``."""
    with made_ready(shell, source, target, ignore, delete=delete) as (listing, place):
        root = os.fsencode(place.path)
        return over_sftp(lambda sftp: _Upload(sftp, listing, root, listing.tally(on_progress)).run())


def get(shell: Shell, over_sftp: Callable[[Work], int], source: str, target: Path) -> None:
    """Copy a file or folder from the node. Raises ``SyncFailed``."""
    place = RemotePath.of(source)
    with sync_errors(f"cannot fetch {source}"):
        found, _ = kind(shell, place)
        if found == "nothing":
            raise SyncFailed(f"{source} does not exist there")
        target.parent.mkdir(parents=True, exist_ok=True)
        over_sftp(lambda sftp: _Download(sftp).run(os.fsencode(place.path), target))


class _Upload:
    """One run from a listing to a folder of the node, or to the path of one file."""

    def __init__(self, sftp: SFTPClient, listing: Listing, root: bytes, tally: Tally) -> None:
        self._sftp, self._listing, self._root, self._tally = sftp, listing, root, tally
        self._there: dict[bytes, SFTPAttrs] = {}
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> int:
        folders = [(path, status) for path, status in self._listing.entries if stat.S_ISDIR(status.st_mode)]
        others = [
            (path, status) for path, status in self._listing.entries if not stat.S_ISDIR(status.st_mode)
        ]
        async with _sftp_errors():
            if not self._listing.root.is_dir():
                await self._look_at(self._root)
            else:
                await self._look_into([self._root, *(self._place(path) for path, _ in folders)])
            for path, _ in folders:
                await self._make_folder(self._place(path))
            copied = await _all(self._free, [self._bring(path, status) for path, status in others])
            for path, status in reversed(folders):
                await self._set_mode(self._place(path), stat.S_IMODE(status.st_mode))
        return sum(copied)

    def _place(self, path: str) -> bytes:
        return self._root + b"/" + os.fsencode(path) if path else self._root

    async def _look_at(self, place: bytes) -> None:
        with contextlib.suppress(SFTPNoSuchFile):
            self._there[place] = await self._sftp.lstat(place)

    async def _look_into(self, folders: Iterable[bytes]) -> None:
        """Take down what is in ``folders``; one that is no folder holds nothing."""
        for _, level in groupby(sorted(folders, key=_depth), key=_depth):
            await _all(self._free, [self._scan(folder) for folder in level])

    async def _scan(self, folder: bytes) -> None:
        if folder != self._root and not _is(self._there.get(folder), FILEXFER_TYPE_DIRECTORY):
            return
        async for entry in self._sftp.scandir(folder):
            name = os.fsencode(entry.filename)
            if name not in {b".", b".."}:
                self._there[folder + b"/" + name] = entry.attrs

    async def _make_folder(self, place: bytes) -> None:
        there = self._there.get(place)
        if _is(there, FILEXFER_TYPE_DIRECTORY):
            assert there is not None
            if not (there.permissions or 0) & stat.S_IWUSR:
                await self._sftp.chmod(place, stat.S_IMODE(there.permissions or 0) | stat.S_IRWXU)
                self._there[place] = SFTPAttrs(permissions=None)
            return
        if there is not None:
            await self._sftp.remove(place)
        await self._sftp.mkdir(place)
        self._there[place] = SFTPAttrs(permissions=None)

    async def _set_mode(self, place: bytes, mode: int) -> None:
        permissions = self._there[place].permissions
        if permissions is None or stat.S_IMODE(permissions) != mode:
            await self._sftp.chmod(place, mode)

    async def _bring(self, path: str, status: os.stat_result) -> int:
        place = self._place(path)
        link = stat.S_ISLNK(status.st_mode)
        changed = await (self._bring_link if link else self._bring_file)(path, place, status)
        self._tally.done(status.st_size)
        return changed

    async def _bring_link(self, path: str, place: bytes, _: os.stat_result) -> int:
        to = os.fsencode((self._listing.root / path).readlink())
        there = self._there.get(place)
        if _is(there, FILEXFER_TYPE_SYMLINK) and await self._sftp.readlink(place) == to:
            return 0
        part = _part(place, 0, 0)
        with contextlib.suppress(SFTPNoSuchFile):
            await self._sftp.remove(part)
        await self._sftp.symlink(to, part)
        await self._replace(part, place)
        return 1

    async def _bring_file(self, path: str, place: bytes, status: os.stat_result) -> int:
        if _same(self._there.get(place), status):
            return 0
        part = _part(place, status.st_size, status.st_mtime_ns)
        begun = self._there.get(part)
        # Blocks are written one after another: all but the last that was begun are whole.
        start = max(0, (begun.size or 0) // _BLOCK - 1) * _BLOCK if begun and status.st_size else 0
        source = self._listing.root / path if path else self._listing.root
        async with self._sftp.open(
            part, FXF_WRITE | FXF_CREAT, SFTPAttrs(permissions=0o600), encoding=None
        ) as file:
            with source.open("rb") as data:
                data.seek(start)
                while block := data.read(_BLOCK):
                    await file.write(block, start)
                    start += len(block)
            if begun:
                await file.truncate(start)
        young = status.st_mtime > time.time() - _YOUNG_S
        mtime = int(status.st_mtime) - young
        mode = stat.S_IMODE(status.st_mode)
        await self._sftp.setstat(part, SFTPAttrs(permissions=mode, atime=int(status.st_atime), mtime=mtime))
        await self._replace(part, place)
        return 1

    async def _replace(self, part: bytes, place: bytes) -> None:
        if _is(self._there.get(place), FILEXFER_TYPE_DIRECTORY):
            await self._sftp.rmdir(place)
        await self._sftp.posix_rename(part, place)


class _Download:
    """One run from the node to this machine."""

    def __init__(self, sftp: SFTPClient) -> None:
        self._sftp = sftp
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def run(self, source: bytes, target: Path) -> int:
        async with _sftp_errors():
            attrs = await self._sftp.stat(source)
            if not _is(attrs, FILEXFER_TYPE_DIRECTORY):
                return await self._bring(source, target, attrs)
            files: list[Awaitable[int]] = []
            folders = [(source, target)]
            while folders:
                folder, place = folders.pop()
                place.mkdir(exist_ok=True)
                async for entry in self._sftp.scandir(folder):
                    name = os.fsencode(entry.filename)
                    if name in {b".", b".."}:
                        continue
                    below = (folder + b"/" + name, place / os.fsdecode(name))
                    if _is(entry.attrs, FILEXFER_TYPE_DIRECTORY):
                        folders.append(below)
                    else:
                        files.append(self._bring(*below, entry.attrs))
            return sum(await _all(self._free, files))

    async def _bring(self, source: bytes, target: Path, attrs: SFTPAttrs) -> int:
        part = target.with_name(os.fsdecode(_part(os.fsencode(target.name), 0, 0)))
        if _is(attrs, FILEXFER_TYPE_SYMLINK):
            part.unlink(missing_ok=True)
            part.symlink_to(os.fsdecode(await self._sftp.readlink(source)))
        elif _is(attrs, FILEXFER_TYPE_REGULAR):
            await self._sftp.get(source, os.fsencode(part), preserve=True, follow_symlinks=True)
        else:
            return 0
        part.replace(target)
        return 1


def _part(place: bytes, size: int, mtime_ns: int) -> bytes:
    """Return under which name a file is written before it is whole; the same for the same content."""
    folder, slash, name = place.rpartition(b"/")
    digest = hashlib.sha256(b"%b %d %d" % (name, size, mtime_ns)).hexdigest()[:16]
    return folder + slash + b".sky-" + digest.encode()


def _depth(path: bytes) -> int:
    return path.count(b"/")


def _is(attrs: SFTPAttrs | None, kind_: int) -> bool:
    return attrs is not None and attrs.type == kind_


def _same(there: SFTPAttrs | None, status: os.stat_result) -> bool:
    return (
        there is not None
        and there.type == FILEXFER_TYPE_REGULAR
        and there.size == status.st_size
        and there.mtime == int(status.st_mtime)
        and stat.S_IMODE(there.permissions or 0) == stat.S_IMODE(status.st_mode)
    )


async def _all(free: asyncio.Semaphore, works: Sequence[Awaitable[int | None]]) -> list[int]:
    """Await all, a few at a time; the first failure stops the rest."""

    async def one(work: Awaitable[int | None]) -> int:
        async with free:
            return await work or 0

    tasks = [asyncio.ensure_future(one(work)) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def _sftp_errors() -> AsyncIterator[None]:
    try:
        yield
    except SFTPError as error:
        raise SyncFailed(f"{error.reason}{advice(error.reason)}") from error
