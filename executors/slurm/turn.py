"""Waiting for a turn in Slurm's queue, and giving the place up."""

from __future__ import annotations

import logging
import threading
import time

from catalog.errors import SkyError
from executors.api import Transport
from executors.errors import OutOfCapacity
from executors.slurm import holder, login
from executors.slurm.login import ClusterLook
from executors.slurm.order import REFUSAL_TTL_S, Order

_log = logging.getLogger("sky.executors.slurm")

_SHORTEST_S, _LONGEST_S = 0.2, 5.0


def await_turn(transport: Transport, look: ClusterLook, order: Order) -> ClusterLook:
    """Return how the cluster is once its holder runs, saying now and then what it waits for.

    Raises ``OutOfCapacity`` with Slurm's reason when it ends, can never start, or has not started in time.
    """
    deadline = time.monotonic() + order.wait_s
    pause_s, told = _SHORTEST_S, ""
    while look.state in holder.WAITING:
        if reason := holder.never(look):
            raise OutOfCapacity(f"{order.place}: {reason}", order.scope, REFUSAL_TTL_S)
        if time.monotonic() > deadline:
            raise OutOfCapacity(
                f"{order.place}: {holder.waiting(look)}; it did not start within {order.wait_s} s",
                order.scope,
                REFUSAL_TTL_S,
            )
        if look.reason not in {told, ""}:
            told = look.reason
            _log.info("%s: %s", order.place, holder.waiting(look))
        threading.Event().wait(pause_s)
        pause_s = min(pause_s * 1.5, _LONGEST_S)
        look = login.look(transport, look.cluster_id)
    if look.state not in holder.ALIVE:
        raise OutOfCapacity(
            f"{order.place}: Slurm ended the job {look.job_id}: {holder.end(look)}",
            order.scope,
            REFUSAL_TTL_S,
        )
    return look


def give_up(transport: Transport, cluster_id: str) -> None:
    """Give the nodes, or the place in the queue, back; what goes wrong is logged: an error is on its way."""
    try:
        login.release(transport, cluster_id)
    except SkyError as error:
        _log.warning(
            "the Slurm job of %s may still wait or run: scancel --name=sky-%s: %s",
            cluster_id,
            cluster_id,
            error,
        )
