"""Copying through commands alone: what differs goes over stdin, in blocks; takes Python on the node."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

from executors.api import Progress
from executors.errors import SyncFailed
from executors.sync.remote import RemotePath, advice, kind, made_ready, sync_errors

_CALL = 16 << 20
"""Bytes of one call, of files and parts of them."""
_RECEIVER = Path(__file__).with_name("receiver.py")


class Shell(Protocol):
    """The part of a transport that runs commands."""

    def stream(self, argv: Sequence[str], on_output: Callable[[bytes], None], *, stdin: bytes = b"") -> int:
        """Run ``argv``, hand over its output, return the exit code."""

    def follow(self, argv: Sequence[str]) -> Generator[bytes, None, int]:
        """Yield stdout of ``argv`` as it comes and return the exit code."""


def put(
    shell: Shell,
    python: str,
    source: Path,
    target: str,
    ignore: Sequence[str],
    delete: bool,
    on_progress: Callable[[Progress], None] | None,
) -> int:
    """Make ``target`` equal to ``source``; returns the files copied. See ``Transport.put``."""
    with made_ready(shell, source, target, ignore, delete=delete) as (listing, place):
        entries = [_entry(listing.root, path, status) for path, status in listing.entries]
        told = _receiver(shell, python, "compare", place.path, json.dumps(entries).encode())
        differing = set(json.loads(told))
        tally = listing.tally(on_progress)
        copied = 0
        for at, entry in enumerate(entries):
            if entry[1] != "folder" and at not in differing:
                tally.done(entry[3])
        if not differing:
            return 0
        for call in _calls(_blocks(listing.root, entries, differing)):
            _receiver(shell, python, "receive", place.path, b"".join(data for _, data in call))
            for entry in filter(None, (whole for whole, _ in call)):
                copied += 1
                tally.done(entry[3])
        return copied


def get(shell: Shell, python: str, source: str, target: Path) -> None:
    """Copy a file or folder from the node. Raises ``SyncFailed``."""
    place = RemotePath.of(source)
    with sync_errors(f"cannot fetch {source}"):
        found, _ = kind(shell, place)
        if found == "nothing":
            raise SyncFailed(f"{source} does not exist there")
        target.parent.mkdir(parents=True, exist_ok=True)
        sent = shell.follow([python, "-I", "-c", _program(), "send", place.path])
        try:
            with tarfile.open(mode="r|", fileobj=_Chunks(sent)) as tar:
                for member in tar:
                    _extract(tar, member, target)
        except tarfile.TarError as error:
            raise SyncFailed(f"the copy was cut off: {error}") from error
        finally:
            sent.close()


_Entry = tuple[str, str, int, int, int, str]
"""Path, kind, mode, size, time of the last change in ns, and where a link leads."""


def _entry(root: Path, path: str, status: os.stat_result) -> _Entry:
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        return path, "folder", mode, 0, 0, ""
    if stat.S_ISLNK(status.st_mode):
        return path, "link", mode, status.st_size, 0, os.fspath((root / path).readlink())
    return path, "file", mode, status.st_size, status.st_mtime_ns, ""


def _blocks(
    root: Path, entries: Sequence[_Entry], differing: set[int]
) -> Iterator[tuple[_Entry | None, bytes]]:
    """Yield what to write, each with the entry that is whole then: folders, what differs, folders' modes."""
    folders = [entry for entry in entries if entry[1] == "folder"]
    for path, *_ in folders:
        yield None, _line(path=path, kind="folder")
    for at in sorted(differing):
        path, what, mode, size, mtime_ns, link = entry = entries[at]
        if what == "link":
            yield entry, _line(path=path, kind="link", link=link)
        elif what == "file":
            fields = {"path": path, "kind": "file", "mode": mode, "size": size, "mtime_ns": mtime_ns}
            with (root / path if path else root).open("rb") as file:
                for offset in range(0, size, _CALL) or (0,):
                    data = file.read(min(_CALL, size - offset))
                    if len(data) < min(_CALL, size - offset):
                        raise SyncFailed(f"{path} became shorter while it was read; copy again")
                    last = offset + len(data) == size
                    yield (
                        entry if last else None,
                        _line(**fields, offset=offset, length=len(data)) + data,
                    )
    for path, _, mode, *_ in reversed(folders):
        yield None, _line(path=path, kind="mode", mode=mode)


def _calls(
    blocks: Iterator[tuple[_Entry | None, bytes]],
) -> Iterator[list[tuple[_Entry | None, bytes]]]:
    """Yield the blocks in calls of bounded size."""
    call: list[tuple[_Entry | None, bytes]] = []
    size = 0
    for block in blocks:
        if call and size + len(block[1]) > _CALL:
            yield call
            call, size = [], 0
        call.append(block)
        size += len(block[1])
    if call:
        yield call


def _line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def _receiver(shell: Shell, python: str, verb: str, root: str, stdin: bytes) -> bytes:
    out = bytearray()
    code = shell.stream([python, "-I", "-c", _program(), verb, root], out.extend, stdin=stdin)
    if code:
        said = out.decode(errors="replace").strip()[-300:] or f"exit code {code}"
        raise SyncFailed(f"{said}{advice(said)}")
    return bytes(out)


@cache
def _program() -> str:
    return _RECEIVER.read_text("utf-8")


class _Chunks(io.RawIOBase):
    """What a command prints, as a file to read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def read(self, size: int = -1) -> bytes:
        while not self._rest and (chunk := next(self._chunks, b"")):
            self._rest = chunk
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Put one member below ``target``, or in its place where it is the one file."""
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return
    if member.name == "file":
        member.name, folder = target.name, target.parent
    else:
        folder = target
    place = folder / member.name
    if place.is_symlink() or (place.is_file() and not member.isdir()):
        place.unlink()
    inside = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
    tar.extract(member, folder, **inside)  # type: ignore[arg-type]
