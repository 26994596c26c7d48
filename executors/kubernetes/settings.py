"""What the user's configuration says of Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from executors.settings import Configured

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


_configured = Configured(Settings())
read_with = _configured.read_with
current = _configured.current
