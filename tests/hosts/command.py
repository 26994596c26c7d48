"""One program run to its end on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class HostError(Exception):
    """A host could not be made or changed; the message says what failed and why."""


def environment() -> dict[str, str]:
    """This process's environment with the system's programs on ``PATH``, those for root too."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}", "LC_ALL": "C"}


def run(
    *argv: str,
    stdin: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run ``argv`` and return what it printed. Raises ``HostError`` when it fails and ``check`` is set."""
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            cwd=cwd,
            env={**environment(), **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise HostError(f"{argv[0]} is not installed") from error
    if check and done.returncode:
        raise HostError(f"{' '.join(argv)}: exit code {done.returncode}: {done.stderr.strip() or stdin}")
    return done
