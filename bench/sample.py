"""One measurement, of a call in this process or of a whole other process."""

from __future__ import annotations

import os
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
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{argv} ended with {process.returncode}:\n{out.read()}{err.read()}")
        return Sample(seconds, usage.ru_maxrss / 1024), out.read()


def python(code: str) -> tuple[Sample, str]:
    """Time a fresh interpreter that runs ``code``."""
    return timed_process([sys.executable, "-c", code])


def sky(*arguments: str) -> tuple[Sample, str]:
    """Time the ``sky`` command as a whole process."""
    return timed_process([sys.executable, "-c", _SKY, *arguments])


def bare_python() -> Sample:
    """Time the start and end of an interpreter that does nothing: the yardstick of this machine."""
    return python("pass")[0]
