"""Growth: how time and memory of the competitors that prove grow with the number of tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.competitor import registry
from bench.report.results import STOPPED, Suite
from bench.suite.row import OURS, Row

FAMILIES = {
    "sparse": ("sparse", "huge"),
    "sparse_heavy": ("sparse_heavy",),
    "chain": ("chain",),
    "tree": ("tree",),
    "layered": ("layered",),
}
"""What is drawn, and which families of instances it is made of: ``huge`` is ``sparse`` at its largest."""

LEAST = 10
"""Smaller instances are not drawn."""


@dataclass(frozen=True, slots=True)
class Point:
    """One instance: its tasks, the seconds and the MiB; ``stopped`` where nothing was proven."""

    tasks: int
    seconds: float
    peak_mib: float
    stopped: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One competitor's points, small instances first; ``place`` is its place among all competitors."""

    competitor: str
    label: str
    place: int
    points: tuple[Point, ...]


def lines_of(suite: Suite, families: Iterable[str], objective: str) -> list[Line]:
    """Return the lines of the competitors that prove anything on these families under this objective."""
    kinds = registry()
    wanted = tuple(families)
    lines = []
    for place, name in enumerate(suite.competitors):
        rows = [
            row
            for row in suite.of(name).values()
            if row.family in wanted and row.objective == objective and row.tasks >= LEAST
        ]
        if any(row.status == "optimal" for row in rows):
            label = name if name == OURS or name not in kinds else _short(kinds[name].title, name)
            points = tuple(_points(rows))
            lines.append(Line(name, label, place, points))
    return lines


def _points(rows: Iterable[Row]) -> Iterable[Point]:
    for row in sorted(rows, key=lambda row: row.tasks):
        if row.status == "optimal" or row.status in STOPPED:
            yield Point(row.tasks, row.seconds, row.peak_mib, row.status in STOPPED)


def _short(title: str, name: str) -> str:
    """Return a title that fits beside a line."""
    return title if len(title) <= len("HiGHS") else name
