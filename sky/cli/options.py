"""Flags that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from catalog.units import seconds

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]


def _all(*decorators: Callable[[Any], Any]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        return reduce(lambda inner, decorator: decorator(inner), reversed(decorators), function)

    return decorate


def complete_cluster(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the names of known clusters, for the shell."""
    from sky.control.state import open_store

    return [
        CompletionItem(record.name, help=record.status.value)
        for record in open_store().records()
        if record.name.startswith(incomplete)
    ]


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on stdout.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
all_option = click.option("--all", "-a", "all_clusters", is_flag=True, help="All clusters.")
cluster_argument = click.argument("cluster", shell_complete=complete_cluster)
clusters_argument = click.argument("clusters", nargs=-1, shell_complete=complete_cluster)
cluster_option = click.option(
    "--cluster", "-c", metavar="NAME", shell_complete=complete_cluster, help="Cluster to reuse, or to make."
)
detach_run_option = click.option(
    "--detach-run", "-d", is_flag=True, help="Return as soon as the job is queued; do not show its log."
)
idle_option = click.option(
    "--idle-minutes-to-autostop",
    "-i",
    type=int,
    metavar="MIN",
    help="Stop the cluster after MIN minutes without a job.",
)
wait_for_option = click.option(
    "--wait-for",
    metavar="WHAT",
    help="What keeps the cluster up: jobs (default), jobs_and_ssh, jobs_and_accelerators, "
    "jobs_and_ssh_and_accelerators; with none the minutes just pass.",
)
retry_option = click.option(
    "--retry-until-up", "-r", is_flag=True, help="Start over when no place has capacity, until one has."
)
retry_for_option = click.option(
    "--retry-for",
    "retry_for_s",
    metavar="TIME",
    callback=lambda _ctx, _param, text: None if text is None else seconds(text, "--retry-for"),
    help="As --retry-until-up, for no longer than TIME: 90s, 30m, 2h.",
)
risk_option = click.option(
    "--risk",
    type=click.Choice(["ignore", "expected", "averse"]),
    help="How the risk of spot counts: not at all, with its expected interruptions, or averse to its moving "
    "price, too.  [default: the configuration's, else ignore]",
)
purge_option = click.option(
    "--purge",
    "-p",
    is_flag=True,
    help="Forget the cluster even if the provider fails. What is left bills on.",
)

task_options = _all(
    click.option("--name", "-n", help="Name of the task."),
    click.option("--workdir", type=click.Path(file_okay=False), help="Folder to sync; the job starts in it."),
    click.option(
        "--infra", metavar="CLOUD[/REGION[/ZONE]]", help="Where to run: local, aws, gcp/us-central1, ..."
    ),
    click.option("--cloud", help="Cloud to use."),
    click.option("--region", help="Region to use."),
    click.option("--zone", help="Zone to use."),
    click.option("--num-nodes", type=int, metavar="N", help="Number of nodes."),
    click.option("--cpus", metavar="N[+]", help="vCPUs of a node: 4, or 4+ for at least 4."),
    click.option("--memory", metavar="GIB[+]", help="Memory of a node in GiB: 16, 16+."),
    click.option("--gpus", metavar="NAME[:N]", help="Accelerators of a node: A100:8, 80GB+:2."),
    click.option("--instance-type", "-t", help="Instance type."),
    click.option("--use-spot/--no-use-spot", default=None, help="Spot instances, or not."),
    click.option("--disk-size", metavar="GIB", help="Size of the disk in GiB."),
    click.option("--disk-tier", metavar="TIER", help="low, medium, high, ultra, best or none."),
    click.option("--image-id", metavar="ID", help="Machine image, or docker:IMAGE."),
    click.option("--ports", multiple=True, metavar="PORT", help="Port or range to open; may be repeated."),
    click.option(
        "--env", multiple=True, metavar="K[=V]", help="Variable of the task; without a value, the one here."
    ),
    click.option("--env-file", type=click.Path(exists=True, dir_okay=False), help="File with a K=V a line."),
    click.option(
        "--secret", multiple=True, metavar="K[=V]", help="As --env, kept out of everything that is shown."
    ),
)
"""Flags that override what a task file says."""
