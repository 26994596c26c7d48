"""Task -> JobSpec: what a cluster's queue is given to run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from catalog.errors import UserError
from catalog.offer import Offer
from catalog.units import MILLI, format_milli, milli
from executors.job import Demand, JobSpec
from sky.control.identity import user_name
from sky.control.placement import memory_mib
from sky.control.records import ClusterRecord

if TYPE_CHECKING:
    from sky.resources import Resources
    from sky.task import Task

RESTARTS_ON_EXIT_CODES = 3
"""How often a job is tried again that names exit codes and no number."""

DEFAULT_CPUS_MILLI = 500
"""What a job takes of a node's vCPUs when it asks for none, so that small jobs share a node."""


def run_timestamp() -> str:
    """Return the name of a new log folder: ``sky-2026-01-31-12-59-59-123456``."""
    return datetime.now(tz=timezone.utc).astimezone().strftime("sky-%Y-%m-%d-%H-%M-%S-%f")


def job_spec(
    task: Task,
    resources: Resources,
    record: ClusterRecord,
    addresses: Sequence[str],
    *,
    stamp: str,
    with_setup: bool = False,
) -> JobSpec:
    """Return the job of ``task`` on the cluster of ``record``, whose hosts have ``addresses``, head first.

    A node with several hosts, a TPU pod, is taken whole: each of its hosts is a rank. A callable ``run`` is
    asked here, once a rank, with the job's own addresses.
    """
    demand = demand_of(resources, record.offer)
    hosts = len(addresses) // record.num_nodes or 1
    ranks = task.num_nodes * hosts
    return JobSpec(
        name=task.name or "",
        scripts=_scripts(task, addresses[:ranks]),
        run_timestamp=stamp,
        setup=(task.setup or "") if with_setup else "",
        env=environment(task, record),
        demand=demand,
        num_nodes=ranks,
        username=user_name(),
        resources=_resources_text(demand, task.num_nodes),
        pinned=callable(task.run) or hosts > 1,
        priority=resources.priority or 0,
        max_duration_s=task.max_duration_s,
        **_retries(resources),
    )


def _retries(resources: Resources) -> dict[str, Any]:
    """Return how often and after which exit codes the job is tried again, as ``job_recovery`` has it."""
    recovery = resources.job_recovery or {}
    codes = tuple(recovery.get("recover_on_exit_codes", ()))
    restarts = recovery.get("max_restarts_on_errors", 0)
    return {"retries": restarts or (RESTARTS_ON_EXIT_CODES if codes else 0), "retry_codes": codes}


def environment(task: Task, record: ClusterRecord) -> dict[str, str]:
    """Return the variables of the task's setup and run: its own, its secrets, and what the cluster is."""
    key = record.offer.key
    info = {"cluster_name": record.name, "cloud": key.cloud, "region": key.region, "zone": key.zone or None}
    own: Mapping[str, str] = {**task.envs, **_revealed(task.secrets)}
    return {**own, "SKYPILOT_CLUSTER_INFO": json.dumps(info), "SKYPILOT_USER": user_name()}


def _revealed(secrets: Mapping[str, str] | None) -> dict[str, str]:
    return dict(secrets or {})


def _scripts(task: Task, addresses: Sequence[str]) -> tuple[str, ...]:
    if task.run is None or isinstance(task.run, str):
        return (task.run or "",)
    scripts = []
    for rank in range(len(addresses)):
        script = task.run(rank, list(addresses))
        if script is not None and not isinstance(script, str):
            raise UserError(
                f"task {task.name!r}: run(rank={rank}, ips=...) returned {script!r}; return a string or None"
            )
        scripts.append(script or "")
    return tuple(scripts)


def demand_of(resources: Resources, node: Offer) -> Demand:
    """Return what a job that asks for ``resources`` takes of one such node while it runs.

    What is asked for is reserved; a job that names no vCPUs, or only an instance type, takes half of one.
    What is asked for exactly, without ``+`` or ``x``, is the most that the job may use, too.
    """
    sized = resources.instance_type is None
    cpus = milli(resources.cpus.rstrip("+")) if sized and resources.cpus is not None else DEFAULT_CPUS_MILLI
    name, count_milli = "", 0
    options = dict(resources.accelerator_options)
    if options:
        name = node.key.accelerator if node.key.accelerator in options else next(iter(options))
        count_milli = milli(options[name])
    return Demand(
        cpus_milli=cpus,
        memory_mib=memory_mib(resources.memory, cpus) if sized else 0,
        accelerator=name,
        accelerators_milli=count_milli,
        cpus_capped=sized and _exact(resources.cpus),
        memory_capped=sized and _exact(resources.memory),
    )


def _exact(asked: str | None) -> bool:
    return asked is not None and not asked.endswith(("+", "x"))


def _resources_text(demand: Demand, num_nodes: int) -> str:
    parts = [f"CPU:{format_milli(demand.cpus_milli)}"]
    if demand.accelerator:
        parts.append(f"{demand.accelerator}:{format_milli(demand.accelerators_milli)}")
    return f"{num_nodes}x[{', '.join(parts)}]"


def nodes_can_hold(demand: Demand, node: Offer) -> str:
    """Return what an empty node lacks for ``demand``, ``""`` when it holds it."""
    if node.vcpus_milli and demand.cpus_milli > node.vcpus_milli:
        return f"{format_milli(demand.cpus_milli)} vCPUs; a node has {format_milli(node.vcpus_milli)}"
    if node.memory_mib and demand.memory_mib > node.memory_mib:
        return f"{demand.memory_mib / 1_024:g} GiB of memory; a node has {node.memory_mib / 1_024:.1f}"
    if demand.accelerators_milli > (
        node.key.accelerator_count_milli if demand.accelerator == node.key.accelerator else 0
    ):
        have = (
            f"{node.key.accelerator}:{format_milli(node.key.accelerator_count_milli)}"
            if node.key.accelerator
            else "none"
        )
        return f"{demand.accelerator}:{demand.accelerators_milli / MILLI:g}; a node has {have}"
    return ""
