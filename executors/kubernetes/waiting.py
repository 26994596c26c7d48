"""Waiting for pods: until all have a node and run, or it is clear that they will not."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from executors.kubernetes import errors
from executors.kubernetes.client import Client
from executors.kubernetes.pods import RANK, selector
from executors.kubernetes.settings import current

_log = logging.getLogger("sky.executors.kubernetes")

START_S = 900.0
"""How long a pod that has its node may take to start: images are large."""
_TELL_EVERY_S = 15.0
_LOOK_EVERY_S = 5.0

Pod = Mapping[str, Any]


def await_running(client: Client, path: str, cluster_id: str, num_pods: int, instance_type: str) -> list[Pod]:
    """Return the pods, by rank, once all run. ``path`` is that of the namespace's pods.

    Raises ``OutOfCapacity`` with the scheduler's words when one has no node within the time that the
    configuration gives, and ``UserError`` when its image cannot be had.
    """
    begun = time.monotonic()
    limit_s = current().provision_timeout_s
    scheduled_at = told_at = begun
    while True:
        listed = client.get(path, labelSelector=selector(cluster_id))
        pods: list[Pod] = sorted(listed["items"], key=rank_of)
        now = time.monotonic()
        homeless = [pod for pod in pods if not scheduled(pod)]
        if len(pods) == num_pods and all(running(pod) for pod in pods):
            return pods
        if homeless or len(pods) < num_pods:
            scheduled_at = now
            if 0 <= limit_s <= now - begun:
                words = unschedulable(homeless) or "the scheduler has said nothing yet"
                raise errors.no_room(client.context, instance_type, words, now - begun)
        for pod in pods:
            if over(pod):
                raise errors.no_room(client.context, instance_type, f"its pod ended: {why(pod)}", 0)
            if problem := errors.never_starts(client.context, pod):
                raise problem
        if now - scheduled_at > START_S:
            raise errors.no_room(client.context, instance_type, "its pod does not start", now - scheduled_at)
        if now - told_at > _TELL_EVERY_S:
            told_at = now
            _log.info("%s: %s", client.context.place, _standing(pods, homeless))
        left_s = limit_s - (now - begun) if homeless and limit_s >= 0 else _LOOK_EVERY_S
        since = listed["metadata"]["resourceVersion"]
        client.await_change(path, since, min(left_s, _LOOK_EVERY_S), labelSelector=selector(cluster_id))


def rank_of(pod: Pod) -> int:
    """Return which node of its cluster a pod is."""
    return int(pod["metadata"]["labels"][RANK])


def scheduled(pod: Pod) -> bool:
    """Return whether a pod has a node."""
    return bool(pod["spec"].get("nodeName"))


def running(pod: Pod) -> bool:
    """Return whether a pod's container runs."""
    statuses = pod["status"].get("containerStatuses", ())
    states = [container.get("state", {}) for container in statuses]
    return (
        pod["status"].get("phase") == "Running" and bool(states) and all("running" in each for each in states)
    )


def over(pod: Pod) -> bool:
    """Return whether a pod has ended, for whatever reason."""
    return pod["status"].get("phase") in {"Failed", "Succeeded"}


def going(pod: Pod) -> bool:
    """Return whether a pod is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def why(pod: Pod) -> str:
    """Return what the API says of a pod's end: ``Evicted: The node was low on resource: memory``."""
    status = pod["status"]
    parts = [status.get("reason", ""), status.get("message", "")]
    for container in status.get("containerStatuses", ()):
        ended = container.get("state", {}).get("terminated") or {}
        parts += [ended.get("reason", ""), ended.get("message", "")]
    return ": ".join(dict.fromkeys(part.strip() for part in parts if part.strip())) or "no reason is given"


def unschedulable(pods: Sequence[Pod]) -> str:
    """Return why the scheduler finds no node for the first of these, in its own words."""
    for pod in pods:
        for condition in pod["status"].get("conditions", ()):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return str(condition.get("message") or condition.get("reason", ""))
    return ""


def _standing(pods: Sequence[Pod], homeless: Sequence[Pod]) -> str:
    if homeless:
        return f"{len(homeless)} of {len(pods)} pods wait for a node: {unschedulable(homeless)}"
    starting = sum(not running(pod) for pod in pods)
    return f"{starting} of {len(pods)} pods start; a large image takes minutes to pull"
