"""Whether a cluster that exists satisfies what a task asks for."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from sky.control import docker_options
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
    _check_run_options(task, record)
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


def _check_run_options(task: Task, record: ClusterRecord) -> None:
    """Raise ``ResourcesMismatchError`` when the cluster's containers were made with other options."""
    asked, launched = docker_options.asked(task), requested(record)
    given = docker_options.recorded(launched)
    if asked is not None and asked != given and launched.extract_docker_image():
        raise ResourcesMismatchError(
            f"the containers of cluster {record.name} run with docker.run_options "
            f"{shlex.join(given) or '(none)'}, and the task asks for {shlex.join(asked) or '(none)'}; "
            "launch it on a new cluster"
        )


def _launched(record: ClusterRecord) -> Resources:
    """Return one node as it was launched: its offer, with the software and the disk that were asked for."""
    asked = requested(record)
    return launched_resources(record.offer).copy(
        accelerator_args=asked.accelerator_args, image_id=asked.image_id, disk_tier=asked.disk_tier
    )
