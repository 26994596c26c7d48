"""From how a cluster's hosts are to how the cluster is."""

from __future__ import annotations

from collections.abc import Sequence

from executors.api import ClusterView, NodeState
from executors.fanout import Answer
from executors.ssh.contact import why
from executors.ssh.host import HostView
from executors.transports.address import Address


def node_names(nodes: Sequence[Address]) -> list[str]:
    """Return how the nodes of a cluster call each other."""
    return [node.internal_ip or node.host for node in nodes]


def view_of(
    cluster_id: str, nodes: Sequence[Address], answers: Sequence[Answer[HostView]], num_nodes: int
) -> ClusterView:
    """Return the cluster on ``nodes`` (head first), of which there should be ``num_nodes``.

    It is gone only when every host answers and has nothing of it.
    """
    names = tuple(node_names(nodes))
    silent = {
        rank: f"{node} does not answer ({why(answer.error)})"
        for rank, (node, answer) in enumerate(zip(nodes, answers, strict=True))
        if answer.value is None
    }
    if silent:
        reason = "; ".join(silent.values())
        return ClusterView(cluster_id, NodeState.DEGRADED, names, reason, silent=frozenset(silent))
    views = [answer.got() for answer in answers]
    states = [_state(view, cluster_id) for view in views]
    if not set(states) - {NodeState.GONE}:
        return ClusterView(cluster_id, NodeState.GONE)
    odd = [f"{node} {_WORDS[state]}" for node, state in zip(nodes, states, strict=True)]
    if len(set(states)) > 1:
        return ClusterView(cluster_id, NodeState.DEGRADED, names, "; ".join(odd))
    if len(nodes) < num_nodes:
        return ClusterView(
            cluster_id,
            NodeState.DEGRADED,
            names,
            f"it has {len(nodes)} of {num_nodes} hosts: {'; '.join(odd)}",
        )
    if states[0] is not NodeState.RUNNING:
        return ClusterView(cluster_id, states[0], names, "" if states[0] is NodeState.STOPPED else odd[0])
    return _running(cluster_id, names, views[0])


_WORDS = {
    NodeState.GONE: "has nothing of it",
    NodeState.STOPPED: "has it put away",
    NodeState.DEGRADED: "was interrupted while it was being stopped or started",
    NodeState.PENDING: "is reserved, but not made ready yet",
    NodeState.RUNNING: "holds it",
}


def _state(view: HostView, cluster_id: str) -> NodeState:
    """Return how the cluster is on one host; running says nothing of the agent."""
    if not view.held_by(cluster_id):
        return NodeState.STOPPED if view.parked(cluster_id) else NodeState.GONE
    if view.parked(cluster_id):
        return NodeState.DEGRADED
    return NodeState.RUNNING if view.prepared == cluster_id else NodeState.PENDING


def _running(cluster_id: str, names: tuple[str, ...], head: HostView) -> ClusterView:
    if not head.agent:
        return ClusterView(cluster_id, NodeState.PENDING, names, "its agent was not started yet")
    if head.agent != "running":
        return ClusterView(cluster_id, NodeState.DEGRADED, names, "its agent does not run")
    return ClusterView(cluster_id, NodeState.RUNNING, names)
