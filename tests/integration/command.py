"""The ``sky`` command as a process, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
