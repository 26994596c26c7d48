"""Competitors: one line each over everything they were measured on."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from bench.report import figure_text
from bench.report.document import Section, Table, Text
from bench.report.results import ANSWERED, PROVEN, Suite
from bench.suite.row import OURS, Row

HEAD = (
    *("competitor", "measured", "answered", "proven", "share proven", "median gap", "largest gap"),
    *("both answered", "both proved", "peak MiB", "errors"),
)

Rows = Mapping[tuple[str, str], Row]


def section(suite: Suite) -> Section:
    """Return the section."""
    ours = suite.of(OURS)
    rows = tuple(_line(name, suite.of(name), ours) for name in suite.competitors)
    text = (
        "Over all instances and both objectives that a competitor was run on. `both answered` and `both "
        "proved` are geometric means of its seconds over ours on such rows: above 1 it is slower. Less than "
        f"{figure_text.RESOLUTION_S * 1e3:g} ms counts as that. A gap is over the best known plan. What a "
        "competitor does not support counts as measured and not proven. `peak MiB` is the largest."
    )
    return Section("Competitors", (Text(text), Table(HEAD, "lrrrrrrrrrr", rows)))


def _line(name: str, theirs: Rows, ours: Rows) -> tuple[str, ...]:
    answered = [row for row in theirs.values() if row.status in ANSWERED]
    proven = [row for row in answered if row.status in PROVEN]
    gaps = [row.gap for row in answered if row.gap is not None]
    return (
        f"`{name}`",
        str(len(theirs)),
        str(len(answered)),
        str(len(proven)),
        figure_text.percent(len(proven) / len(theirs)),
        figure_text.percent(statistics.median(gaps) if gaps else None),
        figure_text.percent(max(gaps, default=None)),
        _mean(theirs, ours, ANSWERED),
        _mean(theirs, ours, PROVEN),
        figure_text.mib(max(row.peak_mib for row in theirs.values())),
        str(sum(row.status == "error" for row in theirs.values())),
    )


def _mean(theirs: Rows, ours: Rows, statuses: tuple[str, ...]) -> str:
    """Return the geometric mean of their time over ours, where both ended with one of ``statuses``."""
    ratios = [
        max(row.seconds, figure_text.RESOLUTION_S) / max(ours[key].seconds, figure_text.RESOLUTION_S)
        for key, row in theirs.items()
        if key in ours and row.status in statuses and ours[key].status in statuses
    ]
    return figure_text.factor(statistics.geometric_mean(ratios) if ratios else None)
