"""What an API server, its scheduler and its kubelets say, as our errors. The only mapping there is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from catalog.errors import ExecutorError, UserError
from catalog.scope import Scope
from executors.errors import (
    AuthError,
    HostUnreachable,
    NotFound,
    OutOfCapacity,
    QuotaExceeded,
    Transient,
    Unsupported,
)
from executors.kubernetes.contexts import CLOUD, Context

GRANTS = "docs/kubernetes.md"
"""Where it stands which rights are needed, and how to grant them."""

CAPACITY_TTL_S = 60
_QUOTA_TTL_S, _AUTH_TTL_S = 300, 300
_QUOTA = re.compile(r"exceeded quota|maximum .* usage per|LimitRange", re.IGNORECASE)
_DENIED = re.compile(r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)"')
_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_NEVER_STARTS = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", *_IMAGE}


def refusal(context: Context, code: int, status: Mapping[str, Any]) -> ExecutorError | UserError:
    """Return the error for an answer with HTTP status ``code`` and the ``Status`` in it."""
    message = str(status.get("message") or f"HTTP status {code}")
    told = f"{context.place}: {message}"
    scope = Scope(CLOUD, context.name)
    if code == 401:
        return AuthError(
            f"{context.place} does not accept the credentials of its kubeconfig: {message}. Log in again "
            f"with the cluster's own tool, and try: sky check",
            scope,
            _AUTH_TTL_S,
        )
    if code == 403 and _QUOTA.search(message):
        return QuotaExceeded(told, scope, _QUOTA_TTL_S)
    if code == 403:
        denied = _DENIED.search(message)
        right = f"The right to {denied['verb']} {denied['resource']}" if denied else "A right"
        return AuthError(
            f"{told}. {right} is missing; {GRANTS} has the manifest that grants it", scope, _AUTH_TTL_S
        )
    if code == 404:
        return NotFound(told)
    if code == 409:
        return AlreadyThere(told)
    if code in {400, 413, 415, 422}:
        return UserError(f"{told}. Is pod_config right?" if code == 422 else told)
    return Transient(told)


class AlreadyThere(ExecutorError):
    """Something of that name exists: made by an earlier call of the same cluster."""


def unreachable(context: Context, reason: object) -> HostUnreachable:
    """Return the error for a server that does not answer."""
    return HostUnreachable(
        f"{context.place} does not answer at {context.server}: {reason}. Is the cluster up, and is this "
        f"machine in its network (VPN)?",
        context.server,
    )


def no_room(context: Context, instance_type: str, words: str, waited_s: float) -> OutOfCapacity:
    """Return the error for pods that found no node, with the scheduler's ``words``."""
    waited = f" within {waited_s:.0f} s" if waited_s >= 1 else ""
    return OutOfCapacity(
        f"{context.place}: {instance_type} found no node{waited}: {words}",
        Scope(CLOUD, context.name, None, instance_type),
        CAPACITY_TTL_S,
    )


def never_starts(context: Context, pod: Mapping[str, Any]) -> ExecutorError | UserError | None:
    """Return the error for a pod whose container cannot start, ``None`` where it may still."""
    name = pod["metadata"]["name"]
    for container in pod.get("status", {}).get("containerStatuses", ()):
        waiting = container.get("state", {}).get("waiting") or {}
        reason, said = waiting.get("reason", ""), waiting.get("message", "")
        if reason in _IMAGE:
            return UserError(
                f"{context.place}: the image {container['image']} cannot be had there ({reason}): {said}. "
                f"Is image_id right, and may the cluster's nodes pull it?"
            )
        if reason in _NEVER_STARTS:
            return Unsupported(f"{context.place}: pod {name} does not start ({reason}): {said}")
    return None
