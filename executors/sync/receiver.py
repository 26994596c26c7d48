"""The other end of ``blocks``: run on the node by its own Python, 3.8 or newer; imports nothing of ours.

``compare ROOT`` reads entries and prints the positions of those that differ there. ``receive ROOT`` reads
blocks and writes them: a line of JSON, and as many bytes as it says. ``send PATH`` writes a tar.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tarfile
from pathlib import Path
from typing import Any


def compare(root: Path) -> None:
    """Print which of the entries (path, kind, mode, size, mtime in ns, link) differ below ``root``."""
    entries = json.load(sys.stdin)
    sys.stdout.write(json.dumps([at for at, entry in enumerate(entries) if not same(root, *entry)]))


def same(root: Path, path: str, kind: str, mode: int, size: int, mtime_ns: int, link: str) -> bool:
    """Return whether the entry is at ``root`` as described."""
    place = root / path
    try:
        there = place.lstat()
        if kind == "link":
            return stat.S_ISLNK(there.st_mode) and os.readlink(place) == link  # noqa: PTH115  of Python 3.9
    except OSError:
        return False
    if stat.S_IMODE(there.st_mode) != mode:
        return False
    if kind == "folder":
        return stat.S_ISDIR(there.st_mode)
    return stat.S_ISREG(there.st_mode) and (there.st_size, there.st_mtime_ns) == (size, mtime_ns)


def receive(root: Path) -> None:
    """Write the blocks of stdin; every file arrives whole under its name."""
    for line in iter(sys.stdin.buffer.readline, b""):
        block = json.loads(line)
        data = sys.stdin.buffer.read(block.get("length", 0))
        if len(data) < block.get("length", 0):
            sys.exit("the copy was cut off")
        write = {"folder": write_folder, "mode": write_mode, "link": write_link, "file": write_file}
        write[block["kind"]](root / block["path"], block, data)


def write_folder(place: Path, _block: dict[str, Any], _data: bytes) -> None:
    """Make a folder that can be written into; what is no folder makes room."""
    try:
        mode = place.lstat().st_mode
    except FileNotFoundError:
        place.mkdir()
        return
    if not stat.S_ISDIR(mode):
        place.unlink()
        place.mkdir()
    elif not mode & stat.S_IWUSR:
        place.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)


def write_mode(place: Path, block: dict[str, Any], _data: bytes) -> None:
    """Give a folder its mode."""
    if stat.S_IMODE(place.lstat().st_mode) != block["mode"]:
        place.chmod(block["mode"])


def write_link(place: Path, block: dict[str, Any], _data: bytes) -> None:
    """Make a link, in the place of what is there."""
    part = part_of(place, block)
    if os.path.lexists(part):
        part.unlink()
    part.symlink_to(block["link"])
    replace(part, place)


def write_file(place: Path, block: dict[str, Any], data: bytes) -> None:
    """Write one piece of a file; with the last, it takes its name."""
    part = part_of(place, block)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.seek(block["offset"])
        file.write(data)
        file.truncate()
    if block["offset"] + len(data) == block["size"]:
        part.chmod(block["mode"])
        os.utime(part, ns=(block["mtime_ns"], block["mtime_ns"]))
        replace(part, place)


def part_of(place: Path, block: dict[str, Any]) -> Path:
    """Return under which name a file is before it is whole."""
    told = f"{place.name} {block.get('size')} {block.get('mtime_ns')}"
    digest = hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return place.with_name(f".sky-{digest}")


def replace(part: Path, place: Path) -> None:
    """Give the part its name; an empty folder there makes room."""
    if place.is_dir() and not place.is_symlink():
        place.rmdir()
    part.replace(place)


def send(path: Path) -> None:
    """Write a tar of the folder's content, or of the one file; a link stands for where it leads."""
    path = path.resolve()
    with tarfile.open(mode="w|", fileobj=sys.stdout.buffer) as tar:
        tar.add(path, arcname="." if path.is_dir() else "file")


if __name__ == "__main__":
    try:
        {"compare": compare, "receive": receive, "send": send}[sys.argv[1]](Path(sys.argv[2]))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
