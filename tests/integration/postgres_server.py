"""A private PostgreSQL server for tests: its own folder, a Unix socket only, never as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, ``None`` where it is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


@contextmanager
def server() -> Iterator[str]:
    """Run a server for the block and yield its URL."""
    folder = programs()
    assert folder is not None
    user = _unprivileged()
    with tempfile.TemporaryDirectory(prefix="skypg", dir="/tmp") as name:
        home = Path(name)
        if user:
            shutil.chown(home, user)

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


def _unprivileged() -> str | None:
    """Return the user to run as: PostgreSQL refuses root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)
