"""Gates for a source as a whole: its currency, and that it still covers what it covered."""

from __future__ import annotations

import numpy as np

from catalog.facts import USD, currency
from catalog.families import family
from catalog.gates.subject import SourceGate, Subject

ROWS_GONE = 0.2
"""A source that lost more than this share of its rows is held back,"""
FAMILY_ROWS_GONE = 0.05
"""and one whose lost families had more than this share of them."""


def _currency(subject: Subject) -> str:
    stated = currency(subject.facts)
    return "" if stated == USD else f"its prices are in {stated}, and the catalog's in {USD}"


def _empty(subject: Subject) -> str:
    return "" if subject.rows else "it returned no rows"


def _regions(subject: Subject) -> str:
    gone = sorted(set(subject.before["region"].to_pylist()) - set(subject.facts["region"].to_pylist()))
    return f"{len(gone)} regions vanished: {_some(gone)}" if gone else ""


def _families(subject: Subject) -> str:
    before = subject.before["instance_type"].to_pylist()
    known = {name: family(subject.cloud, name) for name in set(before)}
    gone = set(known.values()) - {family(subject.cloud, name) for name in _names(subject)}
    share = float(np.mean([known[name] in gone for name in before])) if before else 0.0
    if share <= FAMILY_ROWS_GONE:
        return ""
    return f"{len(gone)} families with {share:.0%} of the rows vanished: {_some(sorted(gone))}"


def _rows(subject: Subject) -> str:
    before = int(subject.before.num_rows)
    kept = len(np.unique(subject.old_row[subject.old_row >= 0]))
    share = 1 - kept / before if before else 0.0
    return f"{share:.0%} of its {before:,} rows are gone" if share > ROWS_GONE else ""


def _names(subject: Subject) -> set[str]:
    return set(subject.facts["instance_type"].to_pylist())


def _some(names: list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


SOURCE_GATES = (
    SourceGate("empty", "a source has rows", _empty),
    SourceGate("currency", f"prices are in {USD}", _currency),
    SourceGate("regions", "no region vanishes", _regions),
    SourceGate("families", "families with more than 5 % of the rows do not vanish", _families),
    SourceGate("rows", "at most a fifth of the rows vanishes", _rows),
)
