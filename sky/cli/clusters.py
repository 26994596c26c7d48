"""``sky stop start down autostop``."""

from __future__ import annotations

from collections.abc import Callable

import click

from catalog.errors import SkyError
from sky.cli.choose import chosen, confirm, say_if_none
from sky.cli.options import (
    all_option,
    clusters_argument,
    idle_option,
    purge_option,
    retry_for_option,
    retry_option,
    wait_for_option,
    yes_option,
)
from sky.statuses import ClusterStatus

DEFAULT_IDLE_MINUTES = 5


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
@retry_for_option
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
    retry_for_s: float | None,
    force: bool,
) -> None:
    """Start stopped clusters, and complete interrupted launches, where they were launched.

    \b
    Examples:
      sky start dev
      sky start dev -i 30
      sky start dev --retry-for 30m
      sky start --all
    """
    from sky.control.clusters import check_start, start, stops_itself

    check_start(idle_minutes_to_autostop, down=down)
    records = chosen(clusters, all_clusters=all_clusters, verb="start")
    if not force:
        up = [each for each in records if each.status is ClusterStatus.UP and not stops_itself(each)]
        records = [record for record in records if record not in up]
        for record in up:
            click.echo(f"Cluster {record.name} is up already.")
    say_if_none(records, "start")
    confirm("Start", records, yes=yes)
    _for_each(
        [record.name for record in records],
        lambda name: start(
            name,
            idle_minutes_to_autostop,
            retry_until_up=retry_until_up,
            down=down,
            force=force,
            retry_for_s=retry_for_s,
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
@wait_for_option
@click.option("--cancel", is_flag=True, help="Cancel the setting.")
@click.option("--down", is_flag=True, help="Tear the cluster down instead of stopping it.")
def autostop_command(
    *,
    clusters: tuple[str, ...],
    all_clusters: bool,
    yes: bool,
    idle_minutes: int,
    wait_for: str | None,
    cancel: bool,
    down: bool,
) -> None:
    """Stop clusters by themselves when no job has run or waited on them for some minutes.

    \b
    Examples:
      sky autostop dev -i 30
      sky autostop dev -i 30 --down
      sky autostop dev -i 30 --wait-for jobs_and_ssh
      sky autostop dev --cancel
    """
    from executors.api import Autostop, WaitFor
    from sky.control.clusters import change_autostop
    from sky.fields.idle_stop import check_minutes, parse_wait_for

    minutes = check_minutes(-1 if cancel else idle_minutes)
    setting = Autostop(minutes, down, WaitFor.JOBS if wait_for is None else parse_wait_for(wait_for))
    records = chosen(clusters, all_clusters=all_clusters, verb="autostop")
    if all_clusters:
        records = [record for record in records if record.status is ClusterStatus.UP]
    say_if_none(records, "set autostop for")
    what = "Cancel autostop of" if minutes < 0 else "Set autostop of"
    confirm(what, records, yes=yes)
    whatever = setting.wait_for is WaitFor.NONE
    when = f"{minutes} minutes, whatever runs" if whatever else f"{minutes} idle minutes"
    done = "without autostop" if minutes < 0 else f"set to {'go down' if down else 'stop'} after {when}"
    _for_each([record.name for record in records], lambda name: change_autostop(name, setting), done)


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
