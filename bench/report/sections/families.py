"""Families: one table each of our rows beside those of HiGHS, and everybody's rows on request."""

from __future__ import annotations

from bench import family
from bench.report import figure_text
from bench.report.document import Block, Fold, Heading, Points, Section, Table, Text
from bench.report.ratio import ratio_of
from bench.report.results import STOPPED, Suite
from bench.suite.row import Row

HEAD = (
    *("instance", "minimises", "status", "value", "gap", "to the proof", "total", "building", "peak MiB"),
    *("HiGHS", "HiGHS MiB", "ratio", "note"),
)
FULL = (
    *("instance", "minimises", "competitor", "status", "value", "gap", "to the proof", "total", "building"),
    *("peak MiB", "runs", "note"),
)


def section(suite: Suite) -> Section:
    """Return the section."""
    blocks: list[Block] = [Points(_legend())]
    kinds = family.registry()
    for name in suite.families:
        blocks.append(Heading(f"Family `{name}`"))
        if name in kinds:
            blocks.append(Text(f"{kinds[name].says.capitalize()}."))
        blocks += [_ours(suite, name), Fold(f"Every competitor on {name}", _everybody(suite, name))]
    return Section("Families", tuple(blocks))


def took(row: Row) -> str:
    """Return how long a row took, ``>`` where it was stopped."""
    if row.status in ("error", "unsupported"):
        return row.status
    return f"{'>' * (row.status in STOPPED)}{figure_text.seconds(row.seconds)}"


def _legend() -> tuple[str, ...]:
    return (
        "`gap` is how much the plan is above the best known one, whoever found it.",
        "`building` is the share of `to the proof` that goes into the model.",
        "`HiGHS` is its time to the proof, `>` where it was stopped; `ratio` is our time over its time.",
        "There is no ratio where neither proved, or where HiGHS was wrong.",
        "`optimal` and `infeasible` are proven, `feasible` is a plan without proof, `timeout` is no plan.",
    )


def _ours(suite: Suite, name: str) -> Table:
    rows = []
    for ours, theirs in suite.pairs():
        if ours.family != name:
            continue
        ratio = ratio_of(ours, theirs)
        rows.append(
            (
                *(ours.instance, ours.objective, *_result(ours), *_effort(ours)),
                *(took(theirs), figure_text.mib(theirs.peak_mib)),
                *(figure_text.NONE if ratio is None else str(ratio), ours.note),
            )
        )
    return Table(HEAD, "lllrrrrrrrrrl", tuple(rows))


def _everybody(suite: Suite, name: str) -> Table:
    tables = [suite.of(competitor) for competitor in suite.competitors]
    keys = dict.fromkeys(key for rows in tables for key, row in rows.items() if row.family == name)
    rows = [table[key] for key in keys for table in tables if key in table]
    cells = [
        (
            *(row.instance, row.objective, row.competitor, *_result(row), *_effort(row)),
            *(str(row.runs), row.note),
        )
        for row in rows
    ]
    return Table(FULL, "llllrrrrrrrl", tuple(cells))


def _result(row: Row) -> tuple[str, str, str]:
    return row.status, figure_text.worth(row.value, row.objective), figure_text.percent(row.gap)


def _effort(row: Row) -> tuple[str, str, str, str]:
    if row.status == "unsupported":
        return (figure_text.NONE,) * 4
    built = row.build_seconds / row.seconds if row.seconds else None
    return (
        figure_text.seconds(row.seconds),
        figure_text.seconds(row.total_seconds),
        figure_text.NONE if built is None else f"{built:.0%}".replace("%", " %"),
        figure_text.mib(row.peak_mib),
    )
