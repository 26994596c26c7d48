"""Quality: what of a fetched table may be published.

Rows that a gate doubts are *quarantined*: set apart with the reason, while the offer in use, if there is one,
stays. A source that a gate doubts as a whole is *held back*: all its cloud's offers in use stay. A gate that
is named as accepted is overruled.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from catalog.errors import UserError
from catalog.facts import tidied
from catalog.gates.coverage import SOURCE_GATES
from catalog.gates.peers import ALONE_GATE, LOCAL_GATE, MOVED_GATE, PEERS_GATE
from catalog.gates.rows import ROW_GATES
from catalog.gates.subject import RowGate, SourceGate, Subject

QUARANTINED_SHARE = 0.05
"""A source of whose rows more than this share is quarantined is held back."""

_FEW_DOUBTS = "doubtful"
GATES: dict[str, str] = {
    **{gate.name: gate.summary for gate in (*ROW_GATES, ALONE_GATE, LOCAL_GATE, PEERS_GATE)},
    **{gate.name: gate.summary for gate in (*SOURCE_GATES, MOVED_GATE)},
    _FEW_DOUBTS: "at most 5 % of the rows are quarantined",
}
"""Name -> what a table must fulfil to pass that gate."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one gate found: ``rows`` that it doubts (0 where it doubts the source as a whole), and why.

    ``accepted`` says that the gate was overruled, so it had no effect.
    """

    gate: str
    rows: int
    reason: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The facts that may be published, those in quarantine (with ``gate`` and ``reason``), and the findings.

    ``held_back`` says that nothing of the source may be published.
    """

    passed: pa.Table
    quarantined: pa.Table
    findings: tuple[Finding, ...]
    held_back: bool


def judge(cloud: str, facts: pa.Table, before: pa.Table, accept: Collection[str] = ()) -> Verdict:
    """Return the verdict on ``facts`` of one cloud, beside ``before``, that cloud's offers in use.

    ``accept`` names the gates to overrule. Raises ``UserError`` for a name that is no gate.
    """
    check_names(accept)
    findings: list[Finding] = []
    apart: list[pa.Table] = []
    table = tidied(facts)
    whole = Subject(cloud, table, before)
    held = _hold(SOURCE_GATES[:2], whole, accept, findings)
    for gate in ROW_GATES:
        table = _sift(gate, Subject(cloud, table, before), accept, findings, apart)
    sound = Subject(cloud, table, before)
    held |= _hold((*SOURCE_GATES[2:], MOVED_GATE), sound, accept, findings)
    if not held:
        for gate in (ALONE_GATE, LOCAL_GATE, PEERS_GATE):
            table = _sift(gate, Subject(cloud, table, before), accept, findings, apart)
    quarantined = sum(part.num_rows for part in apart)
    if quarantined > QUARANTINED_SHARE * whole.rows:
        reason = f"{quarantined:,} of {whole.rows:,} rows are in quarantine"
        findings.append(Finding(_FEW_DOUBTS, 0, reason, _FEW_DOUBTS in accept))
        held |= _FEW_DOUBTS not in accept
    return Verdict(table, _together(apart, table), tuple(findings), held)


def check_names(accept: Collection[str]) -> None:
    """Raise ``UserError`` when one of these names is no gate."""
    unknown = sorted(set(accept) - GATES.keys())
    if unknown:
        raise UserError(f"there is no gate {', '.join(unknown)} to accept; gates are: {', '.join(GATES)}")


def _hold(
    gates: Collection[SourceGate], subject: Subject, accept: Collection[str], findings: list[Finding]
) -> bool:
    held = False
    for gate in gates:
        reason = gate.doubt(subject)
        if reason:
            findings.append(Finding(gate.name, 0, reason, gate.name in accept))
            held |= gate.name not in accept
    return held


def _sift(
    gate: RowGate,
    subject: Subject,
    accept: Collection[str],
    findings: list[Finding],
    apart: list[pa.Table],
) -> pa.Table:
    """Return the rows that pass; the others go ``apart`` unless the gate is accepted."""
    accepted = gate.name in accept
    doubted = np.zeros(subject.rows, np.bool_)
    for mask, reason in gate.doubts(subject):
        fresh = mask & ~doubted
        if fresh.any():
            findings.append(Finding(gate.name, int(fresh.sum()), reason, accepted))
            apart.extend([] if accepted else [_labelled(subject.facts.filter(fresh), gate.name, reason)])
            doubted |= fresh
    return subject.facts if accepted or not doubted.any() else subject.facts.filter(~doubted)


def _labelled(table: pa.Table, gate: str, reason: str) -> pa.Table:
    rows = table.num_rows
    labelled = table.append_column("gate", pa.array([gate] * rows, pa.utf8()))
    return labelled.append_column("reason", pa.array([reason] * rows, pa.utf8()))


def _together(apart: list[pa.Table], table: pa.Table) -> pa.Table:
    return pa.concat_tables(apart) if apart else _labelled(table.slice(0, 0), "", "")
