"""``sky optimize``."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from sky.cli.options import json_option, risk_option, task_options


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
@risk_option
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
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="S",
    help="Seconds to search; then, or on Ctrl-C, the best plan so far.",
)
@json_option
@task_options
def optimize_command(
    *,
    entrypoint: tuple[str, ...],
    dryrun: bool,
    minimize: str,
    risk: str | None,
    top: int,
    show_all: bool,
    time_limit: float,
    as_json: bool,
    **flags: Any,
) -> int:
    """Show the best plan for a task file (or a command), proven optimal, and what else was considered.

    It needs no account: without an enabled cloud it plans over the whole catalog. --json prints the plan in
    the versioned form of docs/plan-json.md. Exit code 100: nothing fits; the message says what to change.
    Ctrl-C or SIGTERM ends the search: the best plan so far is shown with its bound, exit code 130 or 143.

    \b
    Examples:
      sky optimize train.yaml --dryrun
      sky optimize pipeline.yaml --minimize time
      sky optimize train.yaml --risk expected
      sky optimize train.yaml --json | jq .total_cost_usd
      sky optimize --gpus A100:8 --use-spot -- python train.py
    """
    from sky.cli.entrypoint import read_dag
    from sky.cli.main import EXIT_INTERRUPTED, EXIT_TERMINATED
    from sky.optimizer import optimize
    from sky.statuses import OptimizeTarget
    from solver.interrupted import Interrupted
    from solver.params import Params

    del dryrun
    dag = read_dag(entrypoint, flags)
    params = Params(top_k=top, time_limit_s=time_limit)
    code = 0
    with _terminating() as terminated:
        try:
            plan = optimize(dag, OptimizeTarget[minimize.upper()], quiet=True, risk=risk, params=params)
        except Interrupted as interrupted:
            plan, code = interrupted.plan, EXIT_TERMINATED if terminated else EXIT_INTERRUPTED
    if as_json:
        click.echo(plan.to_json(indent=2))
        return code
    from sky.cli.render_plan import show_plan

    show_plan(plan, show_all=show_all)
    return code


@contextmanager
def _terminating() -> Iterator[list[int]]:
    """Let SIGTERM end the search as Ctrl-C does; the list then holds the signal."""
    received: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)
