"""One measurement, of a call in this process or of a whole other process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[1]

_T = TypeVar("_T")

_LAUNCHER = Path(__file__).with_name("launcher.py")

_SKY = "import sys; sys.argv[0] = 'sky'; from sky.cli.main import main; sys.exit(main())"


@dataclass(frozen=True, slots=True)
class Sample:
    """Wall time of one run, and the peak memory of its process (0 for a call in this one)."""

    seconds: float
    peak_mib: float = 0.0


def timed(call: Callable[[], _T]) -> tuple[Sample, _T]:
    """Time one call and hand back what it returned, so that the caller can check it."""
    start = time.perf_counter()
    value = call()
    return Sample(time.perf_counter() - start), value


def timed_process(argv: Sequence[str]) -> tuple[Sample, str]:
    """Time a process from its start to its end and return its standard output. Raises when it fails."""
    with tempfile.TemporaryDirectory(prefix="sky-bench-") as folder:
        report = Path(folder) / "report"
        done = subprocess.run(
            [sys.executable, "-S", _LAUNCHER, report, *argv],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        seconds, peak_kib = report.read_text(encoding="ascii").split()
        return Sample(float(seconds), int(peak_kib) / 1024), done.stdout


def python(code: str) -> tuple[Sample, str]:
    """Time a fresh interpreter that runs ``code``."""
    return timed_process([sys.executable, "-c", code])


def sky(*arguments: str) -> tuple[Sample, str]:
    """Time the ``sky`` command as a whole process."""
    return timed_process([sys.executable, "-c", _SKY, *arguments])


def bare_python() -> Sample:
    """Time the start and end of an interpreter that does nothing: the yardstick of this machine."""
    return python("pass")[0]
