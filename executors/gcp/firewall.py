"""The firewall rules of a cluster: SSH and the task's ports from outside, everything among its nodes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from ipaddress import ip_network

from catalog.errors import ExecutorError, UserError
from executors.errors import NotFound
from executors.gcp import errors, names, operations
from executors.gcp.rest import Json, Rest

SSH_FROM_VARIABLE = "SKY_GCP_SSH_FROM"
"""The variable with the ranges (``203.0.113.0/24``, several with commas) that may reach the nodes by SSH."""
_ANYWHERE = "0.0.0.0/0"


def rules(cluster_id: str, ports: Sequence[str], *, several: bool, network: str) -> list[Json]:
    """Return the rules that the cluster needs, ``several`` hosts with one among them.

    SSH takes keys alone, and may be narrowed down further.
    """
    group = names.group(cluster_id)
    common = {
        "network": network,
        "direction": "INGRESS",
        "targetTags": [group],
        "description": names.note(cluster_id),
    }
    wanted: list[Json] = [
        {
            **common,
            "name": f"{group}-ssh",
            "sourceRanges": _ssh_from(),
            "allowed": [{"IPProtocol": "tcp", "ports": ["22"]}],
        }
    ]
    if ports:
        allowed = [{"IPProtocol": "tcp", "ports": list(ports)}]
        wanted.append({**common, "name": f"{group}-ports", "sourceRanges": [_ANYWHERE], "allowed": allowed})
    if several:
        allowed = [{"IPProtocol": protocol} for protocol in ("tcp", "udp", "icmp")]
        wanted.append({**common, "name": f"{group}-nodes", "sourceTags": [group], "allowed": allowed})
    return wanted


def open_all(rest: Rest, cluster_id: str, wanted: Sequence[Json]) -> None:
    """Make those of the rules that are not there yet. Raises the first refusal."""
    there = find(rest, cluster_id)
    missing = [rule for rule in wanted if rule["name"] not in there]
    changes = [partial(rest.change, "POST", "global/firewalls", rule) for rule in missing]
    for failure in operations.run_all(rest, changes):
        if not errors.exists_already(failure):
            raise failure


def close_all(rest: Rest, cluster_id: str) -> list[ExecutorError]:
    """Remove the cluster's rules, gone already is success; returns what failed."""
    there = find(rest, cluster_id)
    changes = [partial(rest.change, "DELETE", f"global/firewalls/{name}") for name in there]
    return [each for each in operations.run_all(rest, changes) if not isinstance(each, NotFound)]


def find(rest: Rest, cluster_id: str) -> list[str]:
    """Return the names of the cluster's rules."""
    return [str(rule["name"]) for rule in _list(rest, f"{names.group(cluster_id)}-.*")]


def clusters(rest: Rest) -> set[str]:
    """Return the ids of this user's clusters that have rules."""
    return {names.noted_id(rule) for rule in _list(rest, f"{names.PREFIX}.*")} - {""}


def _ssh_from() -> list[str]:
    ranges = os.environ.get(SSH_FROM_VARIABLE) or _ANYWHERE
    try:
        return [str(ip_network(each.strip())) for each in ranges.split(",")]
    except ValueError as error:
        raise UserError(f"{SSH_FROM_VARIABLE}: {error}") from None


def _list(rest: Rest, name: str) -> Iterator[Json]:
    for page in rest.pages("global/firewalls", filter=f"name eq {name}"):
        yield from page.get("items", [])
