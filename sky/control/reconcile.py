"""What to do about a record whose provider tells another story: a pure decision, no effect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from catalog.offer import Market
from executors.api import ClusterView, NodeState
from sky.control.records import NO_AUTOSTOP, ClusterRecord
from sky.statuses import ClusterStatus

SETTLE_S = 60
"""How long a provider may take to list what it was asked to make."""


class Action(str, Enum):
    """What follows from comparing a record with its provider."""

    KEEP = "keep"
    MARK_INIT = "mark-init"
    MARK_UP = "mark-up"
    MARK_STOPPED = "mark-stopped"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Step:
    """An action, the reason for it in words for the user, and since when that holds (0: not known)."""

    action: Action
    reason: str = ""
    since: int = 0


def decide(record: ClusterRecord, view: ClusterView, now: int) -> Step:
    """Return what makes ``record`` true again, given what its provider says.

    The caller holds the cluster's lock, so no launch or teardown of this cluster is under way.
    """
    state, status = view.state, record.status
    if state is NodeState.GONE:
        if status is ClusterStatus.INIT and record.handle is None and now - record.intent_at < SETTLE_S:
            return Step(Action.KEEP, "its creation may not be visible yet")
        return Step(Action.CLOSE, view.reason or _gone(record), view.since)
    if state is NodeState.STOPPED:
        if status is ClusterStatus.STOPPED:
            return Step(Action.KEEP)
        return Step(Action.MARK_STOPPED, view.reason or _stopped(record), view.since)
    if state is NodeState.RUNNING and status is ClusterStatus.UP:
        return Step(Action.KEEP)
    if status is ClusterStatus.INIT:
        if state is NodeState.RUNNING and record.ever_up:
            return Step(Action.MARK_UP, "its nodes run again")
        return Step(Action.KEEP, view.reason)
    if status is ClusterStatus.STOPPED:
        return Step(Action.MARK_INIT, "it was started outside; run sky start to make it usable")
    return Step(
        Action.MARK_INIT,
        view.reason or f"its nodes are {state.value}; run sky launch or sky start to repair it",
    )


def _gone(record: ClusterRecord) -> str:
    """Return why a cluster may be gone that its provider says nothing of."""
    if record.handle is None:
        return "its launch was interrupted before it had a node"
    spot = record.offer.key.market is Market.SPOT
    if record.to_down:
        return "it was idle and took itself down" + (", or its spot instances were preempted" if spot else "")
    if spot:
        return "its spot instances were preempted, or terminated outside"
    return "it was terminated outside"


def _stopped(record: ClusterRecord) -> str:
    return (
        "its nodes are stopped"
        if record.autostop_minutes == NO_AUTOSTOP
        else "it was idle and stopped itself"
    )
