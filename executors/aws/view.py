"""From a cluster's instances to how the cluster is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from executors.api import ClusterView, NodeState
from executors.aws import tags
from executors.aws.instances import Instance

_STATES = {
    "pending": NodeState.PENDING,
    "running": NodeState.RUNNING,
    "stopping": NodeState.STOPPED,
    "stopped": NodeState.STOPPED,
}


def view_of(cluster_id: str, found: Sequence[Instance], left: Sequence[str] = ()) -> ClusterView:
    """Return the cluster with these instances (dead ones too), and what is left where no instance lives.

    It is gone only when all of it is. What runs in part, or stopped in part, is degraded.
    """
    view, live = _standing(cluster_id, found, left), [each for each in found if each.live]
    if not live:
        return view
    return replace(
        view,
        created_at=min(each.launched_at for each in live),
        since=max(each.changed_at for each in live),
        place=live[0].zone,
    )


def _standing(cluster_id: str, found: Sequence[Instance], left: Sequence[str]) -> ClusterView:
    live = [each for each in found if each.live]
    ends = "; ".join(dict.fromkeys(each.why for each in found if not each.live and each.why))
    if not live and left:
        reason = f"its instances ended; {', '.join(left)} goes after them"
        return ClusterView(cluster_id, NodeState.DEGRADED, (), reason, nodeless=True)
    if not live:
        return ClusterView(cluster_id, NodeState.GONE, (), f"its instances ended: {ends}" if ends else "")
    addresses = tuple(each.public_ip or each.private_ip for each in live)
    wanted = max(int(each.marks.get(tags.NUM_NODES, "1")) for each in live)
    if len(live) < wanted:
        why = f"it has {len(live)} of {wanted} instances" + (f": {ends}" if ends else "")
        return ClusterView(cluster_id, NodeState.DEGRADED, addresses, why)
    states = {_STATES[each.state] for each in live}
    if len(states) == 1:
        return ClusterView(cluster_id, states.pop(), addresses)
    if states == {NodeState.PENDING, NodeState.RUNNING}:
        return ClusterView(cluster_id, NodeState.PENDING, addresses)
    counted = Counter(each.state for each in live)
    odd = ", ".join(f"{count} {state}" for state, count in sorted(counted.items()))
    return ClusterView(cluster_id, NodeState.DEGRADED, addresses, f"its instances are {odd}")
