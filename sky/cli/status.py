"""``sky status``."""

from __future__ import annotations

import time
from typing import Any

import click

from catalog.errors import UserError
from sky.cli.choose import matching
from sky.cli.options import clusters_argument, json_option
from sky.exceptions import NotSupportedError


@click.command("status")
@clusters_argument
@click.option("--all", "-a", "show_all", is_flag=True, help="Show all columns.")
@click.option("--refresh", "-r", is_flag=True, help="Ask the providers first.")
@click.option(
    "--ip", is_flag=True, help="Print the address of the head node of one cluster, and nothing else."
)
@click.option("--endpoints", is_flag=True, help="Print the address of every port that one cluster opened.")
@click.option(
    "--endpoint",
    type=int,
    metavar="PORT",
    help="Print the address of that port of one cluster, nothing else.",
)
@click.option(
    "--show-managed-jobs/--no-show-managed-jobs",
    default=None,
    help="With managed jobs, or without: this version runs none.",
)
@click.option(
    "--show-services/--no-show-services",
    default=None,
    help="With services, or without: this version runs none.",
)
@click.option("--k8s", is_flag=True, help="Not in this version: it does not reach into Kubernetes.")
@json_option
def status_command(
    *,
    clusters: tuple[str, ...],
    show_all: bool,
    refresh: bool,
    ip: bool,
    endpoints: bool,
    endpoint: int | None,
    show_managed_jobs: bool | None,
    show_services: bool | None,
    k8s: bool,
    as_json: bool,
) -> None:
    """Show clusters, the newest launch first.

    INIT is a launch in progress, or one that was interrupted: `sky launch` or `sky start` completes it and
    `sky down` removes it. Clusters that stop themselves, or are changed outside, show so after --refresh.

    \b
    Examples:
      sky status
      sky status 'dev-*' --refresh
      sky status --json
      ssh $(sky status --ip dev)
      curl $(sky status --endpoint 8080 dev)
    """
    from sky.control.clusters import status
    from sky.control.state import open_store

    if k8s:
        raise NotSupportedError(
            "sky status --k8s: pods that others made are not shown; clusters on Kubernetes are in: sky status"
        )
    if sum((ip, endpoints, endpoint is not None)) > 1:
        raise UserError("sky status: give one of --ip, --endpoints and --endpoint")
    names = [record.name for record in matching(open_store().records(), clusters)] if clusters else None
    found = status(names, refresh=refresh)
    if ip:
        click.echo(_head_ip(found))
    elif endpoints or endpoint is not None:
        _show_endpoints(found, endpoint, as_json=as_json)
    elif as_json:
        from sky.cli.render import show_json

        show_json([_cluster_json(cluster) for cluster in found])
    else:
        _show_clusters(found, show_all=show_all)
        for what, wanted in (("managed jobs", show_managed_jobs), ("services", show_services)):
            if wanted:
                click.echo(f"No {what}: this version runs none.", err=True)


def _head_ip(clusters: list[dict[str, Any]]) -> str:
    if len(clusters) != 1:
        raise UserError("sky status --ip: name one cluster")
    address: str | None = clusters[0]["handle"].head_ip
    if not address:
        raise UserError(
            f"cluster {clusters[0]['name']} has no address yet; it is {clusters[0]['status'].name}"
        )
    return address


def _show_endpoints(clusters: list[dict[str, Any]], port: int | None, *, as_json: bool) -> None:
    from sky.control.endpoints import endpoints

    if len(clusters) != 1:
        raise UserError("sky status --endpoints: name one cluster")
    found = endpoints(clusters[0]["name"], port)
    if as_json:
        from sky.cli.render import show_json

        show_json(found)
    elif port is not None:
        click.echo(found[port])
    else:
        for opened, address in found.items():
            click.echo(f"{opened}: {address}")


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
    for cluster in clusters:
        if cluster["status_reason"]:
            click.echo(f"{cluster['name']} is {_with_remedy(cluster)}", err=True)


def _with_remedy(cluster: dict[str, Any]) -> str:
    """Return why the cluster is not UP and the commands that change it."""
    name, status = cluster["name"], cluster["status"].name
    does = "starts" if status == "STOPPED" else "repairs"
    return f"{status}: {cluster['status_reason']}; sky start {name} {does} it, sky down {name} ends it"
