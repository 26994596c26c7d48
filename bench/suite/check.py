"""Check: which of our rows are worse than what is kept, in speed against HiGHS, in value or in proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench import baseline
from bench.sample import ROOT
from bench.suite.known import Known
from bench.suite.row import OURS, Row

FILE = ROOT / "bench" / "suite_baseline.json"

SLOWER = 1.5
"""The ratio to HiGHS may grow by this factor, and be this large at most."""

SLACK_S = 0.005
"""What a busy machine adds to any run; less than that is no regression."""

Kept = Mapping[str, Mapping[str, Any]]
BestKnown = Mapping[tuple[str, str], Known]


def name_of(row: Row) -> str:
    """Return how the baseline names our row."""
    return f"{row.instance} {row.objective}"


def regressions(rows: Iterable[Row], kept: Kept, known: BestKnown) -> list[str]:
    """Say which rows are past a bound, what they are and what they should be."""
    worse = []
    for row in rows:
        if row.status == "error":
            worse.append(f"{name_of(row)}: {row.competitor} is wrong: {row.note}")
        if row.competitor == OURS and row.status != "error":
            before = kept.get(name_of(row), {})
            worse += _speed(row, before) + _quality(row, before, known.get((row.instance, row.objective)))
    return worse


def _speed(row: Row, before: Mapping[str, Any]) -> list[str]:
    if not row.ratio_to_highs:
        return []
    reference = row.seconds / row.ratio_to_highs
    limits = {"at most": SLOWER}
    if before.get("ratio") is not None and not before.get("ratio_is_bound"):
        limits["the baseline has"] = before["ratio"]
    return [
        f"{name_of(row)}: ratio to HiGHS {row.ratio_to_highs:.2f}, {said} {limit:.2f}"
        for said, limit in limits.items()
        if row.seconds > (SLOWER if said == "at most" else SLOWER * limit) * reference + SLACK_S
    ]


def _quality(row: Row, before: Mapping[str, Any], known: Known | None) -> list[str]:
    best = known.value if known else None
    if best is not None and (row.value is None or row.value > best):
        return [f"{name_of(row)}: {row.value or 'no plan'}, the best known is {best}"]
    if before.get("status") in ("optimal", "infeasible") and row.status != before["status"]:
        return [f"{name_of(row)}: {row.status}, {before['status']} in the baseline"]
    return []


def save(rows: Iterable[Row]) -> None:
    """Keep these figures, and those of the rows that did not run."""
    found = {
        name_of(row): {
            "ratio": None if row.ratio_to_highs is None else round(row.ratio_to_highs, 4),
            "ratio_is_bound": row.ratio_is_bound,
            "seconds": round(row.seconds, 4),
            "status": row.status,
            "value": row.value,
        }
        for row in rows
        if row.competitor == OURS and row.status != "error"
    }
    baseline.write(FILE, baseline.load(FILE) | found)
