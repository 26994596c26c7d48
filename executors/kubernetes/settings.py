"""What the user's configuration says of Kubernetes.

It is read by whoever knows its form (``read_with``); executors only ask for what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ALL = "all"
PROVISION_TIMEOUT_S = 10
LOADBALANCER, NODEPORT, PODIP = "loadbalancer", "nodeport", "podip"
PORTS = (LOADBALANCER, NODEPORT, PODIP)
"""How ports may be opened: by a load balancer, at the nodes, or at the pod for its network alone."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Which contexts may be used (none named: the current one), and how pods are made there.

    ``pod_config`` is laid over every pod's manifest. ``provision_timeout_s`` is how long pods may wait for
    nodes; negative: for ever. ``ports`` is one of ``PORTS``.
    """

    allowed_contexts: tuple[str, ...] = ()
    pod_config: Mapping[str, object] = field(default_factory=dict, repr=False)
    provision_timeout_s: int = PROVISION_TIMEOUT_S
    ports: str = LOADBALANCER


Reader = Callable[[], Settings]

_readers: list[Reader] = []


def read_with(reader: Reader) -> None:
    """Let ``reader`` say what the settings are, in this process."""
    _readers[:] = [reader]


def current() -> Settings:
    """Return the settings."""
    return _readers[0]() if _readers else Settings()
