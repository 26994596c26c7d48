"""What a job's setup and run find in their environment beside what the user's login gives them."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from .layout import Config
from .queue import Claimed


class Seat(NamedTuple):
    """A rank's place in its job: the addresses of all ranks in order, its own rank, its accelerators.

    ``devices`` is ``None`` on nodes that have no accelerators.
    """

    addresses: Sequence[str]
    rank: int
    devices: Optional[Sequence[int]]


def setup_rank(addresses: Sequence[str], rank: int = 0) -> Dict[str, str]:
    """Return what setup is told of its place among the cluster's nodes."""
    return {"SKYPILOT_SETUP_NODE_IPS": "\n".join(addresses), "SKYPILOT_SETUP_NODE_RANK": str(rank)}


def of_setup(spec: Dict[str, Any], seat: Seat) -> Dict[str, str]:
    """Return the variables of a setup that runs inside its job."""
    return {
        **spec.get("env", {}),
        "SKYPILOT_NUM_NODES": str(len(seat.addresses)),
        **setup_rank(seat.addresses, seat.rank),
    }


def of_run(job: Claimed, config: Config, seat: Seat) -> Dict[str, str]:
    """Return the variables of a job's script."""
    nodes, rank = "\n".join(seat.addresses), str(seat.rank)
    accelerators = str(-(-job.demand.accelerators_milli // 1000))
    variables = {
        "SKYPILOT_TASK_ID": f"{job.run_timestamp}_{config.cluster_name}_{job.job_id}",
        **job.spec.get("env", {}),
        "SKYPILOT_NODE_RANK": rank,
        "SKYPILOT_NODE_IPS": nodes,
        "SKYPILOT_NUM_NODES": str(len(seat.addresses)),
        "SKYPILOT_NUM_GPUS_PER_NODE": accelerators,
        "SKYPILOT_INTERNAL_JOB_ID": str(job.job_id),
        "SKY_NODE_RANK": rank,
        "SKY_NODE_IPS": nodes,
        "SKY_NUM_GPUS_PER_NODE": accelerators,
    }
    if seat.devices is not None:
        variables["CUDA_VISIBLE_DEVICES"] = ",".join(str(index) for index in sorted(seat.devices))
    return variables


def seats(addresses: List[str], devices: Sequence[Optional[Sequence[int]]]) -> List[Seat]:
    """Return the seats of a job's ranks, in rank order."""
    return [Seat(addresses, rank, given) for rank, given in enumerate(devices)]
