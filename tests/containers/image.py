"""A small image for containers, made of this machine's own Debian packages: no registry is asked for one.

It has a shell, Python, and Slurm where this machine has it.
"""

from __future__ import annotations

import io
import tarfile
from functools import cache
from pathlib import Path

from tests.hosts.command import run
from tests.hosts.record import locked, place

SYSTEM = "Debian of the tests"
"""What ``/etc/os-release`` calls the system in a container."""

_PACKAGES = (
    *(
        "bash",
        "coreutils",
        "dash",
        "findutils",
        "grep",
        "hostname",
        "libc-bin",
        "procps",
        "sed",
        "util-linux",
    ),
    *("libpython3-stdlib", "python3-minimal", "slurm-client", "slurmctld", "slurmd", "munge"),
)
_NOT_NEEDED = ("/usr/share/doc", "/usr/share/info", "/usr/share/locale", "/usr/share/man", "/usr/share/perl")
_HOME = "/" + "root"
_TEXTS = {
    "/etc/group": "root:x:0:\n",
    "/etc/os-release": f'PRETTY_NAME="{SYSTEM}"\n',
    "/etc/passwd": f"root:x:0:0:root:{_HOME}:/bin/bash\n",
}
_FOLDERS = {_HOME: 0o700, "/run": 0o755, "/tmp": 0o1777, "/var/log": 0o755, "/var/tmp": 0o1777}


@cache
def layer() -> Path:
    """Return the image's one layer, a tar compressed by gzip; made when it is first asked for."""
    path = place() / "container-image.tar.gz"
    with locked(place() / "container-image.lock"):
        if not path.exists():
            part = path.with_suffix(".part")
            with tarfile.open(part, "w:gz", compresslevel=1) as tar:
                _fill(tar)
            part.rename(path)
    return path


def _fill(tar: tarfile.TarFile) -> None:
    for name in ("bin", "lib", "lib64", "sbin"):
        _add(tar, f"/{name}", tarfile.SYMTYPE, link=f"usr/{name}")
    for name, mode in _FOLDERS.items():
        _add(tar, name, tarfile.DIRTYPE, mode=mode)
    for name, text in _TEXTS.items():
        _add(tar, name, tarfile.REGTYPE, text=text)
    files = _installed()
    for name, file in files.items():
        tar.add(file, name)
    for link in (*Path("/usr/bin").iterdir(), *Path("/usr/sbin").iterdir()):
        if link.is_symlink() and str(link) not in files and str(link.resolve()) in files:
            _add(tar, str(link), tarfile.SYMTYPE, link=str(link.resolve()))


def _add(
    tar: tarfile.TarFile, name: str, kind: bytes, *, text: str = "", mode: int = 0o755, link: str = ""
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname, entry.size = kind, mode, link, len(text)
    tar.addfile(entry, io.BytesIO(text.encode()))


def _installed() -> dict[str, Path]:
    """Return the files of the packages, and of those that they need, by their paths past links of folders."""
    needs = run(
        *("apt-cache", "depends", "--recurse", "--installed", "--no-recommends", "--no-suggests"),
        *("--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", *_PACKAGES),
    ).stdout
    packages = {line for line in needs.splitlines() if line and not line.startswith((" ", "<"))}
    listed = run("dpkg-query", "--listfiles", *sorted(packages), check=False).stdout.splitlines()
    paths = [Path(line) for line in listed if line.startswith("/")]
    found = {
        str(path.parent.resolve() / path.name): path for path in paths if path.is_symlink() or path.is_file()
    }
    return {
        name: path for name, path in sorted(found.items()) if not name.startswith((*_NOT_NEEDED, *_TEXTS))
    }
