"""Peers: released optimizers of the same kind on the same requests and offers."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from bench.peers.compare import OURS as SKY
from bench.peers.compare import Row as PeerRow
from bench.peers.requests import requests
from bench.report import difference, figure_text
from bench.report.difference import AS_GOOD, differences, miscounts
from bench.report.document import Block, Code, Figure, Heading, Section, Table, Text
from bench.report.figure_text import NONE, RESOLUTION_S
from bench.report.plots.dots import Series, dots_svg
from bench.report.plots.style import TIMES
from bench.report.results import ANSWERED, PROVEN, Peers

TITLE = "Peers"
COSTS = {1.0: "1", 1.5: "1.5", 2.0: "2", 3.0: "3", 5.0: "5", 10.0: "10", 20.0: "20", 50.0: "50", 100.0: "100"}
SUMMARY = (
    *("optimizer", "answered", "proven", "as cheap", "dearest plan", "median time", "median times ours"),
    *("largest times ours", "median first", "largest peak MiB"),
)
HEAD = (
    *("request", "minimises", "tasks", "status", "time", "times ours", "first", "peak MiB", "plan costs"),
    *("cost ratio", "plan time ratio", "note"),
)

ABOUT = (
    "Each optimizer gets the offers that it can read and the same requests, without network. `cost ratio` "
    "is the cost of its plan, by our data, over the proven best plan on the offers that it was given: fewer "
    "offers are not held against it. `time` is the median of warm runs; `first` also builds the request and "
    "reads the catalog."
)

Rows = Mapping[str, PeerRow]


def section(peers: Peers | None) -> Section:
    """Return the section; without measurements it says how to get them."""
    if peers is None:
        text = "Not measured here. This makes an environment for each peer and asks it the same requests:"
        return Section(TITLE, (Text(text), Code("make bench-peers\nmake bench-report")))
    ours = peers.of(SKY)
    blocks: list[Block] = [
        Text(ABOUT),
        Table(SUMMARY, "lrrrrrrrrr", tuple(_summary(name, peers, ours) for name in (SKY, *peers.names))),
        _cost_plot(peers),
        _time_plot(peers),
        Heading("Why the plans differ"),
        *_reasons(peers),
    ]
    for name in (SKY, *peers.names):
        rows = tuple(_line(row, ours[row.request]) for row in peers.of(name).values())
        blocks += [Heading(f"Every request: `{name}`"), Table(HEAD, "llrlrrrrrrrl", rows)]
    return Section(TITLE, tuple(blocks))


def times_ours(row: PeerRow, ours: PeerRow) -> float | None:
    """Return how many times as long as ours a peer took."""
    if row.seconds is None or ours.seconds is None:
        return None
    return row.seconds / max(ours.seconds, RESOLUTION_S)


def _summary(name: str, peers: Peers, ours: Rows) -> tuple[str, ...]:
    rows = peers.of(name).values()
    ratios = {row.request: row.cost_ratio for row in rows if row.cost_ratio is not None}
    times = [row.seconds for row in rows if row.seconds is not None]
    firsts = [row.first_seconds for row in rows if row.first_seconds is not None]
    factors = [each for row in rows if (each := times_ours(row, ours[row.request])) is not None]
    dearest = max(ratios, key=lambda request: ratios[request], default="")
    return (
        f"`{name}` {peers.versions.get(name, '')}".strip(),
        figure_text.share(
            sum(row.status in ANSWERED and row.cost_ratio is not None for row in rows), len(rows)
        ),
        str(sum(row.status in PROVEN and row.cost_ratio is not None for row in rows)),
        figure_text.share(sum(ratio <= AS_GOOD for ratio in ratios.values()), len(ratios)),
        f"{figure_text.factor(ratios[dearest])} ({dearest})" if dearest else NONE,
        figure_text.seconds(statistics.median(times) if times else None),
        figure_text.factor(statistics.median(factors) if factors else None),
        figure_text.factor(max(factors, default=None)),
        figure_text.seconds(statistics.median(firsts) if firsts else None),
        figure_text.mib(max((row.peak_mib or 0 for row in rows), default=None)),
    )


def _line(row: PeerRow, ours: PeerRow) -> tuple[str, ...]:
    return (
        *(row.request, row.objective, str(row.tasks), row.status, figure_text.seconds(row.seconds)),
        figure_text.factor(times_ours(row, ours)),
        *(
            figure_text.seconds(row.first_seconds),
            figure_text.mib(row.peak_mib),
            figure_text.usd(row.cost_usd),
        ),
        *(figure_text.factor(row.cost_ratio), figure_text.factor(row.time_ratio), row.note),
    )


def _cost_plot(peers: Peers) -> Figure:
    figures = [
        {row.request: row.cost_ratio for row in peers.of(name).values() if row.cost_ratio is not None}
        for name in peers.names
    ]
    worst = {
        request: max((each[request] for each in figures if request in each), default=0)
        for request in peers.of(SKY)
    }
    ordered = sorted(worst, key=lambda request: -worst[request])
    series = [
        Series(name, at, each) for at, (name, each) in enumerate(zip(peers.names, figures, strict=True), 1)
    ]
    title = "plan cost over the proven best"
    caption = f"{title}, by request, of {' and '.join(peers.names)}; a cross is no plan"
    return Figure("peers-cost", caption, dots_svg(title, ordered, series, COSTS, best=1.0))


def _time_plot(peers: Peers) -> Figure:
    names = [SKY, *peers.names]
    figures = [
        {row.request: max(row.seconds, RESOLUTION_S) for row in peers.of(name).values() if row.seconds}
        for name in names
    ]
    longest = {
        request: max((each[request] for each in figures if request in each), default=0)
        for request in peers.of(SKY)
    }
    ordered = sorted(longest, key=lambda request: -longest[request])
    series = [Series(name, at, each) for at, (name, each) in enumerate(zip(names, figures, strict=True))]
    title = "time of a warm run"
    caption = f"{title}, by request, of {', '.join(names)}; a cross is no answer"
    return Figure("peers-time", caption, dots_svg(title, ordered, series, TIMES))


def _reasons(peers: Peers) -> list[Block]:
    found = list(differences(peers, requests()))
    rows = []
    for name in peers.names:
        mine = [each for each in found if each.row.competitor == name]
        for reason in dict.fromkeys(each.reason for each in mine):
            those = [each.row for each in mine if each.reason == reason]
            told = ", ".join(f"{row.request} ({_extent(row)})" for row in those)
            rows.append((name, reason, told))
    if not rows:
        return [Text("They do not.")]
    told = "What a peer counts is its own word; the other reasons are read from what the request asks for."
    blocks: list[Block] = [Text(told), Table(("peer", "why", "requests (cost ratio)"), "lll", tuple(rows))]
    wrong = tuple(
        (
            *(
                each.row.competitor,
                each.row.request,
                figure_text.usd(each.counted),
                figure_text.usd(each.costs),
            ),
            *(figure_text.usd(each.best), figure_text.usd(each.costs - each.counted)),
        )
        for each in miscounts(peers)
    )
    if wrong:
        head = ("peer", "request", "it counts", "its plan costs", "best plan", "not counted")
        blocks += [
            Text("What a peer counts, and what its plan costs by our tariffs:"),
            Table(head, "llrrrr", wrong),
        ]
    return blocks


def _extent(row: PeerRow) -> str:
    if row.cost_ratio is None:
        return f"{row.status}: {row.note}" if row.note else row.status
    return difference.says(row)
