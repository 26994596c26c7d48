"""An outlook as text: where a launch goes next when a place refuses, and what a race may cost more."""

from __future__ import annotations

import click

from catalog.units import format_usd
from sky.cli.render import show_line, show_table
from sky.cli.render_plan import NUMBERS, PLACE_COLUMNS, WRAP, place_cells
from sky.control.outlook import Outlook
from sky.control.place import price_text


def show_ahead(outlook: Outlook) -> None:
    """Print the race, if it is one, and the next places in the order in which they are tried."""
    show_race(outlook)
    if outlook.ahead:
        click.echo("Where that refuses, next in this order:")
        show_table(PLACE_COLUMNS, map(place_cells, outlook.ahead), right=NUMBERS, wrap=WRAP)
    if outlook.more:
        click.echo(f"... and {outlook.more:,} more")
    show_lately(outlook)


def show_lately(outlook: Outlook) -> None:
    """Print how many places come last, since they refused earlier launches."""
    if outlook.lately:
        click.echo(f"... and last {outlook.lately:,} that refused lately (sky failover)")


def show_race(outlook: Outlook) -> None:
    """Print what races and what that may cost, if it is a race."""
    if len(outlook.places) == 1:
        return
    racers = "; ".join(f"{place} {price_text(place.offer)}" for place in outlook.places)
    nodes = f" for {outlook.num_nodes} nodes" if outlook.num_nodes > 1 else ""
    dearest = max(place.offer.price_micro_usd for place in outlook.places) * outlook.num_nodes
    show_line(
        f"Race of {len(outlook.places)} places: {racers}. Until the first is up it costs at most "
        f"{format_usd(outlook.overspend_micro_usd)}/h more than the first alone{nodes}; "
        f"what stays of these costs at most {format_usd(dearest)}/h. The others are removed."
    )
