"""The executor of Slurm clusters, put together."""

from __future__ import annotations

import json

from catalog.units import MILLI
from executors.api import Capability, Executor, Handle, Transport
from executors.errors import NotFound
from executors.slurm.provisioner import MARKER, SlurmProvisioner, hosts_of, login_of
from executors.slurm.queue import SlurmQueue
from executors.slurm.share import CLOUD
from executors.slurm.steps import StepTransport
from executors.transports import ssh

CAPABILITIES = frozenset({Capability.STOP, Capability.MULTI_NODE, Capability.AUTOSTOP, Capability.AUTODOWN})


def bundle() -> Executor:
    """Return the executor of the clusters in ``SKY_HOME/slurm_clusters.yaml``."""
    return Executor(
        name=CLOUD,
        provisioner=SlurmProvisioner(),
        connect=_connect,
        queue=_queue,
        capabilities=CAPABILITIES,
    )


def _connect(handle: Handle, node: int = 0) -> Transport:
    login = ssh.connect(login_of(handle))
    nodes = hosts_of(handle)
    if node >= len(nodes):
        raise NotFound(f"cluster {handle.cluster_name} has no node of rank {node}")
    data = handle.data
    cpus = int(json.loads(data["capacity"])["cpus_milli"]) // MILLI
    return StepTransport(login, handle.cluster_id, data["folder"], data["job"], nodes[node].host, cpus)


def _queue(handle: Handle, transport: Transport) -> SlurmQueue:
    return SlurmQueue(
        transport,
        handle.data["python"],
        (f"{MARKER}=sky-{handle.cluster_id}",),
        lambda: SlurmProvisioner().describe(handle),
    )
