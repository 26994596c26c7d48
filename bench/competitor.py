"""Competitor: one way to solve an instance, run as a process of its own that prints one JSON line."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench import competitors
from bench.instance import Instance


@dataclass(frozen=True, slots=True)
class Answer:
    """What a competitor found. ``bound`` is what it proved: no plan is below.

    ``status`` is ``optimal``, ``feasible``, ``infeasible``, ``unsupported``, ``timeout`` or ``error``.
    ``build_seconds`` is for bringing the instance into the competitor's own form, ``solve_seconds`` until
    the objective was proven. ``total_seconds`` is until everything was done, tie-break included, where that
    is later.
    """

    status: str
    value: int | None = None
    bound: int | None = None
    choice: list[int] = field(default_factory=list)
    build_seconds: float = 0.0
    solve_seconds: float = 0.0
    total_seconds: float = 0.0
    peak_mib: float = 0.0
    version: str = ""
    note: str = ""

    @property
    def seconds(self) -> float:
        """How long it took to build and to prove."""
        return self.build_seconds + self.solve_seconds


@dataclass(frozen=True, slots=True)
class Competitor:
    """``solve`` gets an instance, the objective (``cost`` or ``time``) and a limit in seconds.

    ``venv`` names the environment that it runs in, this project's own if empty. ``tolerance`` is the relative
    error that its floating-point arithmetic allows itself; bounds of a competitor without one are exact.
    """

    title: str
    solve: Callable[[Instance, str, float], Answer]
    venv: str = ""
    tolerance: float = 0.0


QUICK_S, QUICK_RUNS = 0.25, 5
"""An answer in less time is sought so many times."""

UNSUPPORTED = Answer("unsupported")


def registry() -> dict[str, Competitor]:
    """Every competitor by name: the modules of ``bench.competitors``, which define ``COMPETITOR``."""
    names = sorted(module.name for module in pkgutil.iter_modules(competitors.__path__))
    return {name: importlib.import_module(f"bench.competitors.{name}").COMPETITOR for name in names}


def run(competitor: Competitor) -> None:
    """Be the process: read the instance named on the command line, solve it, print the answer.

    A quick answer is sought again, and the one of median time is printed: the first run of anything pays for
    what is loaded and allocated once.
    """
    parser = argparse.ArgumentParser(description=competitor.title)
    parser.add_argument("instance", type=Path)
    parser.add_argument("--objective", choices=("cost", "time"), required=True)
    parser.add_argument("--time-limit", type=float, required=True, metavar="S")
    options = parser.parse_args()
    instance = Instance.load(options.instance)
    answers = [competitor.solve(instance, options.objective, options.time_limit)]
    while answers[0].seconds < QUICK_S and len(answers) < QUICK_RUNS:
        answers.append(competitor.solve(instance, options.objective, options.time_limit))
    answer = sorted(answers, key=lambda each: each.seconds)[len(answers) // 2]
    print(json.dumps(asdict(replace(answer, peak_mib=max(answer.peak_mib, peak_mib()))), default=_plain))


def peak_mib() -> float:
    """Return the most memory that this process held, without that of the process which started it."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        import resource

        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _plain(value: Any) -> Any:
    """Return a number of numpy as Python's own."""
    return value.item()
