"""The executor of the pools, put together."""

from __future__ import annotations

from executors.agent_queue import AgentQueue
from executors.api import Capability, Executor, Handle, Transport
from executors.errors import NotFound
from executors.ssh.host import MARKER
from executors.ssh.offers import CLOUD
from executors.ssh.provisioner import SshProvisioner
from executors.transports import ssh
from executors.transports.address import read_nodes

CAPABILITIES = frozenset(
    {Capability.STOP, Capability.MULTI_NODE, Capability.AUTOSTOP, Capability.AUTODOWN, Capability.PORTS}
)


def bundle() -> Executor:
    """Return the executor of the pools below ``SKY_HOME/ssh``."""
    return Executor(
        name=CLOUD,
        provisioner=SshProvisioner(),
        connect=_connect,
        queue=_queue,
        capabilities=CAPABILITIES,
    )


def _connect(handle: Handle, node: int = 0) -> Transport:
    nodes = read_nodes(handle.data)
    if node >= len(nodes):
        raise NotFound(f"cluster {handle.cluster_name} has no host for rank {node} yet")
    return ssh.connect(nodes[node])


def _queue(handle: Handle, transport: Transport) -> AgentQueue:
    return AgentQueue(transport, handle.data["python"], env=(f"{MARKER}={handle.cluster_id}",))
