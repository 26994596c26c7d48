"""The firewall rules of a cluster: SSH and the task's ports from outside, everything among its nodes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import partial

from catalog.errors import ExecutorError
from executors.errors import NotFound
from executors.gcp import errors, names, operations
from executors.gcp.rest import ENDPOINT_VARIABLE, Json, Rest
from executors.vm.ssh_sources import ANYWHERE, ssh_sources

SSH_FROM_VARIABLE = "SKY_GCP_SSH_FROM"
"""The variable with the ranges (``203.0.113.0/24``, several with commas) that may reach the nodes by SSH."""
_HASH = 8


def rules(cluster_id: str, ports: Sequence[str], *, several: bool, network: str) -> list[Json]:
    """Return the rules that the cluster needs, ``several`` hosts with one among them.

    Logins are let in from where this machine is today.
    """
    group, common = names.group(cluster_id), _common(cluster_id, network)
    wanted = [_logins(cluster_id, network)]
    if ports:
        allowed = [{"IPProtocol": "tcp", "ports": list(ports)}]
        wanted.append({**common, "name": f"{group}-ports", "sourceRanges": [ANYWHERE], "allowed": allowed})
    if several:
        allowed = [{"IPProtocol": protocol} for protocol in ("tcp", "udp", "icmp")]
        wanted.append({**common, "name": f"{group}-nodes", "sourceTags": [group], "allowed": allowed})
    return wanted


def open_logins(rest: Rest, cluster_id: str, network: str) -> None:
    """Let logins in from where this machine is today, besides where they are let in from already."""
    open_all(rest, cluster_id, [_logins(cluster_id, network)])


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


def _logins(cluster_id: str, network: str) -> Json:
    """Return the rule that lets logins in. Other ranges make another rule, so that those of before stay."""
    ranges = ssh_sources(SSH_FROM_VARIABLE, look=not os.environ.get(ENDPOINT_VARIABLE))
    digest = hashlib.sha256(",".join(ranges).encode()).hexdigest()[:_HASH]
    return {
        **_common(cluster_id, network),
        "name": f"{names.group(cluster_id)}-ssh-{digest}",
        "sourceRanges": ranges,
        "allowed": [{"IPProtocol": "tcp", "ports": ["22"]}],
    }


def _common(cluster_id: str, network: str) -> Json:
    return {
        "network": network,
        "direction": "INGRESS",
        "targetTags": [names.group(cluster_id)],
        "description": names.note(cluster_id),
    }


def _list(rest: Rest, name: str) -> Iterator[Json]:
    for page in rest.pages("global/firewalls", filter=f"name eq {name}"):
        yield from page.get("items", [])
