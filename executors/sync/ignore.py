"""What of a folder is copied to a node.

Rules for what is left out are read as git reads them: ``.skyignore`` at the root of the source alone, or,
where there is none, ``.gitignore`` in every folder and ``.git/info/exclude``. The ``.git`` folder itself is
copied, as jobs ask git for their version; one line in ``.skyignore`` leaves it out.
"""

from __future__ import annotations

import logging
import os
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


def walk(
    root: Path, ignore: Sequence[str] = (), left_out: list[str] | None = None
) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what is to be copied below ``root``: relative path and ``lstat``, a folder before its entries.

    What is not goes into ``left_out``, a folder as ``a/b/`` and without what is in it.

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
                    if left_out is not None:
                        left_out.append(f"{path}/" if is_folder else path)
                    continue
                if not (is_folder or stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
                    _log.warning("%s is not copied: it is neither a file, a folder nor a link", root / path)
                    if left_out is not None:
                        left_out.append(path)
                    continue
                yield path, status
                if is_folder:
                    below.append(path)
        folders.extend(reversed(below))
