"""Commands: how long the product's own commands take, each beside its reference."""

from __future__ import annotations

from bench.case import Case, Outcome, registry
from bench.report.document import Code, Points, Section, Table, Text
from bench.report.promise import of_command
from bench.report.results import Commands
from bench.report.sections.promises import mark

TITLE = "Commands"
HEAD = ("case", "ours", "reference", "seconds", "ratio", "noise", "MiB", "promise")
ABOUT = "How long the product's commands take, each beside what it is held against, run in turns."


def section(commands: Commands | None) -> Section:
    """Return the section; without measurements it says how to get them."""
    if commands is None:
        return Section(TITLE, (Text("Not measured here. This does it:"), Code("python -m bench")))
    cases = registry()
    outcomes = sorted(commands.outcomes.items())
    rows = tuple(_row(name, cases[name], outcome) for name, outcome in outcomes if name in cases)
    return Section(TITLE, (Text(ABOUT), Table(HEAD, "lllrrrrl", rows), _how_to_read()))


def _row(name: str, case: Case, outcome: Outcome) -> tuple[str, ...]:
    return (
        f"`{name}`",
        case.subject,
        case.reference,
        f"{outcome.seconds:.3f}",
        f"{outcome.ratio:.2f}",
        f"{outcome.noise:.0%}",
        f"{outcome.peak_mib:.0f}" if outcome.peak_mib else "",
        "; ".join(f"{each.says} {mark(each)}" for each in of_command(name, case, outcome)),
    )


def _how_to_read() -> Points:
    return Points(
        (
            "seconds is the median of our runs; ratio is that over the reference's median, run in turns.",
            "noise is the spread of the middle half of our runs. Past 20 % the machine was busy.",
            "Hosts are Linux machines with an sshd and a network of their own, made of namespaces here.",
            "A case checks that its result is right before its time counts.",
        )
    )
