"""Planner: one DAG over the offers of now, read once, and planned as often as places refuse."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catalog.errors import Infeasible
from catalog.scope import Scope
from sky import config
from sky.compile import compile_request, unique_names
from sky.control import placement
from sky.control.owned import OwnedNodes
from sky.control.reserved import ReservedCapacity
from sky.exceptions import ResourcesUnavailableError
from sky.resources import Resources
from solver.request import Risk

if TYPE_CHECKING:
    import pyarrow as pa

    from sky.dag import Dag
    from sky.offers import Offers
    from sky.task import Task
    from solver.memory import Memory
    from solver.params import Params
    from solver.plan import CatalogInfo, Choice, Plan
    from solver.request import Objective, Request


@dataclass(frozen=True, slots=True)
class Planner:
    """A DAG's request, and the offers that it is planned over: the catalog's and those of owned nodes."""

    dag: Dag
    request: Request
    table: pa.Table
    catalog: CatalogInfo
    nodes: OwnedNodes
    offers: Offers
    reserved: ReservedCapacity

    @classmethod
    def of(
        cls,
        dag: Dag,
        objective: Objective,
        blocked: Iterable[Resources] = (),
        risk: Risk | None = None,
    ) -> Planner:
        """Compile ``dag`` and read what there is to rent or to take now.

        ``risk`` is how that of spot counts, ``None`` for what the configuration says.
        """
        from sky.offers import offers_in_use
        from solver.plan import CatalogInfo

        risk = config.risk() if risk is None else risk
        request = compile_request(dag, objective, blocked, risk)
        nodes, reserved = OwnedNodes.for_dag(dag), ReservedCapacity.for_dag(dag)
        offers = offers_in_use()
        snapshot = offers.snapshot
        restless = risk is Risk.AVERSE and not nodes.alone
        rented = offers.with_volatility() if restless else offers.table
        notes = (
            *_place_notes(dag),
            *([] if nodes.alone else offers.notes(moving=restless)),
            *reserved.notes,
        )
        return cls(
            dag=dag,
            request=nodes.limiting(replace(request, notes=notes), dag),
            table=nodes.beside(reserved.priced(rented), dag),
            catalog=CatalogInfo(snapshot.snapshot_id, snapshot.as_of, snapshot.rows, snapshot.sources),
            nodes=nodes,
            offers=offers,
            reserved=reserved,
        )

    def plan(self, blocks: Sequence[Scope] = (), params: Params | None = None) -> Plan:
        """Return the best plan outside ``blocks``, and set ``best_resources`` on the tasks.

        Raises ``ResourcesUnavailableError``, saying what to change, when nothing fits.
        """
        from catalog.transfer import DEFAULT
        from solver.api import solve_request

        request = replace(self.request, blocks=(*self.request.blocks, *blocks))
        try:
            plan = solve_request(request, self.table, DEFAULT, self.catalog, params, _memory())
        except Infeasible as error:
            raise ResourcesUnavailableError("\n".join([str(error), *request.notes])) from error
        for task, placed in zip(self.dag.tasks, plan.tasks, strict=True):
            task.best_resources = _launchable(task, placed.choice)
        return self.offers.remarked(plan)

    def count(self, blocks: Sequence[Scope] = ()) -> int:
        """Return how many offers outside ``blocks`` the first task could take, by any of its resources."""
        from catalog.transfer import DEFAULT
        from solver.candidates import candidates_of
        from solver.columns import columns_of

        task = replace(self.request.tasks[0], ordered=False)
        scopes = (*self.request.blocks, *blocks)
        return len(candidates_of(columns_of(self.table), task, scopes, DEFAULT))

    def least_of(self, scopes: Sequence[Scope]) -> list[int | None]:
        """Return the first task's least cost or time in each of ``scopes``, ``None`` where nothing fits."""
        from solver.candidates import least_of
        from solver.columns import columns_of

        task = self.request.tasks[0]
        return least_of(columns_of(self.table), task, self.request.objective, scopes)


@functools.cache
def _memory() -> Memory:
    """Return what the last plan leaves to the next one, which in a failover has only one more block."""
    from solver.memory import Memory

    return Memory()


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
