"""Programs run on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.hosts.process import Process

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


def launch(argv: Sequence[str], console: Path, cwd: Path | None = None) -> Process:
    """Start ``argv`` in a session of its own, to stay when this process ends; its errors go to ``console``.

    The first line that it prints is the number of the process to go by. Raises ``HostError`` when that ended.
    """
    with (
        console.open("w") as errors,
        subprocess.Popen(
            ("setsid", "--fork", *argv),
            env=environment(),
            cwd=cwd,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as starter,
    ):
        assert starter.stdout is not None
        pid = starter.stdout.readline()
    process = Process.of(int(pid)) if pid else None
    if process is None:
        raise HostError(f"{argv[0]} ended at once: {console.read_text(errors='replace').strip()}")
    return process
