"""The executor of this machine, put together."""

from __future__ import annotations

import sys
from pathlib import Path

from catalog.home import sky_home
from executors.agent_queue import AgentQueue
from executors.api import Capability, Executor, Handle, Transport
from executors.errors import NotFound
from executors.local.provisioner import LocalProvisioner, home_of, marker_of
from executors.transports.local import LocalTransport

CAPABILITIES = frozenset({Capability.STOP, Capability.AUTOSTOP, Capability.AUTODOWN})


def bundle(root: Path | None = None) -> Executor:
    """Return the executor whose clusters are folders below ``root`` (default ``SKY_HOME/local``)."""
    folder = root or sky_home() / "local"
    return Executor(
        name="local",
        provisioner=LocalProvisioner(folder.absolute()),
        connect=_connect,
        queue=_queue,
        capabilities=CAPABILITIES,
    )


def _connect(handle: Handle, node: int = 0) -> LocalTransport:
    if node:
        raise NotFound(f"cluster {handle.cluster_name} has one node, not {node + 1}")
    folder = handle.data.get("folder")
    if folder is None or not home_of(handle).is_dir():
        raise NotFound(f"cluster {handle.cluster_name} has no folder on this machine")
    return LocalTransport(home_of(handle), marker_of(folder))


def _queue(handle: Handle, transport: Transport) -> AgentQueue:
    return AgentQueue(transport, handle.data.get("python", sys.executable))
