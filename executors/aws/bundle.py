"""The executor of EC2, put together."""

from __future__ import annotations

from executors.api import Capability, Executor
from executors.aws.errors import CLOUD
from executors.aws.provisioner import AwsProvisioner
from executors.vm.cluster import connect, queue


def bundle() -> Executor:
    """Return the executor of EC2."""
    return Executor(
        name=CLOUD,
        provisioner=AwsProvisioner(),
        connect=connect,
        queue=queue,
        capabilities=frozenset(Capability),
    )
