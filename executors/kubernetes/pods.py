"""The pods of a cluster: their names and labels, and the manifest of one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from executors.api import NodeRequest
from executors.container.contents import INIT
from executors.kubernetes.settings import current
from executors.kubernetes.share import Share

CLUSTER_ID = "sky-cluster-id"
"""The label that all that belongs to a cluster carries; by it alone everything is found again."""
CLUSTER_NAME, RANK = "sky-cluster-name", "sky-rank"
CONTAINER = "node"
IMAGE = "python:3.12-slim-bookworm"
"""What runs where the task names no image: Debian with Python."""
SERVICE_ACCOUNT = "sky-cluster"
"""Whom pods act as where the namespace has it: who may delete the pods of clusters."""

_GRACE_S = 10
_LONGEST_NAME, _LONGEST_LABEL = 50, 63


def selector(cluster_id: str) -> str:
    """Return the selector of all that belongs to a cluster."""
    return f"{CLUSTER_ID}={label_value(cluster_id)}"


def name(cluster_id: str, suffix: object) -> str:
    """Return the name of a part of a cluster: the same each time, and a DNS label."""
    plain = re.sub(r"[^a-z0-9]+", "-", cluster_id.lower()).strip("-")
    if plain != cluster_id or len(plain) > _LONGEST_NAME:
        plain = f"{plain[: _LONGEST_NAME - 9].rstrip('-')}-{_digest(cluster_id)}"
    return f"sky-{plain}-{suffix}"


def login_name(cluster_id: str) -> str:
    """Return the name of the Secret with the login of a cluster's registry."""
    return name(cluster_id, "login")


def label_value(text: str) -> str:
    """Return ``text`` as the value of a label, shortened where it must be."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", text).strip("-_.")
    if plain == text and len(plain) <= _LONGEST_LABEL:
        return plain
    return f"{plain[: _LONGEST_LABEL - 9].rstrip('-_.')}-{_digest(text)}".lstrip("-")


def labels(cluster_id: str, cluster_name: str) -> dict[str, str]:
    """Return the labels of all that belongs to a cluster."""
    return {CLUSTER_ID: label_value(cluster_id), CLUSTER_NAME: label_value(cluster_name)}


def manifest(
    request: NodeRequest, rank: int, shares: Sequence[Share], *, service_account: bool
) -> dict[str, Any]:
    """Return the pod of that rank: the share of a node that ``shares``, all of one name, stand for.

    With ``service_account`` it may act on its cluster, else it gets no token. The user's ``pod_config`` is
    laid over it last.
    """
    container = {
        "name": CONTAINER,
        "image": request.container_image or IMAGE,
        "command": ["/bin/sh", "-c", INIT],
        "resources": _resources(shares[0]),
        "volumeMounts": [{"name": "shared-memory", "mountPath": "/dev/shm"}],  # noqa: S108  for data loaders
    }
    spec: dict[str, Any] = {
        "containers": [container],
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _GRACE_S,
        "automountServiceAccountToken": service_account,
        "volumes": [{"name": "shared-memory", "emptyDir": {"medium": "Memory"}}],
        **({"serviceAccountName": SERVICE_ACCOUNT} if service_account else {}),
        **({"imagePullSecrets": [{"name": login_name(request.cluster_id)}]} if request.docker_login else {}),
        **_where(shares),
    }
    own = {**labels(request.cluster_id, request.cluster_name), RANK: str(rank)}
    made = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name(request.cluster_id, rank), "labels": {**request.labels, **own}},
        "spec": spec,
    }
    laid: dict[str, Any] = overlaid(made, current().pod_config)
    return laid


def overlaid(below: Any, above: Any) -> Any:
    """Return ``below`` with ``above`` laid over it: mappings key by key, lists of named things by name.

    The containers of a pod are one list of named things; one without a name in it is the first.
    """
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        added = {key: value for key, value in above.items() if key not in below}
        return {**{key: overlaid(value, above.get(key, value)) for key, value in below.items()}, **added}
    if isinstance(below, list) and isinstance(above, list):
        return _overlaid_lists(below, above)
    return above


def _overlaid_lists(below: list[Any], above: list[Any]) -> list[Any]:
    named = all(isinstance(each, Mapping) and "name" in each for each in below)
    if not below or not named or not all(isinstance(each, Mapping) for each in above):
        return [*below, *(each for each in above if each not in below)]
    merged = {each["name"]: each for each in below}
    for each in above:
        key = each.get("name", below[0]["name"])
        merged[key] = overlaid(merged[key], each) if key in merged else each
    return list(merged.values())


def _resources(share: Share) -> dict[str, Any]:
    amount = share.amount
    requests = {"cpu": f"{amount.cpus_milli}m", "memory": f"{amount.memory_mib}Mi"}
    if share.accelerators is None:
        return {"requests": requests}
    devices = {share.accelerators.resource: str(amount.accelerators)}
    return {"requests": {**requests, **devices}, "limits": devices}


def _where(shares: Sequence[Share]) -> dict[str, Any]:
    """Return what sends a pod to nodes with its accelerators, past the taints that keep others off."""
    found = [share.accelerators for share in shares if share.accelerators is not None]
    if not found:
        return {}
    by_key: dict[str, set[str]] = {}
    for each in found:
        if each.label[0]:
            by_key.setdefault(each.label[0], set()).add(each.label[1])
    taint = {"key": found[0].resource, "operator": "Exists"}
    terms = [
        {"matchExpressions": [{"key": key, "operator": "In", "values": sorted(values)}]}
        for key, values in sorted(by_key.items())
    ]
    where: dict[str, Any] = {"tolerations": [taint]}
    if terms:
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        where["affinity"] = {"nodeAffinity": required}
    return where


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
