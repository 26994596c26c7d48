"""``sky failover``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sky.cli.options import json_option, yes_option

if TYPE_CHECKING:
    from sky.control.records import Attempt


@click.command("failover")
@click.argument("places", nargs=-1, metavar="[CLOUD[/REGION[/ZONE]]]...")
@click.option("--forget", is_flag=True, help="Forget what is shown: later launches try these places again.")
@yes_option
@json_option
def failover_command(*, places: tuple[str, ...], forget: bool, yes: bool, as_json: bool) -> None:
    """Show which places refused launches from here, and until when later launches leave them out.

    A place that has no capacity, or a quota that is used up, is not asked again for a while, unless nothing
    else fits. It is forgotten by itself when that while is over, and when a launch succeeds there. Refused
    credentials are not kept. The order of a launch's next places is what `sky launch --dryrun` shows.

    \b
    Examples:
      sky failover
      sky failover aws/us-east-1 --json
      sky failover aws/us-east-1 --forget
      sky failover --forget -y
    """
    from sky.control import shortages
    from sky.control.state import open_store

    store = open_store()
    now = store.now()
    found = [attempt for attempt in shortages.in_force(store) if shortages.within(attempt, places)]
    found.sort(key=lambda attempt: attempt.at, reverse=True)
    if as_json:
        from sky.cli.render import show_json

        show_json([shortages.to_dict(attempt, now) for attempt in found])
    elif not found:
        click.echo("No place is left out of launches now.")
    else:
        _show(found, now)
    if forget and found:
        if not yes:
            click.confirm(f"Forget {len(found)} of these?", default=True, abort=True, err=True)
        shortages.forget(store, found)


def _show(found: list[Attempt], now: int) -> None:
    from sky.cli.render import show_table
    from sky.control.place import scope_text
    from sky.control.refusals import reason_of
    from sky.control.shortages import ago_text, until_text

    rows = [
        (
            scope_text(attempt.scope),
            str(attempt.num_nodes),
            reason_of(attempt.kind),
            f"{ago_text(now - attempt.at)} ago",
            until_text(attempt, now),
            attempt.cluster_name,
        )
        for attempt in found
    ]
    show_table(
        ("PLACE", "#NODES", "REASON", "REFUSED", "UNTIL", "CLUSTER"),
        rows,
        right=("#NODES",),
        wrap=("PLACE", "CLUSTER"),
    )
