"""Difference: why a peer's plan is not ours, as far as its row and the request tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.peers.compare import BY_THE_HOUR
from bench.peers.compare import Row as PeerRow
from bench.peers.requests import Request
from bench.report import figure_text
from bench.report.results import Peers

AS_GOOD = 1.0005
"""A ratio below counts as equal: prices are rounded."""

MOVES = "It counts less than its plan costs: traffic between regions of one cloud is free to it, and billed."
TIES = (
    "It minimised time and reached the least, but does not take the cheapest of the plans that are as quick."
)
BLOCKED = "An offer is blocked: it keeps one machine a cloud and goes to another cloud without that one."
MACHINES = "No accelerator is asked for: it looks at a few machine families of each cloud."
NO_PLAN = "No plan."
HOURLY = "It chose an offer that is none of our candidates; compared by the hour."
UNKNOWN = "No reason is recorded."

_COUNTED = re.compile(r"it counts \$([\d.]+)")


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that differs, and why."""

    row: PeerRow
    reason: str


@dataclass(frozen=True, slots=True)
class Miscount:
    """What a peer says its plan costs, what it costs, and what the best plan on its offers costs, in USD."""

    row: PeerRow
    counted: float
    costs: float
    best: float


def differences(peers: Peers, requests: Mapping[str, Request]) -> Iterator[Difference]:
    """Yield every row of a peer that has no plan, or a plan that is not as good as ours."""
    for name in peers.names:
        for row in peers.of(name).values():
            if reason := _reason(row, requests.get(row.request)):
                yield Difference(row, reason)


def miscounts(peers: Peers) -> Iterator[Miscount]:
    """Yield the rows where a peer's own total is not what its plan costs."""
    for name in peers.names:
        for row in peers.of(name).values():
            counted = _COUNTED.search(row.note)
            if counted and row.cost_usd and row.cost_ratio:
                yield Miscount(row, float(counted[1]), row.cost_usd, row.cost_usd / row.cost_ratio)


def says(row: PeerRow) -> str:
    """Return a row's cost ratio, or why it has none."""
    return row.status if row.cost_ratio is None else figure_text.factor(row.cost_ratio)


def _reason(row: PeerRow, request: Request | None) -> str:
    if row.status not in ("feasible", "optimal") or row.cost_ratio is None:
        return NO_PLAN
    if row.note.endswith(BY_THE_HOUR):
        return HOURLY
    if max(row.cost_ratio, row.time_ratio or 1) <= AS_GOOD:
        return ""
    if _COUNTED.search(row.note):
        return MOVES
    if row.objective == "time" and (row.time_ratio or 1) <= AS_GOOD:
        return TIES
    if request and request.blocked:
        return BLOCKED
    if request and not any("accelerators" in option for task in request.tasks for option in task.options):
        return MACHINES
    return UNKNOWN
