"""The ``sky`` command as a process, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Done:
    """How the command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout, which must be JSON and nothing else."""
        return json.loads(self.out)


def sky(*words: str, code: int | None = 0, **env: str) -> Done:
    """Run ``sky WORDS`` with no terminal; the exit code must be ``code`` unless that is ``None``."""
    ran = subprocess.run(
        [sys.executable, "-m", "sky", *words],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    done = Done(ran.returncode, ran.stdout, ran.stderr)
    assert "Traceback" not in done.err, done.err
    assert code is None or done.code == code, done
    return done


def statuses(*words: str) -> dict[str, str]:
    """Return each cluster's status by its name."""
    return {each["name"]: each["status"] for each in sky("status", *words, "--json").json}


def until(wanted: dict[str, str], limit_s: float = 60) -> None:
    """Wait until a refresh shows these clusters."""
    deadline = time.monotonic() + limit_s
    while (found := statuses("--refresh")) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def until_running(cluster: str, job_id: int, limit_s: float = 60) -> None:
    """Wait until the job runs."""
    deadline = time.monotonic() + limit_s
    while (found := {job["job_id"]: job["status"] for job in sky("queue", cluster, "--json").json[cluster]})[
        job_id
    ] != "RUNNING":
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
