"""What clusters cost: the time in which their nodes were paid for, at the price of their launch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

from catalog.errors import UserError
from sky.control.handles import launched_resources
from sky.control.records import ClusterRecord, Lifetime, UsageInterval
from sky.control.state import open_store
from sky.statuses import ClusterStatus

_DAY_S = 86_400
MAX_DAYS_APART = 92
"""Above this many days costs are summed by month."""


@dataclass(frozen=True, slots=True)
class ClusterCost:
    """One cluster, gone ones too, and what was paid for it in a window of time.

    ``status`` is ``None`` for one that is gone, ``intervals`` lie in the window, the oldest first.
    """

    life: Lifetime
    status: ClusterStatus | None
    intervals: tuple[UsageInterval, ...]
    now: int

    @property
    def duration_s(self) -> int:
        """How long its nodes were paid for."""
        return sum(interval.seconds(self.now) for interval in self.intervals)

    @property
    def hourly_micro_usd(self) -> int:
        """What an hour of all its nodes cost when it was launched."""
        return self.life.offer.price_micro_usd * self.life.num_nodes

    @property
    def cost_micro_usd(self) -> int:
        """What was paid."""
        return sum(interval.cost_micro_usd(self.now) for interval in self.intervals)


def costs(days: int | None = None) -> list[ClusterCost]:
    """Return what each cluster cost in the last ``days`` days, or since ever, the newest launch first.

    Those that had no node in that time are left out. Raises ``UserError`` unless ``days`` is positive.
    """
    if days is not None and days < 1:
        raise UserError(f"days: {days} is not a number of days; write 1 or more")
    store = open_store()
    now = store.now()
    since = 0 if days is None else now - days * _DAY_S
    paid: dict[str, list[UsageInterval]] = defaultdict(list)
    for interval in store.usage():
        if interval.ended_at is None or interval.ended_at > since:
            paid[interval.cluster_id].append(replace(interval, started_at=max(interval.started_at, since)))
    live = {record.cluster_id: record for record in store.records()}
    return [
        _cost(life, live.get(life.cluster_id), tuple(paid[life.cluster_id]), now)
        for life in store.lifetimes()
        if life.cluster_id in paid
    ]


def _cost(
    life: Lifetime, record: ClusterRecord | None, intervals: tuple[UsageInterval, ...], now: int
) -> ClusterCost:
    if record is None:
        return ClusterCost(life, None, intervals, now)
    current = replace(life, name=record.name, last_use=record.last_use)
    return ClusterCost(current, record.status, intervals, now)


def cost_report(days: int | None = None) -> list[dict[str, Any]]:
    """Return what each cluster cost, those that are gone too, the newest launch first.

    Each is a dict with ``name, launched_at, duration`` (seconds in which its nodes were paid for: stopped
    ones are not), ``last_use, num_nodes, resources`` (of one node), ``cluster_hash, usage_intervals`` (pairs
    of epoch seconds, the second ``None`` while it lasts), ``status`` (``None`` for one that is gone),
    ``total_cost`` (USD, at the price of its launch) and ``owner, terminated_at, price_usd_per_hour`` (of all
    nodes). ``days`` counts the last days only. Nobody is asked: see ``status(refresh=True)``.
    """
    return [
        {
            "name": each.life.name,
            "launched_at": each.life.created_at,
            "duration": each.duration_s,
            "last_use": each.life.last_use,
            "num_nodes": each.life.num_nodes,
            "resources": launched_resources(each.life.offer),
            "cluster_hash": each.life.cluster_id,
            "usage_intervals": [(interval.started_at, interval.ended_at) for interval in each.intervals],
            "status": each.status,
            "total_cost": each.cost_micro_usd / 1_000_000,
            "owner": each.life.owner,
            "terminated_at": each.life.closed_at,
            "price_usd_per_hour": each.hourly_micro_usd / 1_000_000,
        }
        for each in costs(days)
    ]


def by_date(clusters: Sequence[ClusterCost]) -> list[tuple[date, int]]:
    """Return what all of them cost together, in micro-USD, on each day (UTC) from the first to now.

    Over more than ``MAX_DAYS_APART`` days it is each month, by its first day.
    """
    if not clusters:
        return []
    now = clusters[0].now
    intervals = [interval for each in clusters for interval in each.intervals]
    first, last = _day(min(interval.started_at for interval in intervals)), _day(now)
    by_month = (last - first).days > MAX_DAYS_APART
    starts = [first.replace(day=1) if by_month else first]
    while starts[-1] <= last:
        starts.append(_next_month(starts[-1]) if by_month else starts[-1] + timedelta(days=1))
    return [
        (start, sum(_within(interval, _seconds(start), _seconds(end), now) for interval in intervals))
        for start, end in pairwise(starts)
    ]


def _within(interval: UsageInterval, start: int, end: int, now: int) -> int:
    """Return what the part of ``interval`` between two times cost, in micro-USD."""
    ended_at = now if interval.ended_at is None else interval.ended_at
    part = replace(interval, started_at=max(start, interval.started_at), ended_at=min(end, ended_at))
    return part.cost_micro_usd(now)


def _day(at: int) -> date:
    return datetime.fromtimestamp(at, timezone.utc).date()


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp())


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
