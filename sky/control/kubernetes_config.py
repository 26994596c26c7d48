"""The section ``kubernetes`` of the user's configuration.

kubernetes:
  allowed_contexts: [lab, prod]     # or: all; the current context alone where it is absent
  provision_timeout: 10             # seconds that pods may wait for a node; -1: for ever
  ports: loadbalancer               # or: nodeport, podip; how ports of tasks are opened
  pod_config:
    spec:
      tolerations: [{key: team, operator: Exists}]
"""

from __future__ import annotations

from executors.kubernetes.settings import ALL, LOADBALANCER, PROVISION_TIMEOUT_S, Settings
from sky import config


def read() -> Settings:
    """Return what the configuration says. Raises ``SpecError`` where it is wrong."""
    section = config.get_nested(("kubernetes",), {})
    contexts = section.get("allowed_contexts", ())
    return Settings(
        allowed_contexts=(ALL,) if contexts == ALL else tuple(contexts),
        pod_config=section.get("pod_config", {}),
        provision_timeout_s=section.get("provision_timeout", PROVISION_TIMEOUT_S),
        ports=section.get("ports", LOADBALANCER),
    )
