"""The login of a private registry, in a Secret that is there while pods pull their image, and no longer."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from catalog.errors import ExecutorError
from executors.api import NodeRequest
from executors.docker_login import DockerLogin
from executors.errors import NotFound
from executors.kubernetes import parts, pods
from executors.kubernetes.client import Client

_log = logging.getLogger("sky.executors.kubernetes")


@contextmanager
def present(client: Client, request: NodeRequest) -> Iterator[None]:
    """Have the request's login, if it has one, where its pods look for it, during the block.

    A Secret that cannot be deleted then goes with the cluster.
    """
    if request.docker_login is None:
        yield
        return
    collection = parts.collection(parts.SECRETS, client.context.namespace)
    path = f"{collection}/{pods.login_name(request.cluster_id)}"
    with suppress(NotFound):
        client.delete(path)
    client.post(collection, _secret(request, request.docker_login))
    try:
        yield
    finally:
        try:
            client.delete(path)
        except ExecutorError as error:
            _log.warning("the login of %s stays until the cluster is down: %s", request.cluster_name, error)


def _secret(request: NodeRequest, login: DockerLogin) -> dict[str, object]:
    labels = pods.labels(request.cluster_id, request.cluster_name)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": pods.login_name(request.cluster_id), "labels": labels},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": login.config},
    }
