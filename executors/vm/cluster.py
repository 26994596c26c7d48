"""A cluster of rented machines from outside: the way in, the queue, the agent's settings.

What there is to know of it is in ``Handle.data``, as ``cluster_data`` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from catalog.offer import Offer
from executors.agent_queue import AgentQueue
from executors.api import Handle, Transport
from executors.container.machine import Container
from executors.errors import NotFound
from executors.transports import ssh
from executors.transports.address import Address, read_nodes, write_nodes

MARKER = "SKY_VM_CLUSTER"
PYTHON = "python3"


def cluster_data(nodes: Sequence[Address], host_key: str, offer: Offer) -> dict[str, str]:
    """Return what a handle holds: the nodes (head first), their public host key, one node's capacity."""
    capacity = {
        "cpus_milli": offer.vcpus_milli,
        "memory_mib": offer.memory_mib,
        "accelerator": offer.key.accelerator,
        "accelerators": offer.key.accelerator_count_milli // 1000,
    }
    return {"nodes": write_nodes(nodes), "host_key": host_key, "capacity": json.dumps(capacity)}


def connect(handle: Handle, node: int = 0) -> Transport:
    """Return the transport to the node of that rank, into its container where it is one.

    Raises ``NotFound`` where there is no such node.
    """
    nodes = read_nodes(handle.data)
    if node >= len(nodes):
        raise NotFound(f"cluster {handle.cluster_name} has no machine for rank {node} yet")
    machine, container = ssh.connect(nodes[node]), Container.read(handle.data)
    return container.enter(machine) if container else machine


def python(handle: Handle) -> str:
    """Return the interpreter of the cluster's nodes."""
    container = Container.read(handle.data)
    return container.python if container else PYTHON


def queue(handle: Handle, transport: Transport) -> AgentQueue:
    """Return the job queue of the agent on the node; all that it starts carries the cluster's mark."""
    return AgentQueue(transport, python(handle), env=(f"{MARKER}={handle.cluster_id}",))


def agent_config(handle: Handle, actions: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """Return the agent's settings: capacity, addresses, marker, and how the machines stop themselves."""
    return {
        "cluster_name": handle.cluster_name,
        "capacity": json.loads(handle.data["capacity"]),
        "addresses": [node.internal_ip or node.host for node in read_nodes(handle.data)],
        "marker": f"{MARKER}={handle.cluster_id}",
        "actions": {action: list(argv) for action, argv in actions.items()},
    }
