"""Process: one competitor on one instance, in a process and an environment of its own, ended at the limit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from bench.competitor import Answer, registry
from bench.sample import ROOT
from bench.venvs import python_of

GRACE_S = 30
"""What a process gets on top of the limit for its start, its model and its last step."""


def ask(name: str, instance: Path, objective: str, limit_s: float) -> Answer:
    """Return the answer of competitor ``name``; ``timeout`` if it had to be ended, ``error`` if it broke."""
    competitor = registry()[name]
    python = str(python_of(competitor.venv)) if competitor.venv else sys.executable
    command = [python, "-m", f"bench.competitors.{name}", str(instance)]
    command += ["--objective", objective, "--time-limit", str(limit_s)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=limit_s + GRACE_S)
        except subprocess.TimeoutExpired:
            _end(process)
            return Answer("timeout", solve_seconds=limit_s, note=f"ended after {limit_s + GRACE_S:g} s")
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        last = (err.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        return Answer("error", note=last)
    return Answer(**json.loads(out.strip().splitlines()[-1]))


def _end(process: subprocess.Popen[str]) -> None:
    """End a competitor and what it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
