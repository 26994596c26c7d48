"""Slurm clusters as offers: every share of a node in every allowed partition, as Slurm says right now."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from executors.api import Transport
from executors.errors import AgentUnreachable
from executors.fanout import Answer
from executors.owned import Look, OwnedOffer
from executors.slurm import clusters, duration, login
from executors.slurm.clusters import SlurmCluster
from executors.slurm.node_classes import FORMAT, NodeClass, parse
from executors.slurm.share import shares_of
from executors.transports.ssh import ask

_log = logging.getLogger("sky.executors.slurm")

LIMIT_S = 2.0
"""How long a plan waits for clusters to say what they have; those that do not are left out."""
_FRESH_S = 30.0


def look(wanted: Sequence[SlurmCluster], limit_s: float = LIMIT_S) -> list[Answer[tuple[NodeClass, ...]]]:
    """Return what each cluster has, or why it does not say, within ``limit_s``."""
    return ask([each.login for each in wanted], node_classes, limit_s)


def node_classes(transport: Transport) -> tuple[NodeClass, ...]:
    """Ask the cluster that the transport leads to."""
    done = login.slurm(transport, "sinfo", "--noheader", "--exact", f"--format={FORMAT}", timeout_s=LIMIT_S)
    if done.returncode:
        raise AgentUnreachable(f"sinfo failed there: {done.stderr.strip()[-300:]}")
    return parse(done.stdout)


def _all() -> Iterator[OwnedOffer]:
    wanted = list(clusters.named().values())
    for cluster, answer in zip(wanted, look(wanted), strict=True):
        if answer.error is not None:
            _log.warning("slurm/%s is left out: %s", cluster.name, answer.error)
            continue
        yield from of_cluster(cluster, answer.got())


def of_cluster(cluster: SlurmCluster, found: Sequence[NodeClass]) -> Iterator[OwnedOffer]:
    """Yield the shares of the cluster's nodes that its user may take, with how many nodes a job can have."""
    for node in found:
        if cluster.partitions and node.partition not in cluster.partitions:
            continue
        room = limits(cluster, node)
        count = 0 if why_not(cluster, node) else min(node.usable, node.max_nodes or node.usable)
        for share in shares_of(node):
            yield OwnedOffer(share.offer(cluster), count, room)


def limits(cluster: SlurmCluster, node: NodeClass) -> str:
    """Return the sentence on what the partition gives."""
    if reason := why_not(cluster, node):
        return reason
    parts = [f"partition {node.partition} has {node.usable} of them working, {node.idle} idle"]
    if node.max_nodes is not None:
        parts.append(f"and gives a job at most {node.max_nodes} (MaxNodes)")
    return " ".join(parts)


def why_not(cluster: SlurmCluster, node: NodeClass) -> str:
    """Return why the partition would refuse the cluster's jobs, ``""`` where it takes them."""
    if not node.up:
        return f"partition {node.partition} is down"
    if node.max_minutes is not None and cluster.time_minutes > node.max_minutes:
        return (
            f"partition {node.partition} gives at most {duration.text(node.max_minutes)} (MaxTime), and "
            f"{clusters.path()} asks for {duration.text(cluster.time_minutes)}; lower its time"
        )
    return ""


shares = Look(_all, _FRESH_S)
"""What can be had, as it is now or was some seconds ago."""
