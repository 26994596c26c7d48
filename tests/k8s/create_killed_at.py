"""Create a cluster, dying by SIGKILL before the N-th call of the API: create_killed_at.py N NODES OFFER."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from executors import kubernetes
from executors.api import NodeRequest
from executors.docker_login import DockerLogin
from executors.kubernetes import client
from executors.kubernetes.offers import shares
from executors.kubernetes.settings import read_with
from sky.control import kubernetes_config

number, num_nodes, instance_type = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
read_with(kubernetes_config.read)
offer = next(each.offer for each in shares() if each.offer.key.instance_type == instance_type)
ask = client.Client._open
calls = iter(range(1, 1000))


def counted(*args: Any) -> Any:
    if next(calls) == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return ask(*args)


client.Client._open = counted  # type: ignore[method-assign]
login = DockerLogin("me", "hunter2", "example.com")
request = NodeRequest("c-killed", "killed", offer, num_nodes, docker_login=login)
kubernetes.executor().provisioner.create(request)
