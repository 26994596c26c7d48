"""Whether a cluster that exists satisfies what a task asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sky.control.handles import launched_resources, requested
from sky.control.jobspec import demand_of, nodes_can_hold
from sky.control.records import ClusterRecord
from sky.exceptions import ResourcesMismatchError

if TYPE_CHECKING:
    from sky.resources import Resources
    from sky.task import Task


def matched(task: Task, record: ClusterRecord) -> Resources:
    """Return the one of the task's resources that the cluster satisfies.

    Raises ``ResourcesMismatchError``.
    """
    if task.num_nodes > record.num_nodes:
        raise ResourcesMismatchError(
            f"the task asks for {task.num_nodes} nodes and cluster {record.name} has {record.num_nodes}; "
            "launch it on a new cluster"
        )
    launched = _launched(record)
    reasons = []
    for resources in task.alternatives:
        lacking = nodes_can_hold(demand_of(resources, record.offer), record.offer)
        if not lacking and resources.less_demanding_than(launched, record.num_nodes):
            return resources
        reasons.append(f"  {resources}" + (f": it needs {lacking}" if lacking else ""))
    lines = [
        f"cluster {record.name} has {launched}, which does not satisfy what the task asks for:",
        *reasons,
    ]
    lines.append("Ask for less, or launch on a new cluster (another name, or none).")
    raise ResourcesMismatchError("\n".join(lines))


def _launched(record: ClusterRecord) -> Resources:
    """Return one node as it was launched: its offer, with the software and the disk that were asked for."""
    asked = requested(record)
    return launched_resources(record.offer).copy(
        accelerator_args=asked.accelerator_args, image_id=asked.image_id, disk_tier=asked.disk_tier
    )
