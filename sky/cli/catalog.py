"""``sky catalog``: the snapshots of prices, and which one is in use."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from sky.cli.catalog_history import diff_command, history_command
from sky.cli.catalog_overlay import overlay_command
from sky.cli.catalog_query import query_command
from sky.cli.catalog_refresh import refresh_command
from sky.cli.options import json_option

SHORT = 12
"""So many digits of a snapshot's id are shown."""
KEEP = 10
"""So many snapshots `sky catalog prune` keeps unless told otherwise."""


def _complete_snapshot(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from catalog.store import snapshot_folders

    known = ["embedded", *(folder.name[:SHORT] for folder in snapshot_folders())]
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]


@click.group("catalog")
def catalog_command() -> None:
    """Refresh the prices that plans use, ask and correct them, go back to older ones.

    Prices come with this release, and anew from the providers with `sky catalog refresh`. Every refresh is a
    snapshot of its own; the ones before stay, and plans name the one that they used. docs/catalog.md tells
    what a row is, which gates prices pass, and how to refresh by cron or on Kubernetes.

    \b
    Examples:
      sky catalog refresh                      fetch, check, and use new prices
      sky catalog refresh --cloud aws          of one cloud; the others stay
      sky catalog ls                           which snapshots there are
      sky catalog diff embedded                what changed since this release
      sky catalog use 3fa9c1                   go back to an older one
      sky catalog history p5.48xlarge --plot   how a price moved
      sky catalog query "DESCRIBE offers"      ask anything of it, in SQL
      sky catalog overlay                      check your own prices
    """


@catalog_command.command("ls", short_help="List the snapshots that are here.")
@json_option
def ls_command(*, as_json: bool) -> None:
    """List the snapshots that are here, the newest first, and which one is in use.

    \b
    Examples:
      sky catalog ls
      sky catalog ls --json
    """
    from catalog.places import EMBEDDED, snapshot_folder
    from catalog.store import snapshot_folders
    from sky.cli.render import ago, show_json, show_table

    in_use = snapshot_folder()
    found = [_described(folder, in_use) for folder in [*snapshot_folders(), EMBEDDED]]
    if as_json:
        show_json(found)
        return
    now = time.time()
    rows = [
        (
            each["name"][:SHORT],
            "yes" if each["in_use"] else "-",
            ago(each["published_at"], now),
            *(
                ("-", "-", "-", each["error"])
                if "error" in each
                else (
                    each["as_of"] or "-",
                    f"{each['rows']:,}",
                    f"{each['size_bytes'] / 1e6:.0f} MB",
                    ", ".join(each["clouds"]),
                )
            ),
        )
        for each in found
    ]
    columns = ("SNAPSHOT", "IN USE", "PUBLISHED", "NEWEST PRICE", "OFFERS", "SIZE", "CLOUDS")
    show_table(columns, rows, right=("OFFERS", "SIZE"), wrap=("CLOUDS",))


@catalog_command.command("use", short_help="Plan with another snapshot from now on.")
@click.argument("snapshot", shell_complete=_complete_snapshot)
@json_option
def use_command(*, snapshot: str, as_json: bool) -> None:
    """Plan with SNAPSHOT from now on: its id, the beginning of it, or `embedded`.

    Every byte of it is checked before. The next refresh starts from it.

    \b
    Examples:
      sky catalog use 3fa9c1
      sky catalog use embedded                 the one that came with this release
    """
    from catalog.store import use
    from sky.cli.render import show_json

    chosen = use(snapshot)
    if as_json:
        show_json({"snapshot": chosen.snapshot_id, "rows": chosen.rows, "as_of": chosen.as_of or None})
    else:
        newest = f", newest price of {chosen.as_of}" if chosen.as_of else ""
        click.echo(f"Plans now use {chosen.snapshot_id[:SHORT]}: {chosen.rows:,} offers{newest}.")


@catalog_command.command("prune", short_help="Delete old snapshots.")
@click.option(
    "--keep", type=click.IntRange(min=0), default=KEEP, help=f"Keep the N newest ({KEEP}).", metavar="N"
)
@json_option
def prune_command(*, keep: int, as_json: bool) -> None:
    """Delete all snapshots but the newest ones and the one in use; the history of prices stays.

    What runs with one of them meanwhile is not disturbed.

    \b
    Examples:
      sky catalog prune
      sky catalog prune --keep 1
    """
    from catalog.store import prune
    from sky.cli.render import show_json

    gone = prune(keep)
    if as_json:
        show_json({"deleted": gone})
    else:
        click.echo(f"{len(gone)} snapshots deleted.")


@catalog_command.command("verify", short_help="Read every byte of a snapshot and check it.")
@click.argument("snapshot", required=False, shell_complete=_complete_snapshot)
@json_option
def verify_command(*, snapshot: str | None, as_json: bool) -> None:
    """Read every byte of SNAPSHOT (default: the one in use) and compare it with its id.

    The exit code is 1 where a byte differs.

    \b
    Examples:
      sky catalog verify
      sky catalog verify embedded
    """
    from catalog.store import find, open_snapshot, verify
    from sky.cli.render import show_json

    chosen = find(snapshot) if snapshot is not None else open_snapshot()
    verify(chosen)
    if as_json:
        show_json({"snapshot": chosen.snapshot_id, "rows": chosen.rows, "sound": True})
    else:
        click.echo(f"{chosen.snapshot_id[:SHORT]} is sound: {chosen.rows:,} offers.")


def _described(folder: Path, in_use: Path) -> dict[str, Any]:
    """Return what `ls` shows; of a snapshot that cannot be opened, why."""
    from catalog.errors import CatalogError
    from catalog.places import EMBEDDED, MANIFEST, OFFERS_FILE
    from catalog.snapshot import read_snapshot

    embedded = folder == EMBEDDED
    shown: dict[str, Any] = {
        "name": "embedded" if embedded else folder.name,
        "in_use": folder == in_use,
        "published_at": None if embedded else int((folder / MANIFEST).stat().st_mtime),
    }
    try:
        snapshot = read_snapshot(folder)
    except CatalogError as error:
        return {**shown, "error": str(error)}
    return {
        **shown,
        "snapshot": snapshot.snapshot_id,
        "as_of": snapshot.as_of or None,
        "rows": snapshot.rows,
        "size_bytes": (folder / OFFERS_FILE).stat().st_size,
        "clouds": sorted({cloud for cloud, *_ in snapshot.sources}),
        "sources": [
            {
                "cloud": cloud,
                "source": source,
                "rows": rows,
                "oldest": oldest or None,
                "newest": newest or None,
            }
            for cloud, source, rows, oldest, newest in snapshot.sources
        ],
    }


for _command in (refresh_command, diff_command, history_command, query_command, overlay_command):
    catalog_command.add_command(_command)
