"""Make a cluster of two hosts and kill this very process at a given call of a given function.

Usage: create_killed_at.py CLUSTER_ID TARGET before|after NTH
"""

from __future__ import annotations

import sys

from executors import ssh
from executors.api import NodeRequest
from executors.ssh import pools
from executors.ssh.offers import offers_of
from tests.integration.killed_at import arm


def main() -> None:
    cluster_id, target, moment, nth = sys.argv[1:]
    pool = pools.load("lab")
    assert pool is not None
    arm(target, moment, int(nth))
    ssh.executor().provisioner.create(NodeRequest(cluster_id, f"{cluster_id}-name", offers_of(pool)[0], 2))


if __name__ == "__main__":
    main()
