"""The holder's states in Slurm, as those of a cluster, and in words that say what to do."""

from __future__ import annotations

from executors.api import NodeState
from executors.slurm.login import ClusterLook

WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"})
ALIVE = frozenset({"RUNNING", "SUSPENDED", "STOPPED", "COMPLETING", "SIGNALING", "STAGE_OUT", "RESIZING"})

_ENDS = {
    "TIMEOUT": "its time was over (time limit {limit})",
    "DEADLINE": "its deadline was over",
    "PREEMPTED": "it was preempted for another job",
    "NODE_FAIL": "a node of it failed",
    "BOOT_FAIL": "a node of it did not boot",
    "OUT_OF_MEMORY": "it ran out of memory",
    "CANCELLED": "it was cancelled",
    "FAILED": "it failed; see ~/.sky_slurm/{cluster_id}/holder.log there",
    "COMPLETED": "it ended by itself; see ~/.sky_slurm/{cluster_id}/holder.log there",
}

_NEVER = {
    "PartitionNodeLimit": "the partition does not give a job that many nodes (MaxNodes)",
    "PartitionTimeLimit": "the partition does not give a job that much time (MaxTime)",
    "PartitionDown": "the partition is down",
    "PartitionInactive": "the partition is inactive",
    "BadConstraints": "no node can meet the request",
    "InvalidAccount": "the account may not be used",
    "InvalidQOS": "the QOS may not be used",
    "AccountNotAllowed": "the partition does not take the account",
    "QOSNotAllowed": "the partition does not take the QOS",
    "JobHeldAdmin": "the administrator holds it",
    "AssocMaxNodePerJobLimit": "the account's limit of nodes in a job is lower",
    "QOSMaxNodePerUserLimit": "the QOS's limit of nodes is lower",
    "QOSMaxCpuPerJobLimit": "the QOS's limit of CPUs in a job is lower",
    "QOSMaxWallDurationPerJobLimit": "the QOS's time limit is shorter",
    "AssocMaxWallDurationPerJobLimit": "the account's time limit is shorter",
}
"""Reasons for which waiting does not help."""


def state_of(look: ClusterLook) -> NodeState:
    """Return the cluster's state.

    Without the holder, a folder makes it ``STOPPED``, however the holder ended: the files are there, and
    ``start`` asks for nodes again.
    """
    if look.state in WAITING:
        return NodeState.PENDING
    if look.state in ALIVE:
        if look.state in {"SUSPENDED", "STOPPED"} or not look.folder:
            return NodeState.DEGRADED
        return NodeState.RUNNING if look.agent else NodeState.PENDING
    if not look.folder:
        return NodeState.GONE
    return NodeState.STOPPED if look.record else NodeState.DEGRADED


def why(look: ClusterLook) -> str:
    """Return why the cluster is in its state, ``""`` where there is nothing to say."""
    state = state_of(look)
    if state is NodeState.PENDING:
        return waiting(look) if look.state in WAITING else "its agent was not started yet"
    if state is NodeState.DEGRADED:
        return f"its Slurm job {look.job_id} is {look.state}" if look.job_id else "its making was interrupted"
    if state is NodeState.STOPPED and not look.stopped:
        return f"Slurm ended its job {look.job_id}: {end(look)}; its files are kept" if look.job_id else ""
    return ""


def waiting(look: ClusterLook) -> str:
    """Return what the holder waits for, in Slurm's word, and until when Slurm thinks."""
    start = look.job.get("StartTime", "Unknown")
    about = "" if start in {"Unknown", "N/A", ""} else f", expected to start at {start.replace('T', ' ')}"
    return f"Slurm job {look.job_id} waits ({look.reason or look.state}){about}"


def end(look: ClusterLook) -> str:
    """Return how the holder ended, with Slurm's word."""
    text = _ENDS.get(look.state)
    if text is None:
        return "Slurm does not know it any more" if look.state == "UNKNOWN" else look.state
    limit = look.job.get("TimeLimit", "unknown")
    return f"{look.state}, {text.format(limit=limit, cluster_id=look.cluster_id)}"


def never(look: ClusterLook) -> str:
    """Return why the waiting holder would wait for ever, ``""`` where it would not."""
    text = _NEVER.get(look.reason)
    return f"{text} ({look.reason})" if text and look.state in WAITING else ""
