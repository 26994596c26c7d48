"""Making one folder of this machine equal to another."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from executors.api import Progress
from executors.sync.listing import Listing


def mirror(
    source: Path,
    target: Path,
    *,
    ignore: Sequence[str] = (),
    memory: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> int:
    """Make ``target`` equal to ``source`` where kind, size, mode or time differ; return the files copied.

    Every file arrives whole under its name or not at all, so a script that runs is never half changed.
    With ``memory``, a file that remembers what earlier calls brought, what ``source`` has no more is
    removed; anything that others put into ``target`` stays.
    """
    source = Path(os.path.realpath(source))
    if not source.is_dir():
        status = source.stat()
        target.parent.mkdir(parents=True, exist_ok=True)
        return _update(source, target, status)
    _make_folder(target)
    listing = Listing.of(source, ignore)
    if memory is not None:
        _forget(target, memory, listing)
    copied = 0
    tally = listing.tally(on_progress)
    folders = []
    for path, status in listing.entries:
        if stat.S_ISDIR(status.st_mode):
            _make_folder(target / path)
            folders.append((target / path, stat.S_IMODE(status.st_mode)))
        else:
            copied += _update(source / path, target / path, status)
            tally.done(status.st_size)
    for folder, mode in reversed(folders):
        if stat.S_IMODE(folder.lstat().st_mode) != mode:
            folder.chmod(mode)
    return copied


def memory_of(target: bytes) -> str:
    """Return where, relative to the home, is remembered what was brought to ``target`` (normal form)."""
    return f".sky_agent/synced/{hashlib.sha256(target).hexdigest()[:32]}.json"


def copy(source: Path, target: Path) -> None:
    """Copy a file or a whole folder, links as links, nothing left out."""
    if source.is_dir():
        for link in filter(Path.is_symlink, source.rglob("*")):
            (target / link.relative_to(source)).unlink(missing_ok=True)
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _make_folder(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        path.mkdir(parents=True)
        return
    if not stat.S_ISDIR(mode):
        path.unlink()  # a link or a file where a folder has to be; never write through a link
        path.mkdir()
    elif not mode & stat.S_IWUSR:
        path.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)


def _update(source: Path, target: Path, status: os.stat_result) -> int:
    try:
        there = target.lstat()
    except FileNotFoundError:
        there = None
    if stat.S_ISLNK(status.st_mode):
        return _update_link(source, target, there)
    if there is not None and _same(status, there):
        return 0
    if there is not None and stat.S_ISDIR(there.st_mode):
        target.rmdir()
    temporary = target.with_name(f".sky-{os.getpid()}-{status.st_ino}")
    try:
        shutil.copyfile(source, temporary)
        temporary.chmod(stat.S_IMODE(status.st_mode))
        os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return 1


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_mode, one.st_size, one.st_mtime_ns) == (other.st_mode, other.st_size, other.st_mtime_ns)


def _update_link(source: Path, target: Path, there: os.stat_result | None) -> int:
    to = source.readlink()
    if there is not None:
        if stat.S_ISLNK(there.st_mode) and target.readlink() == to:
            return 0
        target.rmdir() if stat.S_ISDIR(there.st_mode) else target.unlink()
    target.symlink_to(to)
    return 1


def _forget(target: Path, memory: Path, listing: Listing) -> None:
    """Remove what an earlier call brought and this one does not; remember this one."""
    brought = listing.paths
    try:
        before: list[str] = json.loads(memory.read_text("utf-8"))
    except FileNotFoundError:
        before = []
    if before == brought:
        return
    for path in listing.lost(before):
        _remove(target, path)
    memory.parent.mkdir(parents=True, exist_ok=True)
    temporary = memory.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(brought), "utf-8")
    temporary.replace(memory)


def _remove(target: Path, path: str) -> None:
    place = target / path
    if any(
        target.joinpath(*place.relative_to(target).parts[:n]).is_symlink()
        for n in range(1, len(Path(path).parts))
    ):
        return  # a job put a link in the way: what lies behind it is not ours
    try:
        folder = stat.S_ISDIR(place.lstat().st_mode)
        if folder and any(place.iterdir()):
            return
        if not os.access(place.parent, os.W_OK):
            place.parent.chmod(stat.S_IMODE(place.parent.stat().st_mode) | stat.S_IRWXU)
        place.rmdir() if folder else place.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
