"""What to copy to a node, and how to make one folder equal to another.

Rules for what is left out are read as git reads them: ``.skyignore`` at the root of the source alone, or,
where there is none, ``.gitignore`` in every folder and ``.git/info/exclude``. The ``.git`` folder itself is
copied, as jobs ask git for their version; one line in ``.skyignore`` leaves it out.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_log = logging.getLogger("sky.executors")

SKYIGNORE = ".skyignore"
GITIGNORE = ".gitignore"


class IgnoreRules:
    """Decides which paths below a root are left out; the rule nearest to a path wins, as in git."""

    def __init__(self, root: Path, extra: Sequence[str] = ()) -> None:
        self._root = root
        self._nested = not (root / SKYIGNORE).is_file()
        top = [*self._lines(root / ".git" / "info" / "exclude"), *self._lines(root / GITIGNORE)]
        self._specs: list[tuple[str, GitIgnoreSpec]] = []
        self._add("", extra)
        self._extra = tuple(self._specs)
        self._add("", top if self._nested else self._lines(root / SKYIGNORE))

    def enter(self, folder: str) -> None:
        """Take in the rules of ``folder`` (relative, ``a/b``) before its entries are judged."""
        while self._specs and not f"{folder}/".startswith(self._specs[-1][0]):
            self._specs.pop()
        if self._nested and folder:
            self._add(f"{folder}/", self._lines(self._root / folder / GITIGNORE))

    def ignored(self, path: str, *, folder: bool) -> bool:
        """Return whether the entry at ``path`` (relative, ``a/b``) is left out."""
        name = f"{path}/" if folder else path
        inside_git = self._nested and ".git" in path.split(
            "/"
        )  # git does not apply its rules to its own files
        for prefix, spec in self._extra if inside_git else reversed(self._specs):
            if name.startswith(prefix):
                verdict = spec.check_file(name[len(prefix) :]).include
                if verdict is not None:
                    return verdict
        return False

    def _add(self, prefix: str, lines: Sequence[str]) -> None:
        if any(line.strip() and not line.startswith("#") for line in lines):
            from pathspec import GitIgnoreSpec

            self._specs.append((prefix, GitIgnoreSpec.from_lines(lines)))

    @staticmethod
    def _lines(path: Path) -> list[str]:
        try:
            return path.read_text("utf-8", errors="surrogateescape").splitlines()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return []


def walk(root: Path, ignore: Sequence[str] = ()) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what is to be copied below ``root``: relative path and ``lstat``, a folder before its entries.

    Folders, files and symbolic links (kept as links); sockets, pipes and devices are left out with a warning.
    """
    rules = IgnoreRules(root, ignore)
    folders = [""]
    while folders:
        folder = folders.pop()
        rules.enter(folder)
        below = []
        with os.scandir(root / folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = f"{folder}/{entry.name}" if folder else entry.name
                status = entry.stat(follow_symlinks=False)
                is_folder = stat.S_ISDIR(status.st_mode)
                if rules.ignored(path, folder=is_folder):
                    continue
                if not (is_folder or stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
                    _log.warning("%s is not copied: it is neither a file, a folder nor a link", root / path)
                    continue
                yield path, status
                if is_folder:
                    below.append(path)
        folders.extend(reversed(below))


def mirror(source: Path, target: Path, *, ignore: Sequence[str] = (), memory: Path | None = None) -> int:
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
    copied = 0
    brought = []
    folders = []
    for path, status in walk(source, ignore):
        brought.append(path)
        if stat.S_ISDIR(status.st_mode):
            _make_folder(target / path)
            folders.append((target / path, stat.S_IMODE(status.st_mode)))
        else:
            copied += _update(source / path, target / path, status)
    if memory is not None:
        _forget(target, memory, brought)
    for folder, mode in reversed(folders):
        if stat.S_IMODE(folder.lstat().st_mode) != mode:
            folder.chmod(mode)
    return copied


def copy(source: Path, target: Path) -> None:
    """Copy a file or a whole folder, links as links, nothing left out."""
    if source.is_dir():
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


def _forget(target: Path, memory: Path, brought: list[str]) -> None:
    """Remove what an earlier call brought and this one did not, deepest first; remember this one."""
    try:
        before: list[str] = json.loads(memory.read_text("utf-8"))
    except FileNotFoundError:
        before = []
    if before == brought:
        return
    for path in sorted(set(before) - set(brought), reverse=True):
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
        if stat.S_ISDIR(place.lstat().st_mode):
            if not any(place.iterdir()):
                place.rmdir()
        else:
            place.unlink()
    except FileNotFoundError:
        return
