"""Copying with rsync, which the caller gives a way to the node."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from executors.api import Progress
from executors.child import end, exchange
from executors.errors import SyncFailed
from executors.sync.listing import Listing, Tally
from executors.sync.remote import advice

_VANISHED = 24
_END_GRACE_S = 5.0
_MAX_PATTERNS = 500
# Links as links; modes and times kept, and compared to the nanosecond. A file comes under a temporary name
# and is renamed; one that was interrupted is gone on with. Names go as they are (-s), no shell reads them.
_COPY = (
    *("rsync", "--links", "--perms", "--times", "--omit-dir-times", "--modify-window=-1", "-s"),
    *("--partial-dir=.sky-partial", "--out-format=%i %l", "-ii"),
)


@dataclass(frozen=True, slots=True)
class Way:
    """The way to a node: its name for ssh, the words of ssh before it, and who is told of our process."""

    host: str
    ssh: Sequence[str]
    watched: Callable[[subprocess.Popen[bytes]], AbstractContextManager[None]]


@functools.cache
def available() -> bool:
    """Return whether this machine has an rsync that can do what is needed: 3.1 or newer."""
    if shutil.which("rsync") is None:
        return False
    said = subprocess.run(["rsync", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"rsync +version v?(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= (3, 1)


def push(
    listing: Listing,
    way: Way,
    target: str,
    on_progress: Callable[[Progress], None] | None,
) -> int:
    """Copy what is listed below ``target`` on the node; returns how many files were not right yet."""
    if not listing.entries:
        return 0
    with tempfile.NamedTemporaryFile(prefix="sky-rsync-") as rules:
        names, patterns = _selection(listing)
        rules.write(b"".join(pattern + b"\0" for pattern in patterns or ()))
        rules.flush()
        argv = [
            *(*_COPY, "--no-implied-dirs", "--from0", "--files-from=-", "-e", _shell(way.ssh)),
            *([] if patterns is None else ["--recursive", f"--exclude-from={rules.name}"]),
            *("--", f"{listing.root}/", _remote(way.host, f"{target}/")),
        ]
        return _run(way, argv, b"".join(name + b"\0" for name in names), listing.tally(on_progress))


def _selection(listing: Listing) -> tuple[list[bytes], list[bytes] | None]:
    """Return the names to copy and, where rsync is to go into folders by itself, the patterns to leave out.

    It reads names one byte at a time, so a few with patterns are quicker than all, until there are so many
    patterns that holding every file against each of them is slower.
    """
    paths = listing.paths
    recursive = len(listing.left_out) <= _MAX_PATTERNS
    if recursive:
        paths = [path for path in paths if "/" not in path]
    names = [b"./" * path.startswith(("#", ";")) + os.fsencode(path) for path in paths]  # "#x" is a comment
    return names, [_pattern(path) for path in listing.left_out] if recursive else None


def _pattern(path: str) -> bytes:
    """Return what matches exactly ``path``; a backslash escapes only where there is a wildcard."""
    name = b"/" + os.fsencode(path)
    return re.sub(rb"([\\*?\[])", rb"\\\1", name) if re.search(rb"[*?\[]", name) else name


def push_file(
    source: Path,
    way: Way,
    target: str,
    on_progress: Callable[[Progress], None] | None,
) -> int:
    """Copy one file to exactly ``target``."""
    argv = [*_COPY, "-e", _shell(way.ssh), "--", str(source), _remote(way.host, target)]
    return _run(way, argv, b"", Tally(on_progress, 1, source.stat().st_size))


def pull(way: Way, source: str, target: Path, *, folder: bool) -> None:
    """Copy a file, or a folder with all that is in it, to exactly ``target``."""
    end = "/" if folder else ""
    argv = [
        *(*_COPY, "--copy-links" if not folder else "--recursive", "-e", _shell(way.ssh)),
        *("--", _remote(way.host, source + end), f"{target}{end}"),
    ]
    _run(way, argv, b"", Tally(None, 0, 0))


def _shell(argv: Sequence[str]) -> str:
    """Return ``argv`` as rsync reads it, which knows quotes and no backslashes."""
    return " ".join(f'"{word}"' if re.search(r"[\s']", word) else word for word in argv)


def _remote(host: str, path: str) -> str:
    return f"[{host}]:{path}" if ":" in host else f"{host}:{path}"


def _run(way: Way, argv: Sequence[str], stdin: bytes, tally: Tally) -> int:
    """Run rsync and count; a failure of it, or of the caller's hook, leaves nothing of it running."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    lines = _Lines(tally)
    stderr = bytearray()
    try:
        with way.watched(process):
            exchange(process, stdin, lines.feed, stderr.extend)
            code = process.wait()
    finally:
        end(process, _END_GRACE_S)
    if code not in {0, _VANISHED}:
        said = stderr.decode(errors="replace").strip()
        raise SyncFailed(f"rsync ended with {code}: {said[-500:]}{advice(said)}")
    return lines.changed


class _Lines:
    """Reads rsync's lines of ``%i %l``: eleven marks, and the size of the file."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._rest = b""
        self.changed = 0

    def feed(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if line[1:2] in {b"f", b"L"}:
                self.changed += line[:1] != b"." or line[2:11].strip() != b""
                self._tally.done(int(line[11:]))
