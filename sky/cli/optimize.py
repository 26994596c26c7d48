"""``sky optimize``."""

from __future__ import annotations

from typing import Any

import click

from sky.cli.options import json_option, task_options


@click.command("optimize")
@click.argument("entrypoint", nargs=-1, required=True)
@click.option("--dryrun", is_flag=True, help="Accepted for clarity: this command only ever plans.")
@click.option(
    "--minimize",
    type=click.Choice(["cost", "time"]),
    default="cost",
    show_default=True,
    help="What comes first.",
)
@click.option(
    "--top", type=click.IntRange(min=0), default=5, show_default=True, metavar="K", help="Runners-up a task."
)
@click.option(
    "--all",
    "-a",
    "show_all",
    is_flag=True,
    help="Also show every kind considered, and what each filter left.",
)
@json_option
@task_options
def optimize_command(
    *,
    entrypoint: tuple[str, ...],
    dryrun: bool,
    minimize: str,
    top: int,
    show_all: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Show the best plan for a task file (or a command), proven optimal, and what else was considered.

    It needs no account: without an enabled cloud it plans over the whole catalog. --json prints the plan in
    the versioned form of docs/plan-json.md. Exit code 100: nothing fits; the message says what to change.

    \b
    Examples:
      sky optimize train.yaml --dryrun
      sky optimize pipeline.yaml --minimize time
      sky optimize train.yaml --json | jq .total_cost_usd
      sky optimize --gpus A100:8 --use-spot -- python train.py
    """
    from sky.cli.entrypoint import read_dag
    from sky.optimizer import optimize
    from sky.statuses import OptimizeTarget
    from solver.params import Params

    del dryrun
    plan = optimize(
        read_dag(entrypoint, flags), OptimizeTarget[minimize.upper()], quiet=True, params=Params(top_k=top)
    )
    if as_json:
        click.echo(plan.to_json(indent=2))
        return
    from sky.cli.render_plan import show_plan

    show_plan(plan, show_all=show_all)
