"""``sky status stop start down autostop``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from catalog.errors import SkyError, UserError
from sky.cli.choose import chosen, confirm, matching, say_if_none
from sky.cli.options import (
    all_option,
    clusters_argument,
    idle_option,
    json_option,
    purge_option,
    retry_option,
    yes_option,
)
from sky.statuses import ClusterStatus

DEFAULT_IDLE_MINUTES = 5


@click.command("status")
@clusters_argument
@click.option("--all", "-a", "show_all", is_flag=True, help="Show all columns.")
@click.option("--refresh", "-r", is_flag=True, help="Ask the providers first.")
@click.option(
    "--ip", is_flag=True, help="Print the address of the head node of one cluster, and nothing else."
)
@json_option
def status_command(clusters: tuple[str, ...], show_all: bool, refresh: bool, ip: bool, as_json: bool) -> None:
    """Show clusters, the newest launch first.

    INIT is a launch in progress, or one that was interrupted: `sky launch` or `sky start` completes it and
    `sky down` removes it. Clusters that stop themselves, or are changed outside, show so after --refresh.

    \b
    Examples:
      sky status
      sky status 'dev-*' --refresh
      sky status --json
      ssh $(sky status --ip dev)
    """
    from sky.control.clusters import status
    from sky.control.state import open_store

    names = [record.name for record in matching(open_store().records(), clusters)] if clusters else None
    found = status(names, refresh=refresh)
    if ip:
        click.echo(_head_ip(found))
    elif as_json:
        from sky.cli.render import show_json

        show_json([_cluster_json(cluster) for cluster in found])
    else:
        _show_clusters(found, show_all=show_all)


def _head_ip(clusters: list[dict[str, Any]]) -> str:
    if len(clusters) != 1:
        raise UserError("sky status --ip: name one cluster")
    address: str | None = clusters[0]["handle"].head_ip
    if not address:
        raise UserError(
            f"cluster {clusters[0]['name']} has no address yet; it is {clusters[0]['status'].name}"
        )
    return address


def _cluster_json(cluster: dict[str, Any]) -> dict[str, Any]:
    handle = cluster["handle"]
    key = handle.offer.key
    plain = {name: value for name, value in cluster.items() if name != "handle"}
    accelerators = {key.accelerator: key.accelerator_count_milli / 1_000} if key.accelerator else None
    return {
        **plain,
        "cloud": key.cloud,
        "region": key.region,
        "zone": key.zone or None,
        "instance_type": key.instance_type,
        "accelerators": accelerators,
        "use_spot": key.market.value == "spot",
        "head_ip": handle.head_ip,
    }


def _show_clusters(clusters: list[dict[str, Any]], *, show_all: bool) -> None:
    from sky.cli.render import ago, autostop_text, show_table
    from sky.control.handles import offer_text

    if not clusters:
        click.echo("No cluster. Launch one with: sky launch TASK.yaml")
        return
    columns = ["NAME", "LAUNCHED", "RESOURCES", "STATUS", "AUTOSTOP", "COMMAND"]
    if show_all:
        columns[3:3] = ["REGION", "ZONE"]
        columns[-1:-1] = ["HEAD_IP"]
    now = time.time()
    rows = []
    for cluster in clusters:
        handle = cluster["handle"]
        row = [
            cluster["name"],
            ago(cluster["launched_at"], now),
            offer_text(handle.offer, handle.launched_nodes),
            cluster["status"].name,
            autostop_text(cluster["autostop"], cluster["to_down"]),
            cluster["last_use"],
        ]
        if show_all:
            row[3:3] = [handle.offer.key.region, handle.offer.key.zone or "-"]
            row[-1:-1] = [handle.head_ip or "-"]
        rows.append(row)
    show_table(columns, rows, wrap=("NAME", "RESOURCES", "COMMAND"))


@click.command("stop")
@clusters_argument
@all_option
@yes_option
@purge_option
def stop_command(clusters: tuple[str, ...], all_clusters: bool, yes: bool, purge: bool) -> None:
    """Stop clusters: no node runs or bills, and the disks are kept. `sky start` brings them back.

    \b
    Examples:
      sky stop dev
      sky stop 'dev-*' -y
      sky stop --all
    """
    from sky.control.clusters import stop

    records = chosen(clusters, all_clusters=all_clusters, verb="stop")
    say_if_none(records, "stop")
    confirm("Stop", records, yes=yes)
    _for_each([record.name for record in records], lambda name: stop(name, purge=purge), "stopped")


@click.command("start")
@clusters_argument
@all_option
@yes_option
@idle_option
@click.option("--down", is_flag=True, help="With -i: tear the cluster down instead of stopping it.")
@retry_option
@click.option(
    "--force", "-f", is_flag=True, help="Start again what is up already, to renew what sky runs there."
)
def start_command(
    *,
    clusters: tuple[str, ...],
    all_clusters: bool,
    yes: bool,
    idle_minutes_to_autostop: int | None,
    down: bool,
    retry_until_up: bool,
    force: bool,
) -> None:
    """Start stopped clusters, and complete interrupted launches, where they were launched.

    \b
    Examples:
      sky start dev
      sky start dev -i 30
      sky start --all
    """
    from sky.control.clusters import start

    records = chosen(clusters, all_clusters=all_clusters, verb="start")
    if not force:
        up = [record.name for record in records if record.status is ClusterStatus.UP]
        records = [record for record in records if record.status is not ClusterStatus.UP]
        for name in up:
            click.echo(f"Cluster {name} is up already.")
    say_if_none(records, "start")
    confirm("Start", records, yes=yes)
    _for_each(
        [record.name for record in records],
        lambda name: start(
            name, idle_minutes_to_autostop, retry_until_up=retry_until_up, down=down, force=force
        ),
        "up",
    )


@click.command("down")
@clusters_argument
@all_option
@yes_option
@purge_option
def down_command(clusters: tuple[str, ...], all_clusters: bool, yes: bool, purge: bool) -> None:
    """Tear clusters down: everything made for them is deleted, and what is on their disks is lost.

    \b
    Examples:
      sky down dev
      sky down 'sky-*' -y
      sky down --all
    """
    from sky.control.clusters import down

    records = chosen(clusters, all_clusters=all_clusters, verb="down")
    say_if_none(records, "tear down")
    confirm("Tear down", records, yes=yes)
    _for_each([record.name for record in records], lambda name: down(name, purge=purge), "gone")


@click.command("autostop")
@clusters_argument
@all_option
@yes_option
@click.option(
    "--idle-minutes",
    "-i",
    type=int,
    default=DEFAULT_IDLE_MINUTES,
    show_default=True,
    help="Minutes without a job.",
)
@click.option("--cancel", is_flag=True, help="Cancel the setting.")
@click.option("--down", is_flag=True, help="Tear the cluster down instead of stopping it.")
def autostop_command(
    *, clusters: tuple[str, ...], all_clusters: bool, yes: bool, idle_minutes: int, cancel: bool, down: bool
) -> None:
    """Stop clusters by themselves when no job has run or waited on them for some minutes.

    \b
    Examples:
      sky autostop dev -i 30
      sky autostop dev -i 30 --down
      sky autostop dev --cancel
    """
    from sky.control.clusters import autostop

    records = chosen(clusters, all_clusters=all_clusters, verb="autostop")
    if all_clusters:
        records = [record for record in records if record.status is ClusterStatus.UP]
    say_if_none(records, "set autostop for")
    minutes = -1 if cancel else idle_minutes
    what = "Cancel autostop of" if minutes < 0 else "Set autostop of"
    confirm(what, records, yes=yes)
    done = (
        "without autostop"
        if minutes < 0
        else f"set to {'go down' if down else 'stop'} after {minutes} idle minutes"
    )
    _for_each([record.name for record in records], lambda name: autostop(name, minutes, down=down), done)


def _for_each(names: list[str], action: Callable[[str], object], done: str) -> None:
    """Apply ``action`` to every name; a failure keeps no other from its turn, and is raised last."""
    if len(names) == 1:
        action(names[0])
        click.echo(f"Cluster {names[0]} is {done}.")
    elif not min([_tried(name, action, done) for name in names], default=True):
        raise SkyError("some clusters were left as they were; see above")


def _tried(name: str, action: Callable[[str], object], done: str) -> bool:
    try:
        action(name)
    except SkyError as error:
        click.echo(f"{name}: {error}", err=True)
        return False
    click.echo(f"Cluster {name} is {done}.")
    return True
