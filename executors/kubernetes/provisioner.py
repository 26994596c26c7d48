"""Clusters on Kubernetes: one pod a node, found again by the label with the cluster's id, and by it alone."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from catalog.errors import SkyError, UserError
from catalog.units import MILLI
from executors.api import Access, ClusterView, Handle, NodeRequest, NodeState
from executors.container.contents import prepared
from executors.errors import CleanupIncomplete, NotFound, OutOfCapacity
from executors.fanout import in_parallel
from executors.kubernetes import contexts, errors, parts, pods, pull_secret, rights, service, waiting
from executors.kubernetes.client import Client, client_of
from executors.kubernetes.contexts import CLOUD, Context
from executors.kubernetes.nodes import classes
from executors.kubernetes.parts import Part
from executors.kubernetes.share import Share, shares_of
from executors.kubernetes.transport import PodTransport
from executors.kubernetes.waiting import Pod

_log = logging.getLogger("sky.executors.kubernetes")

_SELF_DOWN = Path(__file__).with_name("self_down.py")
_LOOK_S = 10.0
_GOING_S = 30.0

T = TypeVar("T")


def client_for(handle: Handle) -> Client:
    """Return the way to the API server that has the cluster. Raises ``NotFound`` where none was asked yet."""
    if "context" not in handle.data:
        raise NotFound(f"cluster {handle.cluster_name} has no pods yet")
    return client_of(handle.data["context"])


def pod_names(handle: Handle) -> list[str]:
    """Return the names of the cluster's pods, head first."""
    return [str(name) for name in json.loads(handle.data.get("pods", "[]"))]


class KubernetesProvisioner:
    """Makes pods, describes and deletes them."""

    def create(self, request: NodeRequest) -> Handle:
        """Make the pods, all or none, or return the handle of those that carry the cluster's id already.

        Raises ``OutOfCapacity`` with the scheduler's words when they find no nodes; none is left then.
        """
        client = client_of(request.offer.key.region)
        with pull_secret.present(client, request):
            running = _running(client, request)
        return _handle(client, request, running, service.expose(client, request, running[0]))

    def describe(self, handle: Handle) -> ClusterView:
        """Say what the API server tells of the pods."""
        if handle.data:
            client, namespace = client_for(handle), handle.data["namespace"]
            return _described(client, handle.cluster_id, namespace, len(pod_names(handle)))
        answers = [answer for _, answer in _everywhere(lambda client: _described(client, handle.cluster_id))]
        for answer in answers:
            if not isinstance(answer, SkyError) and answer.state is not NodeState.GONE:
                return answer
        for answer in answers:
            if isinstance(answer, SkyError):
                raise answer
        return ClusterView(handle.cluster_id, NodeState.GONE)

    def delete(self, handle: Handle) -> None:
        """Delete the pods with all else, and wait until they have ended; gone already is success.

        Raises ``CleanupIncomplete`` where a server that may have some does not answer.
        """
        if handle.data:
            _delete(client_for(handle), handle.cluster_id, handle.data["namespace"])
            return
        silent = []
        for context, done in _everywhere(lambda client: _deleted(client, handle.cluster_id)):
            if isinstance(done, SkyError):
                silent.append((context, done))
        if silent:
            context, error = silent[0]
            raise CleanupIncomplete(
                f"cluster {handle.cluster_name} may still have pods: {error}. When it answers again: "
                f"kubectl --context {context.name} delete pod,service,secret "
                f"-l {pods.selector(handle.cluster_id)}"
            )

    def list(self) -> Sequence[ClusterView]:
        """Return every cluster in the namespaces of the allowed contexts that answer."""
        views = []
        for context, found in _everywhere(_all_views):
            if isinstance(found, SkyError):
                _log.warning("the list of clusters is not complete: %s: %s", context.place, found)
            else:
                views += found
        return views

    def endpoints(self, handle: Handle, ports: Sequence[int]) -> Mapping[int, str]:
        """Return ``host:port`` for each of these ports that is reached already."""
        client = client_for(handle)
        found = _pods(client, handle.cluster_id, handle.data["namespace"])
        if not found or waiting.rank_of(found[0]):
            return {}
        return service.endpoints(client, handle, found[0], ports)

    def configured(self) -> bool:
        """Return whether there is a kubeconfig."""
        return any(path.is_file() for path in contexts.files())

    def check(self) -> Access:
        """Ask every allowed context for the rights that clusters take."""
        if not self.configured():
            shown = " and ".join(map(str, contexts.files()))
            return Access(enabled=False, detail=f"there is no kubeconfig at {shown}")
        try:
            return rights.access(list(contexts.allowed().values()))
        except UserError as error:
            return Access(enabled=False, detail=str(error))

    def self_commands(self, handle: Handle) -> Mapping[str, Sequence[str]]:
        """Return what a pod runs to delete the cluster's pods, itself last; nothing where it may not."""
        if not handle.data.get("service_account"):
            return {}
        program = _SELF_DOWN.read_text("utf-8")
        return {"down": [handle.data["python"], "-I", "-c", program, pods.selector(handle.cluster_id)]}

    def agent_config(self, handle: Handle) -> Mapping[str, object]:
        """Return the agent's settings: what a pod gives, the pods' addresses, the self command."""
        return {
            "cluster_name": handle.cluster_name,
            "capacity": json.loads(handle.data["capacity"]),
            "addresses": json.loads(handle.data["addresses"]),
            "actions": self.self_commands(handle),
            "may_sudo": False,
        }


def _running(client: Client, request: NodeRequest) -> list[Pod]:
    """Make the pods that are lacking; returns all of them, by rank, once they run."""
    path = _pods_path(client.context.namespace)
    found = client.get(path, labelSelector=pods.selector(request.cluster_id))["items"]
    living = {waiting.rank_of(pod) for pod in found if not waiting.over(pod) and not waiting.going(pod)}
    lacking = [rank for rank in range(request.num_nodes) if rank not in living]
    if lacking:
        shares = _shares(client, request)
        _clear(client, path, [pod for pod in found if waiting.rank_of(pod) in lacking])
        may_delete = rights.has_service_account(client)
        for rank in lacking:
            with suppress(errors.AlreadyThere):
                client.post(path, pods.manifest(request, rank, shares, service_account=may_delete))
    try:
        return waiting.await_running(
            client, path, request.cluster_id, request.num_nodes, request.offer.key.instance_type
        )
    except OutOfCapacity:
        _delete(client, request.cluster_id)
        raise


def _pods_path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


def _pods(client: Client, cluster_id: str = "", namespace: str = "") -> list[Pod]:
    """Return the pods of a cluster (of all, for no id) that are not on their way out, by rank."""
    wanted = pods.selector(cluster_id) if cluster_id else pods.CLUSTER_ID
    found = client.get(_pods_path(namespace or client.context.namespace), labelSelector=wanted)["items"]
    return sorted((pod for pod in found if not waiting.going(pod)), key=waiting.rank_of)


def _shares(client: Client, request: NodeRequest) -> list[Share]:
    """Return the shares that the offer names, as the context has them now. Raises ``OutOfCapacity``."""
    wanted = request.offer.key.instance_type
    found = [share for node in classes(client) for share in shares_of(node) if share.name == wanted]
    if not found:
        raise errors.no_room(client.context, wanted, "no node there has such a share any more", 0)
    return found


def _handle(client: Client, request: NodeRequest, running: Sequence[Pod], ports: str) -> Handle:
    key, offer, context = request.offer.key, request.offer, client.context
    names = [pod["metadata"]["name"] for pod in running]
    capacity = {
        "cpus_milli": offer.vcpus_milli,
        "memory_mib": offer.memory_mib,
        "accelerator": key.accelerator,
        "accelerators": key.accelerator_count_milli // MILLI,
    }
    data = {
        "context": context.name,
        "namespace": context.namespace,
        "pods": json.dumps(names),
        "addresses": json.dumps([pod["status"]["podIP"] for pod in running]),
        "num_nodes": str(len(names)),
        "capacity": json.dumps(capacity),
        "ports": ports,
        "python": _prepared(client, context, names),
        "service_account": running[0]["spec"].get("serviceAccountName", "").removeprefix("default"),
    }
    return Handle(CLOUD, request.cluster_id, request.cluster_name, data)


def _prepared(client: Client, context: Context, names: Iterable[str]) -> str:
    """Give every pod what the agent needs; returns the Python there. Raises ``Unsupported``."""

    def one(name: str) -> str:
        return prepared(PodTransport(client, context.namespace, name), pods.IMAGE)

    found = [answer.got() for answer in in_parallel(list(names), one)]
    return found[0]


def _clear(client: Client, path: str, ended: Sequence[Pod]) -> None:
    """Remove pods that have ended, or are about to, so that others can have their names."""
    for pod in ended:
        with suppress(NotFound):
            client.delete(f"{path}/{pod['metadata']['name']}", grace_s=0)


def _delete(client: Client, cluster_id: str, namespace: str = "") -> None:
    """Delete what carries the cluster's id, and wait until nothing of it runs, for as long as that may take.

    The API shows a pod for some time after its containers have ended.
    """
    namespace = namespace or client.context.namespace
    parts.delete(client, parts.found(client, namespace, cluster_id))
    path, wanted = _pods_path(namespace), pods.selector(cluster_id)
    deadline = time.monotonic() + _GOING_S
    while True:
        listed = client.get(path, labelSelector=wanted)
        for pod in listed["items"]:
            if not waiting.going(pod):
                at_once = None if waiting.running(pod) else 0
                with suppress(NotFound):
                    client.delete(f"{path}/{pod['metadata']['name']}", grace_s=at_once)
        if not any(waiting.running(pod) for pod in listed["items"]):
            return
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            _log.warning("the pods of %s are deleted, and take long to end", cluster_id)
            return
        client.await_change(path, listed["metadata"]["resourceVersion"], left_s, labelSelector=wanted)


def _deleted(client: Client, cluster_id: str) -> bool:
    _delete(client, cluster_id)
    return True


def _described(client: Client, cluster_id: str, namespace: str = "", num_nodes: int = 0) -> ClusterView:
    namespace = namespace or client.context.namespace
    found = _pods(client, cluster_id, namespace)
    left = [] if found else parts.found(client, namespace, cluster_id)
    return _view(cluster_id, found, left, num_nodes)


def _all_views(client: Client) -> list[ClusterView]:
    its_pods: dict[str, list[Pod]] = {}
    for pod in _pods(client):
        its_pods.setdefault(pod["metadata"]["labels"][pods.CLUSTER_ID], []).append(pod)
    left: dict[str, list[Part]] = {}
    for part in parts.found(client, client.context.namespace):
        left.setdefault(part.cluster_id, []).append(part)
    return [_view(each, its_pods.get(each, ()), left.get(each, ())) for each in {**its_pods, **left}]


def _view(
    cluster_id: str, found: Sequence[Pod], left: Sequence[Part] = (), num_nodes: int = 0
) -> ClusterView:
    """Return what there is: the pods ``found``, and what is ``left`` where there are none."""
    if not found and left:
        reason = f"its pods are gone, and there is still {', '.join(map(str, left))}"
        return ClusterView(cluster_id, NodeState.DEGRADED, (), reason)
    if not found:
        return ClusterView(cluster_id, NodeState.GONE)
    addresses = tuple(pod["status"].get("podIP", "") for pod in found)
    ended = [pod for pod in found if waiting.over(pod)]
    if len(ended) == len(found):
        return ClusterView(cluster_id, NodeState.DEGRADED, (), f"its pods ended: {waiting.why(ended[0])}")
    if ended or len(found) < num_nodes:
        what = (
            f"pod {ended[0]['metadata']['name']} ended: {waiting.why(ended[0])}" if ended else "a pod is gone"
        )
        return ClusterView(cluster_id, NodeState.DEGRADED, addresses, what)
    if not all(waiting.running(pod) for pod in found):
        reason = waiting.unschedulable(found) or "its pods start"
        return ClusterView(cluster_id, NodeState.PENDING, tuple(filter(None, addresses)), reason)
    return ClusterView(cluster_id, NodeState.RUNNING, addresses)


def _everywhere(doing: Callable[[Client], T]) -> list[tuple[Context, T | SkyError]]:
    """Do something at every allowed context at once; returns what came of it, or the error, for each."""
    wanted = list(contexts.allowed().values())
    answers = in_parallel(wanted, lambda context: doing(client_of(context.name)), limit_s=_LOOK_S + _GOING_S)
    return [
        (context, answer.error if answer.error is not None else answer.got())
        for context, answer in zip(wanted, answers, strict=True)
    ]
