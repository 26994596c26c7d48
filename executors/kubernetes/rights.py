"""What the user may do in a context: asked of the API server, and told with the manifest that grants it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from executors.api import Access
from executors.errors import AuthError, NotFound
from executors.fanout import in_parallel
from executors.kubernetes.client import Client, client_of
from executors.kubernetes.contexts import Context
from executors.kubernetes.errors import GRANTS
from executors.kubernetes.pods import SERVICE_ACCOUNT

_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_CHECK_S = 10.0


class Right(NamedTuple):
    """A verb on a resource; ``everywhere`` where it is of the whole cluster, not of a namespace."""

    verb: str
    resource: str
    subresource: str = ""
    everywhere: bool = False

    def __str__(self) -> str:
        named = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f"{self.verb} {named}"


NEEDED = (
    *(Right(verb, "pods") for verb in ("create", "get", "list", "watch", "delete")),
    *(Right(verb, "pods", "exec") for verb in ("get", "create")),
    Right("list", "nodes", everywhere=True),
)
"""What every cluster takes. Listing pods everywhere and reading service accounts are asked for as well, and
can be done without."""


def missing(client: Client) -> list[Right]:
    """Return the rights among ``NEEDED`` that this user lacks."""
    return [right for right in NEEDED if not _allowed(client, right)]


def access(wanted: Sequence[Context]) -> Access:
    """Return whether any of the contexts can be used, and what is missing where."""
    if not wanted:
        return Access(
            enabled=False, detail="the kubeconfig names no current context", fix="kubectl config get-contexts"
        )
    answers = in_parallel(wanted, lambda context: missing(client_of(context.name)), limit_s=_CHECK_S)
    usable, told = [], []
    for context, answer in zip(wanted, answers, strict=True):
        if answer.error is not None:
            told.append(str(answer.error))
        elif lacking := answer.got():
            told.append(
                f"{context.place}: missing: {', '.join(map(str, lacking))}; {GRANTS} has the manifest"
            )
        else:
            usable.append(f"{context.name} (namespace {context.namespace})")
    return Access(enabled=bool(usable), identity=", ".join(usable), detail="; ".join(told))


def has_service_account(client: Client) -> bool:
    """Return whether pods of clusters can act as somebody who may delete them, which autodown takes."""
    try:
        client.get(f"/api/v1/namespaces/{client.context.namespace}/serviceaccounts/{SERVICE_ACCOUNT}")
    except (NotFound, AuthError):
        return False
    return True


def _allowed(client: Client, right: Right) -> bool:
    attributes = {
        "verb": right.verb,
        "resource": right.resource,
        "subresource": right.subresource,
        "namespace": "" if right.everywhere else client.context.namespace,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    return bool(client.post(_REVIEW, review)["status"]["allowed"])
