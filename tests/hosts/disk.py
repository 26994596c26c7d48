"""A host's disk: an overlay over this machine's root, with what the host writes in a tmpfs of its own."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.command import HostError, run

# What a host sees of this machine's root. Everything else is hidden: homes, /tmp, /run, mounted data, ...
_SYSTEM = {"bin", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr", "var"}
_EMPTY = {"boot", "dev", "home", "media", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp"}
# Below those, what belongs to this machine alone.
_PRIVATE = ("etc/munge", "etc/ssh", "etc/sudoers.d", "var/backups", "var/mail", "var/tmp")
_STICKY = ("tmp", "var/tmp")
_ATTEMPTS = 100
_ALL_OF_A_FILE = ("--xattrs", "--xattrs-include=*", "--numeric-owner", "--warning=no-file-ignored")


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk in ``folder`` (``changes``: what was written; ``root``: the host's whole tree)."""

    folder: Path
    size_mib: int

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def upper(self) -> Path:
        """Where files are put before the first ``attach``; never later."""
        return self.folder / "changes" / "upper"

    def make(self) -> None:
        """An empty disk, over the system of this machine without its homes, keys and data."""
        changes = self.folder / "changes"
        for each in (changes, self.root):
            each.mkdir()
        run("mount", "-t", "tmpfs", "-o", f"size={self.size_mib}m,mode=755", "sky-host", str(changes))
        (changes / "work").mkdir()
        self.upper.mkdir()
        for name in (*_EMPTY, *_PRIVATE):
            (self.upper / name).mkdir(parents=True)
            os.setxattr(self.upper / name, "trusted.overlay.opaque", b"y")
        for entry in Path("/").iterdir():
            if entry.name not in _SYSTEM | _EMPTY:
                os.mknod(self.upper / entry.name, stat.S_IFCHR)  # overlayfs: there is no such name
        for name in _STICKY:
            (self.upper / name).chmod(0o1777)
        (self.upper / "root").chmod(0o700)

    def attach(self) -> None:
        """Mount the host's tree at ``root``."""
        options = "lowerdir=/,upperdir=changes/upper,workdir=changes/work"
        run("mount", "-t", "overlay", "-o", options, "sky-host", "root", cwd=self.folder)

    def save(self, archive: Path) -> None:
        """Write what was changed, with what overlayfs notes of it, to ``archive``."""
        run("tar", *_ALL_OF_A_FILE, "-C", str(self.upper), "-cf", str(archive), ".")

    def load(self, archive: Path) -> None:
        """Take the content of ``archive`` in the place of all that was changed here."""
        run("umount", str(self.root))
        shutil.rmtree(self.upper)
        self.upper.mkdir()
        run("tar", *_ALL_OF_A_FILE, "-C", str(self.upper), "-xpf", str(archive))
        self.attach()

    def remove(self) -> None:
        """Take the disk away with all that is on it."""
        unmount_below(self.folder)
        for each in (self.root, self.folder / "changes"):
            if each.exists():
                each.rmdir()

    def fill(self) -> None:
        """Leave no room: the next byte that is written fails with ENOSPC."""
        for _ in range(_ATTEMPTS):
            room = os.statvfs(self.folder / "changes")
            try:
                self._resize(f"{(room.f_blocks - room.f_bfree) * room.f_frsize}")
            except HostError:  # something was written meanwhile, and no longer fits
                continue
            return
        raise HostError(f"{self.folder.name} is written to faster than it can be filled")

    def free(self) -> None:
        """Undo ``fill``."""
        self._resize(f"{self.size_mib}m")

    def _resize(self, size: str) -> None:
        run("mount", "-o", f"remount,size={size}", str(self.folder / "changes"))


def unmount_below(folder: Path) -> None:
    """Unmount everything below ``folder``, the last mounted first."""
    for point in reversed(_mounted_below(folder)):
        run("umount", "--lazy", str(point), check=False)


def wipe(folder: Path) -> None:
    """Remove a folder. Raises ``OSError`` when something is mounted below it, which is not ours to empty."""
    if mounted := _mounted_below(folder):
        raise OSError(f"{mounted[0]} is still mounted")
    shutil.rmtree(folder)


def _mounted_below(folder: Path) -> list[Path]:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    paths = [Path(point.encode().decode("unicode_escape")) for point in points]
    return [path for path in paths if folder in path.parents]
