"""What a cluster may have besides its pods: the Service of its ports, the Secret of a registry's login."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from executors.errors import AuthError, NotFound
from executors.kubernetes import pods
from executors.kubernetes.client import Client

SERVICES, SECRETS = "services", "secrets"


class Part(NamedTuple):
    """One of them: its ``kind`` (``services``), its name, the id of its cluster, and where it is."""

    kind: str
    name: str
    cluster_id: str
    path: str

    def __str__(self) -> str:
        return f"{self.kind.removesuffix('s')} {self.name}"


def collection(kind: str, namespace: str) -> str:
    """Return the path of all of a kind in a namespace."""
    return f"/api/v1/namespaces/{namespace}/{kind}"


def found(
    client: Client, namespace: str, cluster_id: str = "", kinds: Sequence[str] = (SERVICES, SECRETS)
) -> list[Part]:
    """Return what a cluster has of them (all clusters, for no id), but for what is on its way out.

    Whoever may not list them cannot have made any.
    """
    wanted = pods.selector(cluster_id) if cluster_id else pods.CLUSTER_ID
    parts = []
    for kind in kinds:
        path = collection(kind, namespace)
        with suppress(AuthError):
            for each in client.get(path, labelSelector=wanted)["items"]:
                metadata = each["metadata"]
                if "deletionTimestamp" not in metadata:
                    name, owner = metadata["name"], metadata["labels"][pods.CLUSTER_ID]
                    parts.append(Part(kind, name, owner, f"{path}/{name}"))
    return parts


def delete(client: Client, parts: Sequence[Part]) -> None:
    """Delete these; gone already is success."""
    for part in parts:
        with suppress(NotFound):
            client.delete(part.path)
