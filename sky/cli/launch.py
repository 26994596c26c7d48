"""``sky launch`` and ``sky exec``."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import click

from catalog.errors import UserError
from sky.cli.entrypoint import read_task
from sky.cli.jobs import exit_code
from sky.cli.options import (
    cluster_option,
    detach_run_option,
    idle_option,
    retry_for_option,
    retry_option,
    risk_option,
    task_options,
    wait_for_option,
    yes_option,
)
from sky.control.outlook import MOST_RACERS
from sky.statuses import OptimizeTarget

if TYPE_CHECKING:
    from sky.control.outlook import Outlook


@click.command("launch")
@click.argument("entrypoint", nargs=-1)
@cluster_option
@click.option("--dryrun", is_flag=True, help="Show the plan and do nothing.")
@click.option("--detach-setup", "-s", is_flag=True, help="Run setup as part of the job.")
@detach_run_option
@idle_option
@wait_for_option
@click.option("--down", is_flag=True, help="Tear the cluster down when its jobs are over.")
@retry_option
@retry_for_option
@click.option(
    "--race",
    type=click.IntRange(1, MOST_RACERS),
    default=1,
    metavar="K",
    help="Try the K best places at once and keep the first that is up.",
)
@yes_option
@click.option("--no-setup", is_flag=True, help="Skip setup.")
@click.option("--fast", is_flag=True, help="On a cluster that is up: skip provisioning and setup.")
@click.option("--clone-disk-from", metavar="CLUSTER", help="Start from a copy of that cluster's disk.")
@click.option(
    "--minimize",
    type=click.Choice(["cost", "time"]),
    default="cost",
    show_default=True,
    help="What the plan minimizes.",
)
@risk_option
@click.option("--json", "as_json", is_flag=True, help="With --dryrun: print the plan as JSON, nothing else.")
@task_options
def launch_command(
    *,
    entrypoint: tuple[str, ...],
    cluster: str | None,
    dryrun: bool,
    detach_setup: bool,
    detach_run: bool,
    idle_minutes_to_autostop: int | None,
    wait_for: str | None,
    down: bool,
    retry_until_up: bool,
    retry_for_s: float | None,
    race: int,
    yes: bool,
    no_setup: bool,
    fast: bool,
    clone_disk_from: str | None,
    minimize: str,
    risk: str | None,
    as_json: bool,
    **flags: Any,
) -> int:
    """Launch a task: a YAML file, or a command. The exit code is the job's.

    Without --cluster a new cluster is made, on this machine when no cloud is enabled and the task fits. A
    single word is shell text; several words are one command, passed on as they are. Ctrl-C leaves the job
    running.

    Where a place refuses, the next best one is tried, in the order that is shown first. What refused is left
    out of later launches for a while: see `sky failover`. --race costs more for the seconds until the first
    place is up; how much more is shown first.

    \b
    Examples:
      sky launch examples/minimal.yaml
      sky launch -c dev train.yaml --env LR=0.1 -d
      sky launch -c dev 'nvidia-smi && echo ok'
      sky launch --gpus A100:8 --dryrun -- python train.py --lr 0.1
      sky launch --gpus H100:8 --retry-for 2h train.yaml
      sky launch --gpus H100:8 --use-spot --race 3 train.yaml
    """
    from sky.control.stages import LaunchOptions, launch_task
    from sky.fields.idle_stop import parse_wait_for
    from sky.fields.risk import parse

    if as_json and not dryrun:
        raise UserError("--json goes with --dryrun: what a launch prints is the job's log")
    if wait_for is not None and idle_minutes_to_autostop is None:
        raise UserError("--wait-for goes with -i: after how many minutes to stop the cluster")
    task = read_task(entrypoint, flags)
    options = LaunchOptions(
        retry_until_up=retry_until_up,
        idle_minutes=idle_minutes_to_autostop,
        wait_for=None if wait_for is None else parse_wait_for(wait_for),
        dryrun=dryrun,
        down=down,
        target=OptimizeTarget[minimize.upper()],
        detach_setup=detach_setup,
        detach_run=detach_run,
        no_setup=no_setup,
        clone_disk_from=clone_disk_from,
        fast=fast,
        race=race,
        retry_for_s=retry_for_s,
        risk=parse(risk),
        on_outlook=lambda outlook: (
            _show(outlook, as_json=as_json) if dryrun else _announce(outlook, ask=not yes)
        ),
    )
    outcome = launch_task(task, cluster, options)
    if as_json and outcome.handle is not None:
        click.echo("null")  # the cluster exists: nothing was planned
    elif dryrun and not as_json:
        click.echo("Dryrun finished.")
    if outcome.job is None:
        return 0
    return exit_code(outcome.job.status, outcome.job.exit_code)


def _show(outlook: Outlook, *, as_json: bool) -> None:
    from sky.cli.render_outlook import show_lately, show_race
    from sky.cli.render_plan import show_plan

    if as_json:
        click.echo(outlook.plan.to_json(indent=2))
        return
    show_plan(outlook.plan, more=outlook.more)
    show_lately(outlook)
    show_race(outlook)


def _announce(outlook: Outlook, *, ask: bool) -> None:
    """Show the plan on stderr, since stdout is for the job's log, and ask before anything bills."""
    from sky.cli.render_outlook import show_ahead
    from sky.cli.render_plan import show_briefly

    with redirect_stdout(sys.stderr):
        show_briefly(outlook.plan)
        show_ahead(outlook)
    if ask and any(place.plan.total_cost_micro_usd for place in outlook.places):
        click.confirm(f"Launch cluster {outlook.name}?", default=True, abort=True, err=True)


@click.command("exec")
@click.argument("entrypoint", nargs=-1)
@cluster_option
@detach_run_option
@click.option("--dryrun", is_flag=True, help="Show what would run and do nothing.")
@click.option("--down", is_flag=True, help="Tear the cluster down when its jobs are over.")
@task_options
def exec_command(
    *,
    entrypoint: tuple[str, ...],
    cluster: str | None,
    detach_run: bool,
    dryrun: bool,
    down: bool,
    **flags: Any,
) -> int:
    """Run a task on CLUSTER, which is up: sync the workdir, queue the job, show its log.

    Usage is `sky exec CLUSTER ENTRYPOINT` or `sky exec -c CLUSTER ENTRYPOINT`; the entrypoint is a YAML file
    or a command, as in `sky launch`. Setup and file mounts are skipped. The exit code is the job's.

    \b
    Examples:
      sky exec dev train.yaml
      sky exec dev python train.py
      sky exec dev --gpus H100:0.5 -d -- python train.py --lr 0.1
    """
    from sky.control.stages import exec_task

    words = list(entrypoint)
    if cluster is None:
        if not words:
            raise UserError("sky exec: name the cluster: sky exec CLUSTER COMMAND")
        cluster = words.pop(0)
    if not words:
        raise UserError(f"sky exec: say what to run: sky exec {cluster} COMMAND, or a task file")
    outcome = exec_task(read_task(words, flags), cluster, dryrun=dryrun, down=down, detach_run=detach_run)
    if dryrun:
        click.echo("Dryrun finished.")
    return 0 if outcome.job is None else exit_code(outcome.job.status, outcome.job.exit_code)
