"""The executor of Compute Engine, put together."""

from __future__ import annotations

from executors.api import Capability, Executor
from executors.gcp.errors import CLOUD
from executors.gcp.provisioner import GcpProvisioner
from executors.vm import cluster

CAPABILITIES = frozenset(Capability)


def bundle() -> Executor:
    """Return the executor; nobody is asked over the network before it is used."""
    return Executor(
        name=CLOUD,
        provisioner=GcpProvisioner(),
        connect=cluster.connect,
        queue=cluster.queue,
        capabilities=CAPABILITIES,
    )
