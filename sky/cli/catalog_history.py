"""``sky catalog history diff``: how prices moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from catalog.errors import UserError
from sky.cli.options import json_option

if TYPE_CHECKING:
    from catalog.history import Key, Point
    from catalog.offer import Market

_ROWS = 40
_BAR_WIDTH = 40
_FULL, _HALF = "█", "▌"
_COUNTS = ("ADDED", "GONE", "DEARER", "CHEAPER", "SPOT", "INTERRUPTION")


@click.command("diff", short_help="Show what changed between two snapshots.")
@click.argument("before")
@click.argument("after", required=False)
@click.option("--cloud", "-c", metavar="CLOUD", help="Only this one.")
@click.option("--limit", "-n", type=click.IntRange(min=0), default=_ROWS, help=f"So many offers ({_ROWS}).")
@json_option
def diff_command(*, before: str, after: str | None, cloud: str | None, limit: int, as_json: bool) -> None:
    """Show what changed from the snapshot BEFORE to AFTER (default: the one in use).

    Offers whose price moved the most come first.

    \b
    Examples:
      sky catalog diff embedded
      sky catalog diff 3fa9c1 b20d77 --cloud aws --limit 10
      sky catalog diff embedded --limit 100000 --json
    """
    import pyarrow.compute as pc

    from catalog.difference import counts, difference
    from catalog.store import find, open_snapshot
    from sky.cli.render import show_json, show_table

    old = find(before)
    new = find(after) if after is not None else open_snapshot()
    changes = difference(old.table, new.table)
    if cloud is not None:
        changes = changes.filter(pc.equal(changes["cloud"], cloud))
    counted = counts(changes)
    rows = sorted(changes.to_pylist(), key=_step, reverse=True)[:limit]
    if as_json:
        show_json(
            {
                "before": old.snapshot_id,
                "after": new.snapshot_id,
                "counts": {name: asdict(found) for name, found in counted.items()},
                "changes": [_plain(row) for row in rows],
            }
        )
        return
    if not counted:
        click.echo("No offer differs.")
        return
    table = [
        (name, *(f"{getattr(found, each.lower()):,}" for each in _COUNTS)) for name, found in counted.items()
    ]
    show_table(("CLOUD", *_COUNTS), table, right=_COUNTS)
    if rows:
        click.echo()
        columns = ("PLACE", "INSTANCE", "ACCELERATORS", "PRICE", "SPOT")
        show_table(columns, [_change_cells(row) for row in rows], wrap=("PLACE", "INSTANCE"))
    if changes.num_rows > len(rows):
        click.echo(f"{changes.num_rows - len(rows):,} more; see --limit")


@click.command("history", short_help="Show how a price moved, or all refreshes.")
@click.argument("instance_type", required=False)
@click.option("--cloud", "-c", metavar="CLOUD", help="Only this one.")
@click.option("--region", "-r", metavar="REGION", help="Only this one.")
@click.option("--zone", "-z", metavar="ZONE", help="Only this one.")
@click.option("--plot", is_flag=True, help="Show also each spot price (or price) as a bar.")
@json_option
def history_command(
    *,
    instance_type: str | None,
    cloud: str | None,
    region: str | None,
    zone: str | None,
    plot: bool,
    as_json: bool,
) -> None:
    """Show how the price of INSTANCE_TYPE moved from refresh to refresh; without it, the refreshes.

    VOLATILITY is how much the spot price (or the price, where there is no spot) moves in a month.

    \b
    Examples:
      sky catalog history
      sky catalog history p5.48xlarge --region us-east-1 --plot
      sky catalog history a3-highgpu-8g --cloud gcp --json
    """
    if instance_type is None:
        _show_refreshes(as_json)
        return
    from catalog.history import series
    from catalog.store import open_snapshot
    from catalog.volatility import volatility
    from sky.cli.render import show_json

    snapshot = open_snapshot()
    found = series(snapshot.table, snapshot.snapshot_id, instance_type, cloud=cloud, region=region, zone=zone)
    if not found:
        raise UserError(_unknown(instance_type, cloud, region, zone))
    if as_json:
        show_json(
            [
                {
                    **_plain_key(*key),
                    "volatility": round(volatility(points, _market(points)), 4),
                    "points": [_plain_point(point) for point in points],
                }
                for key, points in found.items()
            ]
        )
        return
    _show_points(found, plot)


def _show_refreshes(as_json: bool) -> None:
    from catalog.history import refreshes
    from sky.cli.render import show_json, show_table

    found = refreshes()[::-1]
    if as_json:
        show_json(
            [
                {
                    "at": each.at.isoformat(),
                    "before": each.before,
                    "snapshot": each.snapshot_id,
                    "changed": each.changed,
                    "accepted": each.accepted,
                }
                for each in found
            ]
        )
        return
    if not found:
        click.echo("No refresh has changed anything yet; the prices are those of this release.")
        return
    rows = [
        (
            f"{each.at:%Y-%m-%d %H:%M}",
            each.before[:12],
            each.snapshot_id[:12],
            f"{each.changed:,}",
            ", ".join(f"{cloud}: {' '.join(gates)}" for cloud, gates in each.accepted.items()) or "-",
        )
        for each in found
    ]
    show_table(
        ("AT (UTC)", "FROM", "TO", "CHANGED", "OVERRULED"), rows, right=("CHANGED",), wrap=("OVERRULED",)
    )


def _show_points(found: dict[Key, list[Point]], plot: bool) -> None:
    from catalog.volatility import volatility
    from sky.cli.render import show_table

    dearest = max((_plotted(point) for points in found.values() for point in points), default=0) or 1
    rows = []
    for key, points in found.items():
        for number, point in enumerate(points):
            rows.append(
                (
                    _place(key) if number == 0 else "",
                    f"{point.at:%Y-%m-%d %H:%M}" if point.at else "before",
                    _usd(point.price_micro_usd),
                    _usd(point.spot_price_micro_usd),
                    "-" if point.interruption_ppm is None else f"{point.interruption_ppm / 10_000:g}%",
                    f"{volatility(points, _market(points)):.0%}" if number == 0 and len(points) > 1 else "",
                    *([_bar(_plotted(point), dearest)] if plot else []),
                )
            )
    columns = ("PLACE", "FROM (UTC)", "PRICE", "SPOT", "INTERRUPTED", "VOLATILITY", *([""] if plot else []))
    show_table(columns, rows, right=("PRICE", "SPOT", "INTERRUPTED", "VOLATILITY"), wrap=("PLACE",))


def _market(points: Sequence[Point]) -> Market:
    from catalog.offer import Market

    return Market.SPOT if any(point.spot_price_micro_usd for point in points) else Market.ON_DEMAND


def _plotted(point: Point) -> int:
    return point.spot_price_micro_usd or point.price_micro_usd or 0


def _bar(figure: int, largest: int) -> str:
    halves = round(2 * _BAR_WIDTH * figure / largest)
    return _FULL * (halves // 2) + _HALF * (halves % 2)


def _unknown(instance_type: str, *places: str | None) -> str:
    from difflib import get_close_matches

    from catalog.names import names

    index = names()
    known = [name for cloud in index.clouds for name in index.instance_types(cloud)]
    where = "/".join(place for place in places if place)
    near = get_close_matches(instance_type, known, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    if instance_type in known:
        hint = "; leave out --cloud, --region and --zone to see where it is"
    return f"the catalog has no {instance_type!r}{f' in {where}' if where else ''}{hint}"


def _step(row: dict[str, Any]) -> float:
    """Return how far a price moved, as the larger quotient; on spot where the other stayed."""
    for name in ("price_micro_usd", "spot_price_micro_usd"):
        then, now = row[f"{name}_before"], row[name]
        if then and now and then != now:
            return float(max(then / now, now / then))
    return 1.0 if row["price_micro_usd"] and row["price_micro_usd_before"] else 0.0


def _change_cells(row: dict[str, Any]) -> Sequence[str]:
    count = row["accelerator_count_milli"] / 1_000
    return (
        "/".join(filter(None, (row["cloud"], row["region"], row["zone"]))),
        row["instance_type"],
        f"{row['accelerator']}:{count:g}" if row["accelerator"] else "-",
        _moved(row["price_micro_usd_before"], row["price_micro_usd"]),
        _moved(row["spot_price_micro_usd_before"], row["spot_price_micro_usd"]),
    )


def _moved(then: int | None, now: int | None) -> str:
    return _usd(now) if then == now else f"{_usd(then)} -> {_usd(now)}"


def _usd(micro: int | None) -> str:
    from catalog.units import format_usd

    return "-" if micro is None else format_usd(micro)


def _place(key: Key) -> str:
    cloud, region, zone, _, accelerator, count_milli = key
    held = f" {accelerator}:{count_milli / 1_000:g}" if accelerator else ""
    return "/".join(filter(None, (cloud, region, zone))) + held


def _plain_key(
    cloud: str, region: str, zone: str, instance_type: str, accelerator: str, count: int
) -> dict[str, Any]:
    return {
        "cloud": cloud,
        "region": region,
        "zone": zone or None,
        "instance_type": instance_type,
        "accelerators": {accelerator: count / 1_000} if accelerator else None,
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    from catalog.schema import KEY

    figures = {
        "price_before": row["price_micro_usd_before"],
        "price": row["price_micro_usd"],
        "spot_price_before": row["spot_price_micro_usd_before"],
        "spot_price": row["spot_price_micro_usd"],
    }
    plain = {name: None if micro is None else micro / 1_000_000 for name, micro in figures.items()}
    return {**_plain_key(*(row[name] for name in KEY)), **plain}


def _plain_point(point: Point) -> dict[str, Any]:
    price, spot, interruption = point.price_micro_usd, point.spot_price_micro_usd, point.interruption_ppm
    return {
        "at": point.at.isoformat() if point.at else None,
        "snapshot": point.snapshot_id,
        "price": None if price is None else price / 1_000_000,
        "spot_price": None if spot is None else spot / 1_000_000,
        "interruption_rate": None if interruption is None else interruption / 1_000_000,
    }
