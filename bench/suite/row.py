"""Row: what one competitor made of one instance under one objective."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.competitor import Answer
from bench.instance import Instance
from bench.kept import FOLDER

RESULTS = FOLDER / "suite.json"
"""What was measured last."""

KEY = ("instance", "objective", "competitor")

OURS = "ours"
REFERENCE = "highs"

_ORDER = ("error", "timeout", "unsupported", "feasible", "infeasible", "optimal")


@dataclass(frozen=True, slots=True)
class Row:
    """Medians over the runs.

    ``seconds`` is for building the model and proving the objective, ``total_seconds`` also for what followed.
    ``gap`` is how much the value is above the best known one. ``ratio_to_highs`` is our seconds over those of
    HiGHS; where HiGHS was stopped, the true ratio is smaller, and ``ratio_is_bound``.
    """

    competitor: str
    family: str
    instance: str
    tasks: int
    places: int
    edges: int
    objective: str
    status: str
    value: int | None
    bound: int | None
    best_known: int | None
    gap: float | None
    seconds: float
    build_seconds: float
    total_seconds: float
    peak_mib: float
    runs: int
    ratio_to_highs: float | None
    ratio_is_bound: bool
    version: str
    note: str
    date: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes a row that row."""
        return self.instance, self.objective, self.competitor

    def to_dict(self) -> dict[str, Any]:
        """Return the figures with as many digits as they deserve."""
        rounded = {name: round(value, 5) for name, value in asdict(self).items() if isinstance(value, float)}
        return asdict(self) | rounded


def row_of(competitor: str, instance: Instance, objective: str, answers: Sequence[Answer], date: str) -> Row:
    """Return the medians of ``answers``; the worst of them says how it ended."""
    worst = min(answers, key=lambda answer: _ORDER.index(answer.status))
    seconds = statistics.median(answer.seconds for answer in answers)
    total = statistics.median(max(answer.total_seconds, answer.seconds) for answer in answers)
    return Row(
        competitor=competitor,
        family=instance.family,
        instance=instance.name,
        tasks=instance.tasks,
        places=instance.places,
        edges=instance.edges,
        objective=objective,
        status=worst.status,
        value=worst.value,
        bound=worst.bound,
        best_known=None,
        gap=None,
        seconds=seconds,
        build_seconds=statistics.median(answer.build_seconds for answer in answers),
        total_seconds=total,
        peak_mib=max(answer.peak_mib for answer in answers),
        runs=len(answers),
        ratio_to_highs=None,
        ratio_is_bound=False,
        version=worst.version,
        note=worst.note,
        date=date,
    )


def compared(rows: Iterable[Row], best_known: int | None) -> list[Row]:
    """Return one instance's rows with their gaps, and ours with its ratio to HiGHS."""
    rows = list(rows)
    by_name = {row.competitor: row for row in rows}
    ratio, is_bound = _ratio(by_name)
    found = []
    for row in rows:
        gap = None if row.value is None or not best_known else row.value / best_known - 1
        told = replace(row, best_known=best_known, gap=gap)
        if row.competitor == OURS:
            told = replace(told, ratio_to_highs=ratio, ratio_is_bound=is_bound)
        found.append(told)
    return found


def _ratio(rows: Mapping[str, Row]) -> tuple[float | None, bool]:
    ours, theirs = rows.get(OURS), rows.get(REFERENCE)
    if not ours or not theirs or ours.status != "optimal" or not theirs.seconds:
        return None, False
    if theirs.status == "optimal":
        return ours.seconds / theirs.seconds, False
    if theirs.status in ("feasible", "timeout"):
        return ours.seconds / theirs.seconds, True
    return None, False
