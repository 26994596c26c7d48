"""What a copy over SSH asks of the node in shell, whatever carries the files."""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from executors.errors import SyncFailed
from executors.sync.listing import Listing
from executors.sync.mirror import memory_of


class Shell(Protocol):
    """The part of a transport that runs commands."""

    def stream(self, argv: Sequence[str], on_output: Callable[[bytes], None], *, stdin: bytes = b"") -> int:
        """Run ``argv``, hand over its output, return the exit code."""


_LOOK = """\
target=$1 parent=$2 memory=$3
refuse() { echo "$1"; exit 1; }
if [ "$4" = folder ]; then
  [ -d "$target" ] || rm -f -- "$target" || exit
  mkdir -p -- "$target" || exit
  [ -w "$target" ] || chmod u+rwx -- "$target" 2>/dev/null || refuse "no permission to write there"
else
  mkdir -p -- "$parent" || exit
  if [ -L "$target" ]; then rm -f -- "$target" || exit
  elif [ -d "$target" ]; then rmdir -- "$target" || exit
  fi
  [ -w "$parent" ] || refuse "no permission to write there"
fi
command -v rsync || echo
[ -z "$memory" ] || [ ! -f "$memory" ] || cat -- "$memory"
"""

# Deepest first. A link that a job put in the way of a path ends its turn: what lies behind is not ours.
_REMOVE = """\
cd -- "$1" || exit
xargs -0 -n 200 sh -c '
for path do
  shift
  folder=$path behind=
  while :; do
    case $folder in */*) folder=${folder%/*} ;; *) break ;; esac
    [ ! -L "./$folder" ] || behind=link
  done
  [ -z "$behind" ] || continue
  case $path in */*) [ -w "./${path%/*}" ] || chmod u+rwx "./${path%/*}" 2>/dev/null ;; esac
  set -- "$@" "./$path"
done
[ $# -gt 0 ] || exit 0
rm -f -- "$@" 2>/dev/null
rmdir -- "$@" 2>/dev/null
for path do
  [ -d "$path" ] && [ ! -L "$path" ] && continue
  { [ -e "$path" ] || [ -L "$path" ]; } && echo "cannot remove $path" && exit 255
done
exit 0
' sh
"""

_REMEMBER = """\
umask 077
mkdir -p -- "${1%/*}" && cat >"$1.$$" && mv -f -- "$1.$$" "$1"
"""

_KIND = """\
if [ -d "$1" ]; then echo folder; elif [ -e "$1" ]; then echo file; else echo nothing; fi
command -v rsync || echo
"""


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A path on the node, as it is given to programs there: absolute, or relative to the home."""

    path: str

    @classmethod
    def of(cls, target: str) -> RemotePath:
        """Read ``~``, ``~/x``, ``x`` or ``/x``. Raises ``SyncFailed`` for the home of another user."""
        own = "." if target == "~" else target.removeprefix("~/")
        if own.startswith("~"):
            raise SyncFailed(f"{target}: write the home of another user as an absolute path")
        path = posixpath.normpath(own)
        return cls(path if path.startswith(("/", "./")) or path == "." else f"./{path}")

    @property
    def memory(self) -> str:
        """Where the node remembers what was brought here."""
        return memory_of(os.fsencode(posixpath.normpath(self.path)))


@dataclass(frozen=True, slots=True)
class Ground:
    """The target made ready: whether rsync is there, and what earlier copies brought."""

    place: RemotePath
    rsync: bool
    brought: list[str]


@contextmanager
def sync_errors(doing: str) -> Iterator[None]:
    """Name what was being done in the errors of the block."""
    try:
        yield
    except (OSError, SyncFailed) as error:
        raise SyncFailed(f"{doing}: {error}") from error


def prepare(shell: Shell, place: RemotePath, *, folder: bool, memory: bool) -> Ground:
    """Make the target, or what is above it for a file, and look around; one call. Raises ``SyncFailed``."""
    parent = posixpath.dirname(place.path) or "."
    remembered = place.memory if memory else ""
    words = [place.path, parent, remembered, "folder" if folder else "file"]
    rsync, _, brought = _sh(shell, place, _LOOK, *words).partition(b"\n")
    return Ground(place, bool(rsync), json.loads(brought) if brought else [])


def forget(shell: Shell, ground: Ground, listing: Listing) -> None:
    """Remove what earlier copies brought and ``listing`` has no more; remember this one."""
    if ground.brought == listing.paths:
        return
    lost = listing.lost(ground.brought)
    if lost:
        _sh(
            shell,
            ground.place,
            _REMOVE,
            ground.place.path,
            stdin=b"".join(os.fsencode(p) + b"\0" for p in lost),
        )
    _sh(shell, ground.place, _REMEMBER, ground.place.memory, stdin=json.dumps(listing.paths).encode())


@contextmanager
def made_ready(
    shell: Shell, source: Path, target: str, ignore: Sequence[str], *, delete: bool
) -> Iterator[tuple[Listing, RemotePath]]:
    """Give what to copy of ``source``, and where to: made, and with ``delete`` free of what is no more there.

    A file's listing has it alone, under the name ``""``. Raises ``SyncFailed``, for errors of the block too.
    """
    source, place = Path(os.path.realpath(source)), RemotePath.of(target)
    folder = source.is_dir()
    with sync_errors(f"cannot copy {source} to {target}"):
        listing = Listing.of(source, ignore) if folder else Listing(source, (("", source.stat()),))
        ground = prepare(shell, place, folder=folder, memory=delete and folder)
        if delete and folder:
            forget(shell, ground, listing)
        yield listing, place


def kind(shell: Shell, place: RemotePath) -> tuple[str, bool]:
    """Return ``"folder"``, ``"file"`` or ``"nothing"``, and whether rsync is there."""
    found, _, rsync = _sh(shell, place, _KIND, place.path).partition(b"\n")
    return found.decode(), bool(rsync.strip())


def _sh(shell: Shell, place: RemotePath, script: str, *words: str, stdin: bytes = b"") -> bytes:
    out = bytearray()
    code = shell.stream(["sh", "-c", script, "sh", *words], out.extend, stdin=stdin)
    if code:
        said = out.decode(errors="replace").strip()[-300:] or f"exit code {code}"
        raise SyncFailed(f"{place.path}: {said}{advice(said)}")
    return bytes(out)


def advice(said: str) -> str:
    """Return what to do about what a program on the node said, where we know."""
    if "ermission" in said:
        return "; choose a path below ~/, or log in as a user that may write there"
    if "No space left" in said:
        return "; make room on the node"
    if "is your shell clean" in said or "protocol version mismatch" in said:
        return "; something in the shell start files of the login user prints: let it print to terminals only"
    return ""
