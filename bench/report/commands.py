"""Commands: the report of the product's own commands, each beside its reference."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from bench.case import Case, Outcome
from bench.machine import machine, versions
from bench.report.document import KEPT, MISSED, Code, Points, Report, Section, Table
from bench.report.markdown import markdown_of

COMMAND = "python -m bench --report docs/benchmarks-commands.md"


def write_report(cases: Mapping[str, Case], outcomes: Mapping[str, Outcome], file: Path) -> None:
    """Write what came out of the cases that could be measured."""
    file.write_text(markdown_of(_report(cases, outcomes), "", COMMAND), encoding="utf-8")


def _report(cases: Mapping[str, Case], outcomes: Mapping[str, Outcome]) -> Report:
    rows = tuple(_row(name, cases[name], outcome) for name, outcome in outcomes.items())
    head = ("case", "ours", "reference", "seconds", "ratio", "noise", "MiB", "promise")
    summary = "How long the product's commands take, each beside what it is held against, run in turns."
    return Report(
        "Commands",
        (summary,),
        (
            Section("Machine", (Table(("what", "is"), "ll", _facts()), Code(COMMAND))),
            Section("Figures", (Table(head, "lllrrrrl", rows), _how_to_read())),
        ),
    )


def _facts() -> tuple[tuple[str, str], ...]:
    now = datetime.now(tz=timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    found = {**machine(), **versions(), "measured": now}
    return tuple((name, str(value)) for name, value in found.items())


def _row(name: str, case: Case, outcome: Outcome) -> tuple[str, ...]:
    return (
        f"`{name}`",
        case.subject,
        case.reference,
        f"{outcome.seconds:.3f}",
        f"{outcome.ratio:.2f}",
        f"{outcome.noise:.0%}",
        f"{outcome.peak_mib:.0f}" if outcome.peak_mib else "",
        "; ".join(_promises(case, outcome)),
    )


def _promises(case: Case, outcome: Outcome) -> list[str]:
    limits = (
        (case.target_ratio, outcome.ratio, ""),
        (case.target_s, outcome.seconds, " s"),
        (case.target_mib, outcome.peak_mib, " MiB"),
    )
    return [
        f"{limit:g}{unit or ' times'} {KEPT if value <= limit else MISSED}"
        for limit, value, unit in limits
        if limit is not None
    ]


def _how_to_read() -> Points:
    return Points(
        (
            "seconds is the median of our runs; ratio is that over the reference's median, run in turns.",
            "noise is the spread of the middle half of our runs. Past 20 % the machine was busy.",
            "Hosts are Linux machines with an sshd and a network of their own, made of namespaces here.",
            "A case checks that its result is right before its time counts.",
        )
    )
