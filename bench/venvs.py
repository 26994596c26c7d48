"""Virtual environments of the competitors: one each, made from its lock on first use."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from bench.sample import ROOT

CACHE = ROOT / ".bench"
"""What the comparisons make and keep; nothing in it is committed."""

LOCKS = ROOT / "bench" / "requirements"

_STAMP = "made-from"


class VenvError(RuntimeError):
    """A competitor's environment could not be made; the message says what to do."""


def python_of(name: str) -> Path:
    """Return the interpreter of competitor ``name``, with what ``bench/requirements/<name>.txt`` pins.

    Made on first use, which takes a minute or two and needs the package index; made anew when the lock or
    this Python changes. Raises ``VenvError``.
    """
    return prepared(LOCKS / f"{name}.txt", CACHE / "venvs" / name, _make)


def prepared(lock: Path, folder: Path, make: Callable[[Path, Path], None]) -> Path:
    """Return the interpreter in ``folder``, calling ``make(folder, lock)`` unless it was made from this lock.

    One process at a time; a ``make`` that fails is tried again the next time. Raises ``VenvError`` when there
    is no lock.
    """
    from filelock import FileLock

    if not lock.is_file():
        known = ", ".join(sorted(path.stem for path in lock.parent.glob("*.txt")))
        raise VenvError(f"there is no {lock}; the competitors that have a lock: {known or 'none'}")
    stamp = _stamp_of(lock)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if _stamp_in(folder) != stamp:
            print(f"making {folder} from {lock.name}: a minute or two, once", file=sys.stderr, flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            make(folder, lock)
            (folder / _STAMP).write_text(stamp, encoding="ascii")
    return _python_in(folder)


def _make(folder: Path, lock: Path) -> None:
    venv.create(folder, with_pip=True, symlinks=True)
    pip = [str(_python_in(folder)), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    command = [*pip, "install", "--require-hashes", "--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise VenvError(
            f"{lock.name} could not be installed; check the package index and run again:\n{done.stderr}"
        )


def _python_in(folder: Path) -> Path:
    return folder / "bin" / "python"


def _stamp_of(lock: Path) -> str:
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {sys.version_info[0]}.{sys.version_info[1]}"


def _stamp_in(folder: Path) -> str:
    try:
        return (folder / _STAMP).read_text(encoding="ascii")
    except OSError:
        return ""
