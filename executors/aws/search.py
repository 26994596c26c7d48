"""Where a cluster's instances are: in the region that is known, else in every region of the account."""

from __future__ import annotations

import time

from executors.api import Handle
from executors.aws import instances, intent
from executors.aws.instances import Instance
from executors.aws.session import in_each, regions
from executors.errors import AuthError

_PAUSE_S = 0.5


def instances_of(handle: Handle, *, settled: bool = False) -> dict[str, list[Instance]]:
    """Return the cluster's instances by region, dead ones too; regions without any are in it as well.

    The region stands in the handle, or in what this machine noted before it asked for instances. ``settled``
    waits for those that were asked for a moment ago and may not be listed yet.
    """
    noted = intent.read(handle.cluster_id)
    region = handle.data.get("region") or (noted.region if noted else "")
    if not region:
        return everywhere(handle.cluster_id)
    found = instances.of_cluster(region, handle.cluster_id)
    while settled and noted and noted.unsettled and not any(each.live for each in found):
        time.sleep(_PAUSE_S)
        found = instances.of_cluster(region, handle.cluster_id)
    return {region: found}


def everywhere(cluster_id: str = "") -> dict[str, list[Instance]]:
    """Return a cluster's instances (all of this user's for ``""``) in every region that may be looked into.

    What may not be looked into holds nothing of this user's. Raises ``AuthError`` where that is everything.
    """
    refused: list[AuthError] = []

    def look(region: str) -> list[Instance] | None:
        try:
            return instances.of_cluster(region, cluster_id)
        except AuthError as error:
            refused.append(error)
            return None

    found = {region: there for region, there in in_each(regions(), look).items() if there is not None}
    if refused and not found:
        raise refused[0]
    return found
