"""Weaknesses: every place where ours is not the best, found in the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bench.peers.compare import OURS as SKY
from bench.report import figure_text
from bench.report.document import Block, Fold, Heading, Section, Table, Text
from bench.report.promise import bound_gap, timed, verdicts
from bench.report.ratio import ratio_of
from bench.report.results import PROVEN, Peers, Results, Suite
from bench.report.sections.families import took
from bench.report.sections.peers import times_ours
from bench.suite.row import OURS, REFERENCE, Row

TIE_BREAK = "tie-break is not proven"

Cells = Sequence[tuple[str, ...]]


def section(results: Results) -> Section:
    """Return the section. What is empty is said to be so."""
    suite, peers = results.suite, results.peers
    where = ("instance", "minimises")
    versus = ("rows", "of", "largest factor", "at")
    bounds = ("status", "above best known", "above its bound", "time", "HiGHS")
    late = ("to the proof", "total", "HiGHS")
    parts: list[tuple[str, str, tuple[str, ...], Cells]] = [
        ("Promises missed", "lll", ("promise", "of", "measured"), _missed(results)),
        ("Not proven by ours", "lllrrrr", (*where, *bounds), _unproven(suite)),
        ("A worse plan than the best known", "llr", (*where, "gap"), _worse(suite)),
        ("Slower than HiGHS to the same proof", "llrrr", (*where, "ratio", "ours", "HiGHS"), _slower(suite)),
        ("HiGHS proved before our tie-break ended", "llrrr", (*where, *late), _late(suite)),
        ("Proof within the promise, whole answer not", "llr", ("promise", "instance", "total"), _over(suite)),
        ("Tie-break not proven, so the plan need not be unique", "lll", (*where, "note"), _loose(suite)),
        ("Slower than another who proved the same", "lrrrl", ("competitor", *versus), _beaten(suite)),
        ("More memory than another who answered", "lrrrl", ("competitor", *versus), _fatter(suite)),
    ]
    blocks: list[Block] = [Text("Found in the figures above, by program. An empty part says `none`.")]
    for title, align, head, rows in parts:
        blocks += _part(title, head, align, rows)
    blocks += _fold(suite)
    if peers:
        blocks += _part("Worse than a peer", ("peer", "in", *versus), "llrrrl", _by_peers(peers))
    return Section("Where we are worse", tuple(blocks))


def _part(title: str, head: tuple[str, ...], align: str, rows: Cells) -> list[Block]:
    return [Heading(title), Table(head, align, tuple(rows)) if rows else Text("`none`")]


def _missed(results: Results) -> Cells:
    told = verdicts(results.suite, results.commands)
    return [(each.says, each.instance, each.measured) for each in told if not each.kept]


def _unproven(suite: Suite) -> Cells:
    return [
        (
            *(ours.instance, ours.objective, ours.status, figure_text.percent(ours.gap)),
            *(figure_text.percent(bound_gap(ours)), took(ours), took(theirs)),
        )
        for ours, theirs in suite.pairs()
        if ours.status not in PROVEN
    ]


def _worse(suite: Suite) -> Cells:
    return [
        (row.instance, row.objective, figure_text.percent(row.gap))
        for row in suite.of(OURS).values()
        if row.gap
    ]


def _slower(suite: Suite) -> Cells:
    found = [(ours, theirs, ratio_of(ours, theirs)) for ours, theirs in suite.pairs()]
    return [
        (ours.instance, ours.objective, str(ratio), took(ours), took(theirs))
        for ours, theirs, ratio in found
        if ratio and (ratio.sign == ">" or ratio.value > 1)
    ]


def _late(suite: Suite) -> Cells:
    return [
        (
            *(ours.instance, ours.objective, figure_text.seconds(ours.seconds)),
            *(figure_text.seconds(ours.total_seconds), figure_text.seconds(theirs.seconds)),
        )
        for ours, theirs in suite.pairs()
        if ours.status in PROVEN
        and theirs.status in PROVEN
        and ours.seconds <= theirs.seconds < ours.total_seconds
    ]


def _over(suite: Suite) -> Cells:
    return [
        (each.verdict.says, each.row.instance, figure_text.seconds(each.row.total_seconds))
        for each in timed(suite)
        if each.verdict.kept and each.row.total_seconds > each.promise.limit_s
    ]


def _loose(suite: Suite) -> Cells:
    return [
        (row.instance, row.objective, row.note) for row in suite.of(OURS).values() if TIE_BREAK in row.note
    ]


def _beaten(suite: Suite) -> Cells:
    def seconds(row: Row) -> float:
        return max(row.seconds, figure_text.RESOLUTION_S) if row.status in PROVEN else 0

    return _more_than_others(suite, seconds)


def _fatter(suite: Suite) -> Cells:
    return _more_than_others(suite, _memory)


def _memory(row: Row) -> float:
    return row.peak_mib if row.status in (*PROVEN, "feasible") else 0


def _more_than_others(suite: Suite, figure: Callable[[Row], float]) -> Cells:
    """Return, for each competitor, on how many rows our figure is larger, and where most; 0 is no figure."""
    ours = suite.of(OURS)
    lines: list[tuple[str, ...]] = []
    for name in suite.competitors[1:]:
        both = [
            (f"{row.instance} {row.objective}", figure(ours[key]) / figure(row))
            for key, row in suite.of(name).items()
            if key in ours and figure(row) and figure(ours[key])
        ]
        lines += _line((f"`{name}`",), both)
    return lines


def _line(names: tuple[str, ...], factors: Iterable[tuple[str, float]]) -> Cells:
    """Return the line for these factors of ours over another's; none if ours is never larger."""
    factors = list(factors)
    larger = [(where, factor) for where, factor in factors if factor > 1]
    if not larger:
        return []
    where, most = max(larger, key=lambda pair: pair[1])
    return [(*names, str(len(larger)), str(len(factors)), figure_text.factor(most), where)]


def _fold(suite: Suite) -> list[Block]:
    rows = tuple(
        (
            *(
                ours.instance,
                ours.objective,
                figure_text.mib(ours.peak_mib),
                figure_text.mib(theirs.peak_mib),
            ),
            figure_text.factor(ours.peak_mib / theirs.peak_mib),
        )
        for ours, theirs in suite.pairs()
        if _memory(theirs) and _memory(ours) > _memory(theirs)
    )
    head = ("instance", "minimises", "ours, MiB", "HiGHS, MiB", "factor")
    return [Fold(f"Rows with more memory than {REFERENCE}", Table(head, "llrrr", rows))] if rows else []


def _by_peers(peers: Peers) -> Cells:
    ours = peers.of(SKY)
    lines: list[tuple[str, ...]] = []
    for name in peers.names:
        rows = peers.of(name).values()
        figures = {
            "plan cost": [(row.request, 1 / row.cost_ratio) for row in rows if row.cost_ratio],
            "plan time": [(row.request, 1 / row.time_ratio) for row in rows if row.time_ratio],
            "time": [
                (row.request, 1 / factor) for row in rows if (factor := times_ours(row, ours[row.request]))
            ],
            "peak memory": [
                (row.request, mine / row.peak_mib)
                for row in rows
                if row.peak_mib and (mine := ours[row.request].peak_mib)
            ],
        }
        for what, factors in figures.items():
            lines += _line((f"`{name}`", what), factors)
    return lines
