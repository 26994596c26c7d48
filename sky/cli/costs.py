"""``sky cost-report``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from catalog.errors import UserError
from sky.cli.options import json_option

if TYPE_CHECKING:
    from sky.control.costs import ClusterCost

DEFAULT_DAYS = 30
_BAR_WIDTH = 40
_FULL, _HALF = "█", "▌"
_CSV_COLUMNS = (
    *("name", "cluster_hash", "owner", "status", "launched_at", "terminated_at", "duration_s", "num_nodes"),
    *("cloud", "region", "zone", "instance_type", "accelerators", "use_spot"),
    *("price_usd_per_hour", "total_cost_usd", "last_use"),
)


@click.command("cost-report")
@click.option("--all", "-a", "show_all", is_flag=True, help="Since ever, not the last days only.")
@click.option(
    "--days", type=click.IntRange(min=1), metavar="N", help=f"The last N days; {DEFAULT_DAYS} unless given."
)
@click.option("--plot", is_flag=True, help="Show also what each day cost, as bars.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, and nothing else, on stdout.")
@json_option
def cost_report_command(*, show_all: bool, days: int | None, plot: bool, as_csv: bool, as_json: bool) -> None:
    """Show what clusters cost, those that are gone too.

    Time counts while nodes were paid for, not while they were stopped, at the price of the offer when the
    cluster was launched. Disks and traffic are not counted. What changed outside shows so after
    `sky status --refresh`.

    \b
    Examples:
      sky cost-report
      sky cost-report --days 7 --plot
      sky cost-report --all --csv > costs.csv
    """
    from sky.control.costs import costs

    if show_all and days is not None:
        raise UserError("sky cost-report: give either --all or --days")
    if sum((as_csv, as_json, plot)) > 1:
        raise UserError("sky cost-report: give one of --json, --csv and --plot")
    window = None if show_all else (days or DEFAULT_DAYS)
    found = costs(window)
    total = sum(each.cost_micro_usd for each in found)
    if as_json:
        from sky.cli.render import show_json

        clusters = [_plain(each) for each in found]
        show_json({"days": window, "total_cost_usd": total / 1_000_000, "clusters": clusters})
    elif as_csv:
        _show_csv([_plain(each) for each in found])
    else:
        _show(found, total, window)
        if plot:
            _show_bars(found)


def _plain(each: ClusterCost) -> dict[str, Any]:
    key = each.life.offer.key
    return {
        "name": each.life.name,
        "cluster_hash": each.life.cluster_id,
        "owner": each.life.owner,
        "status": each.status.name if each.status else None,
        "launched_at": each.life.created_at,
        "terminated_at": each.life.closed_at,
        "duration_s": each.duration_s,
        "usage_intervals": [[interval.started_at, interval.ended_at] for interval in each.intervals],
        "num_nodes": each.life.num_nodes,
        "cloud": key.cloud,
        "region": key.region,
        "zone": key.zone or None,
        "instance_type": key.instance_type,
        "accelerators": {key.accelerator: key.accelerator_count_milli / 1_000} if key.accelerator else None,
        "use_spot": key.market.value == "spot",
        "price_usd_per_hour": each.hourly_micro_usd / 1_000_000,
        "total_cost_usd": each.cost_micro_usd / 1_000_000,
        "last_use": each.life.last_use,
    }


def _show_csv(clusters: Sequence[dict[str, Any]]) -> None:
    import csv
    import sys

    writer = csv.DictWriter(sys.stdout, _CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for each in clusters:
        accelerators = "+".join(f"{name}:{count:g}" for name, count in (each["accelerators"] or {}).items())
        times = {name: _iso(each[name]) for name in ("launched_at", "terminated_at")}
        writer.writerow({**each, **times, "accelerators": accelerators})


def _iso(at: int | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, timezone.utc).isoformat()


def _show(found: Sequence[ClusterCost], total_micro_usd: int, days: int | None) -> None:
    from catalog.units import format_seconds, format_usd
    from sky.cli.render import ago, show_table
    from sky.control.handles import offer_text

    when = "since ever" if days is None else f"in the last {days} day{'s' if days > 1 else ''}"
    if not found:
        click.echo(f"No cluster had a node {when}.")
        return
    now = time.time()
    rows = [
        (
            each.life.name,
            ago(each.life.created_at, now),
            format_seconds(each.duration_s),
            offer_text(each.life.offer, each.life.num_nodes),
            each.status.name if each.status else "TERMINATED",
            format_usd(each.hourly_micro_usd),
            format_usd(each.cost_micro_usd),
        )
        for each in found
    ]
    columns = ("NAME", "LAUNCHED", "DURATION", "RESOURCES", "STATUS", "COST/hr", "COST (est.)")
    show_table(columns, rows, right=("DURATION", "COST/hr", "COST (est.)"), wrap=("NAME", "RESOURCES"))
    plural = "s" if len(found) > 1 else ""
    click.echo(f"Total {when}: {format_usd(total_micro_usd)}, {len(found)} cluster{plural}")


def _show_bars(found: Sequence[ClusterCost]) -> None:
    """Print a bar for each day (or month), the dearest one full width."""
    from catalog.units import format_usd
    from sky.cli.render import show_table
    from sky.control.costs import by_date

    dates = by_date(found)
    if not dates:
        return
    dearest = max(cost for _, cost in dates) or 1
    rows = [(day.isoformat(), format_usd(cost), _bar(cost, dearest)) for day, cost in dates]
    click.echo()
    show_table(("FROM (UTC)", "COST", ""), rows, right=("COST",))


def _bar(cost: int, dearest: int) -> str:
    halves = round(2 * _BAR_WIDTH * cost / dearest)
    if cost and not halves:
        halves = 1
    return _FULL * (halves // 2) + _HALF * (halves % 2)
