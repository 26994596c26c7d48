"""``sky.optimize``: compile, solve over the catalog, write the answer into the tasks."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sky.dag import Dag
from sky.fields.risk import parse
from sky.planner import Planner
from sky.resources import Resources
from sky.statuses import OptimizeTarget
from sky.task import Task
from solver.request import Objective, Risk

if TYPE_CHECKING:
    from solver.params import Params
    from solver.plan import Plan

logger = logging.getLogger("sky.optimizer")

OBJECTIVES = {OptimizeTarget.COST: Objective.COST, OptimizeTarget.TIME: Objective.TIME}


def optimize(
    task_or_dag: Task | Dag,
    minimize: OptimizeTarget = OptimizeTarget.COST,
    blocked_resources: Iterable[Resources] | None = None,
    quiet: bool = False,
    *,
    risk: Risk | str | None = None,
    params: Params | None = None,
) -> Plan:
    """Return the best plan for a task or a DAG, and set ``best_resources`` on its tasks.

    ``minimize`` is what comes first, cost or time; the other one breaks ties. A ``blocked_resources`` entry
    keeps out every offer that agrees with all the fields it sets. ``risk`` is how the risk of spot counts:
    ``ignore``, ``expected`` or ``averse``, by default what the configuration says. Unless ``quiet``, a
    summary is logged to ``sky.optimizer``. Raises ``ResourcesUnavailableError``, saying what to change, when
    nothing fits.
    """
    dag = as_dag(task_or_dag)
    if minimize not in OBJECTIVES:
        raise TypeError(f"minimize is sky.OptimizeTarget.COST or .TIME, not {minimize!r}")
    plan = Planner.of(dag, OBJECTIVES[minimize], blocked_resources or (), parse(risk)).plan(params=params)
    if not quiet:
        logger.info(
            "%s plan, %s: $%.2f, %d s",
            plan.objective,
            plan.status.value,
            plan.total_cost_usd,
            plan.total_time_s,
        )
    return plan


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
