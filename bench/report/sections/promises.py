"""Promises: what was promised, what was measured, kept or missed."""

from __future__ import annotations

from bench.report import figure_text
from bench.report.document import KEPT, MISSED, Block, Heading, Section, Table, Text
from bench.report.promise import SLOWEST, Timed, Verdict, Worst, again, timed, worst
from bench.report.results import Suite


def section(suite: Suite) -> Section:
    """Return the section."""
    blocks: list[Block] = [
        Heading("Seconds, on random graphs over 60 places"),
        Text(
            "The proof decides. The last column says how long the whole answer took, with tie-break and "
            "runners-up, and whether that is over the limit."
        ),
        _timed(list(timed(suite))),
        Heading(f"Never slower than {SLOWEST:g} times HiGHS"),
        Text(
            "The worst row of each family. `<`: HiGHS was stopped without a proof, so the true ratio is "
            "smaller. `>`: ours was stopped while HiGHS proved."
        ),
        _worst(list(worst(suite))),
    ]
    if anew := list(again(suite)):
        rows = tuple((each.says, each.instance, each.measured, mark(each)) for each in anew)
        head = ("promise", "instance", "measured", "verdict")
        blocks += [Heading("Again after one more block"), Table(head, "llll", rows)]
    return Section("Promises", tuple(blocks))


def mark(verdict: Verdict) -> str:
    """Return the verdict as a word with its sign."""
    return KEPT if verdict.kept else MISSED


def _timed(found: list[Timed]) -> Table:
    rows = []
    for each in found:
        over = ", over" if each.row.total_seconds > each.promise.limit_s else ""
        total = f"{figure_text.seconds(each.row.total_seconds)}{over}"
        verdict = each.verdict
        rows.append((verdict.says, verdict.instance, verdict.measured, mark(verdict), total))
    return Table(("promise", "instance", "measured", "verdict", "total"), "lllll", tuple(rows))


def _worst(found: list[Worst]) -> Table:
    rows = tuple(
        (
            each.family,
            str(each.ratio),
            each.row.instance,
            each.row.objective,
            str(each.compared),
            mark(each.verdict),
        )
        for each in found
    )
    head = ("family", "worst ratio", "instance", "minimises", "rows compared", "verdict")
    return Table(head, "lrllrl", rows)
