"""``sky.optimize``: compile, solve over the catalog, write the answer into the tasks."""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from catalog.errors import Infeasible
from sky.compile import compile_request, unique_names
from sky.control import placement
from sky.control.owned import OwnedNodes
from sky.dag import Dag
from sky.exceptions import ResourcesUnavailableError
from sky.resources import Resources
from sky.statuses import OptimizeTarget
from sky.task import Task
from solver.request import Objective

if TYPE_CHECKING:
    from solver.memory import Memory
    from solver.params import Params
    from solver.plan import Choice, Plan

logger = logging.getLogger("sky.optimizer")

_OBJECTIVES = {OptimizeTarget.COST: Objective.COST, OptimizeTarget.TIME: Objective.TIME}


def optimize(
    task_or_dag: Task | Dag,
    minimize: OptimizeTarget = OptimizeTarget.COST,
    blocked_resources: Iterable[Resources] | None = None,
    quiet: bool = False,
    *,
    params: Params | None = None,
) -> Plan:
    """Return the best plan for a task or a DAG, and set ``best_resources`` on its tasks.

    ``minimize`` is what comes first, cost or time; the other one breaks ties. A ``blocked_resources`` entry
    keeps out every offer that agrees with all the fields it sets. Unless ``quiet``, a summary is logged to
    ``sky.optimizer``. Raises ``ResourcesUnavailableError``, saying what to change, when nothing fits.
    """
    from catalog.store import open_snapshot
    from catalog.transfer import DEFAULT
    from solver.api import solve_request
    from solver.plan import CatalogInfo

    dag = as_dag(task_or_dag)
    if minimize not in _OBJECTIVES:
        raise TypeError(f"minimize is sky.OptimizeTarget.COST or .TIME, not {minimize!r}")
    request = compile_request(dag, _OBJECTIVES[minimize], blocked_resources or ())
    request = dataclasses.replace(request, notes=tuple(_place_notes(dag)))
    nodes = OwnedNodes.for_dag(dag)
    request = nodes.limiting(request, dag)
    snapshot = open_snapshot()
    info = CatalogInfo(snapshot.snapshot_id, snapshot.as_of, snapshot.rows, snapshot.sources)
    try:
        plan = solve_request(request, nodes.beside(snapshot.table, dag), DEFAULT, info, params, _memory())
    except Infeasible as error:
        raise ResourcesUnavailableError("\n".join([str(error), *request.notes])) from error
    for task, placed in zip(dag.tasks, plan.tasks, strict=True):
        task.best_resources = _launchable(task, placed.choice)
    if not quiet:
        logger.info(
            "%s plan, %s: $%.2f, %d s",
            plan.objective,
            plan.status.value,
            plan.total_cost_usd,
            plan.total_time_s,
        )
    return plan


@functools.cache
def _memory() -> Memory:
    """Return what the last plan leaves to the next one, which in a failover has only one more block."""
    from solver.memory import Memory

    return Memory()


class Optimizer:
    """The name under which older scripts find ``optimize``."""

    optimize = staticmethod(optimize)


def as_dag(task_or_dag: Task | Dag) -> Dag:
    """Return a DAG as it is, a task as the DAG that holds it alone. Raises ``ValueError`` on an empty DAG."""
    if isinstance(task_or_dag, Dag):
        if not task_or_dag.tasks:
            raise ValueError("the DAG has no task; add one with dag.add(task) or inside `with sky.Dag():`")
        return task_or_dag
    if not isinstance(task_or_dag, Task):
        raise TypeError(f"sky.optimize takes a Task or a Dag, not {task_or_dag!r}")
    dag = Dag()
    dag.add(task_or_dag)
    return dag


def _launchable(task: Task, choice: Choice) -> Resources:
    """Return the task's resources narrowed to ``choice``, with what was asked beside the place kept."""
    asked = next((resources for resources in task.alternatives if _admits(resources, choice)), Resources())
    return asked.copy(
        cloud=choice.cloud,
        region=choice.region,
        zone=choice.zone,
        instance_type=choice.instance_type,
        accelerators=choice.accelerators,
        use_spot=choice.use_spot,
        cpus=None,
        memory=None,
    )


def _admits(resources: Resources, choice: Choice) -> bool:
    options = resources.accelerator_options
    return (
        (resources.cloud is None or resources.cloud.canonical_name() == choice.cloud)
        and resources.region in {None, choice.region}
        and resources.zone in {None, choice.zone}
        and resources.instance_type in {None, choice.instance_type}
        and bool(resources.use_spot) == choice.use_spot
        and (not options or any(name == choice.accelerator for name, _ in options))
    )


def _place_notes(dag: Dag) -> Sequence[str]:
    notes = []
    if not placement.a_cloud_is_enabled() and any(not placement.keeps_to_owned(task) for task in dag.tasks):
        notes.append("no cloud is enabled here, so the plan is over the whole catalog (sky check)")
    for task, name in zip(dag.tasks, unique_names(dag.tasks), strict=True):
        if not placement.wants_local(task) and placement.local_fit(task)[0] is not None:
            notes.append(f"{name} would fit on this machine, for free (infra: local)")
    return notes
