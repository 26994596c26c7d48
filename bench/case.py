"""What a case is, how it is run, and what comes out."""

from __future__ import annotations

import importlib
import os
import pkgutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import cases
from bench.sample import Sample

Pair = tuple[Callable[[], Sample], Callable[[], Sample]]
"""Our work and the reference. Each call is one run; ours has checked its result before it returns."""


class NotHere(Exception):
    """A case cannot be measured on this machine; the message says what it lacks."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing measured against one reference.

    ``prepare`` gets an empty home and gives the pair for as long as its context lasts, or raises ``NotHere``.
    ``target_ratio``, ``target_s`` and ``target_mib`` are what we promise on a 2-core machine.
    """

    subject: str
    reference: str
    prepare: Callable[[Path], AbstractContextManager[Pair]]
    rounds: int = 9
    target_ratio: float | None = None
    target_s: float | None = None
    target_mib: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Medians of a case's runs. ``noise`` is the spread of the middle half of our runs over their median."""

    ratio: float
    seconds: float
    reference_seconds: float
    noise: float
    peak_mib: float

    def to_dict(self) -> dict[str, float]:
        """Return the figures with as many digits as they deserve."""
        return {name: round(value, 5) for name, value in asdict(self).items()}


def registry() -> dict[str, Case]:
    """Every case by name: the modules of ``bench.cases``, each of which defines ``CASE``."""
    names = sorted(module.name for module in pkgutil.iter_modules(cases.__path__))
    return {name: importlib.import_module(f"bench.cases.{name}").CASE for name in names}


def run(case: Case) -> Outcome:
    """Run our work and the reference in turns, after one unmeasured round of both."""
    ours: list[Sample] = []
    theirs: list[Sample] = []
    with _empty_home() as home, case.prepare(home) as (subject, reference):
        subject()
        reference()
        for _ in range(case.rounds):
            theirs.append(reference())
            ours.append(subject())
    seconds = [sample.seconds for sample in ours]
    middle = statistics.median(seconds)
    yardstick = statistics.median(sample.seconds for sample in theirs)
    low, _, high = statistics.quantiles(seconds, n=4)
    peak = max(sample.peak_mib for sample in ours)
    return Outcome(middle / yardstick, middle, yardstick, (high - low) / middle, peak)


@contextmanager
def _empty_home() -> Iterator[Path]:
    """Point this process and its children at a home of their own for a while."""
    kept = {name: os.environ.get(name) for name in ("HOME", "SKY_HOME")}
    with tempfile.TemporaryDirectory(prefix="sky-bench-") as folder:
        os.environ.update(HOME=folder, SKY_HOME=f"{folder}/.sky")
        try:
            yield Path(folder)
        finally:
            for name, value in kept.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
