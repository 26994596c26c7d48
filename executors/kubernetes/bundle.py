"""The executor of Kubernetes, put together."""

from __future__ import annotations

from executors.api import Capability, Executor, Handle, Transport
from executors.errors import NotFound
from executors.kubernetes.contexts import CLOUD
from executors.kubernetes.provisioner import KubernetesProvisioner, client_for, pod_names
from executors.kubernetes.queue import PodQueue
from executors.kubernetes.transport import PodTransport

CAPABILITIES = frozenset({Capability.MULTI_NODE, Capability.IMAGE, Capability.AUTODOWN, Capability.PORTS})


def bundle() -> Executor:
    """Return the executor of the contexts in the user's kubeconfig."""
    return Executor(
        name=CLOUD,
        provisioner=KubernetesProvisioner(),
        connect=_connect,
        queue=_queue,
        capabilities=CAPABILITIES,
    )


def _connect(handle: Handle, node: int = 0) -> PodTransport:
    client, names = client_for(handle), pod_names(handle)
    if node >= len(names):
        raise NotFound(f"cluster {handle.cluster_name} has no node of rank {node}")
    return PodTransport(client, handle.data["namespace"], names[node], handle.data["python"])


def _queue(handle: Handle, transport: Transport) -> PodQueue:
    return PodQueue(transport, handle.data["python"], may_delete_itself=bool(handle.data["service_account"]))
