"""Owned nodes beside the catalog: this machine where a task names it, pools of hosts wherever they may do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from catalog.offer import Offer, OfferKey
from catalog.scope import Scope
from catalog.units import milli
from executors import owned
from executors.owned import CLOUDS, OwnedOffer
from sky.control.placement import LOCAL, keeps_to_owned
from sky.fields.suggest import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

    from sky.dag import Dag
    from sky.resources import Resources
    from sky.task import Task
    from solver.plan import Choice
    from solver.request import Request


@dataclasses.dataclass(frozen=True, slots=True)
class OwnedNodes:
    """The owned offers that some task of a DAG may take."""

    found: tuple[OwnedOffer, ...]
    alone: bool
    """Whether no task may go anywhere else."""

    @classmethod
    def for_dag(cls, dag: Dag) -> OwnedNodes:
        """Ask what there is, of the kinds that ``dag`` may use."""
        kinds = [cloud for cloud in CLOUDS if any(_may_use(task, cloud) for task in dag.tasks)]
        alone = all(keeps_to_owned(task) for task in dag.tasks)
        return cls(tuple(owned.offers_of(kinds)), alone)

    def beside(self, table: pa.Table, dag: Dag) -> pa.Table:
        """Return the offers to plan over: with these, or these alone where no task may go elsewhere."""
        if self.alone:
            table = table.slice(0, 0)
        if not self.found:
            return table
        from catalog.additions import append_offers

        asked = [
            option
            for task in dag.tasks
            for resources in task.alternatives
            for option in resources.accelerator_options
        ]
        for cloud in sorted({each.offer.key.cloud for each in self.found}):
            offers = [each.offer for each in self.found if each.offer.key.cloud == cloud]
            shares = [_share(offer, name, milli(count)) for offer in offers for name, count in asked]
            table = append_offers(table, list(dict.fromkeys([*offers, *shares])))
        return table

    def limiting(self, request: Request, dag: Dag) -> Request:
        """Return ``request`` with each task kept from nodes of which too few are free, and notes on why."""
        tasks, notes = [], list(request.notes)
        for task, wanted in zip(dag.tasks, request.tasks, strict=True):
            short = [each for each in self.found if each.free < task.num_nodes and _may_take(task, each)]
            keys = [each.offer.key for each in short]
            blocks = tuple(Scope(key.cloud, key.region, key.zone or None, key.instance_type) for key in keys)
            tasks.append(dataclasses.replace(wanted, blocks=(*wanted.blocks, *blocks)))
            notes += [
                f"{wanted.name} needs {task.num_nodes} in {_place(key)}: {each.room}"
                for key, each in zip(keys, short, strict=True)
            ]
            notes += self._unknown_places(task)
        return dataclasses.replace(request, tasks=tuple(tasks), notes=tuple(dict.fromkeys(notes)))

    def _unknown_places(self, task: Task) -> Iterator[str]:
        for resources in task.alternatives:
            cloud, region = _cloud(resources), resources.region
            places = sorted({each.offer.key.region for each in self.found if each.offer.key.cloud == cloud})
            if cloud not in CLOUDS or region in {None, *places}:
                continue
            there = f" There are: {', '.join(places)}." if places else ""
            yield f"{cloud}/{region} is not up (sky check).{did_you_mean(region or '', places) or there}"

    def offer_of(self, choice: Choice) -> Offer | None:
        """Return the whole node that a plan chose a share of, ``None`` for one that is rented."""
        place = (choice.cloud, choice.region, choice.zone or "", choice.instance_type)
        return next(
            (each.offer for each in self.found if place == _node(each.offer.key)),
            None,
        )


def _may_use(task: Task, cloud: str) -> bool:
    """Return whether the task may go to owned nodes of that kind: to this machine only by its name."""
    wanted = {cloud} if cloud == LOCAL else {cloud, None}
    return any(_cloud(resources) in wanted for resources in task.alternatives)


def _may_take(task: Task, each: OwnedOffer) -> bool:
    key = each.offer.key
    return _may_use(task, key.cloud) and any(
        _cloud(resources) in {None, key.cloud}
        and resources.region in {None, key.region}
        and resources.zone in {None, key.zone}
        for resources in task.alternatives
    )


def _place(key: OfferKey) -> str:
    return "/".join(filter(None, (key.cloud, key.region, key.zone)))


def _node(key: OfferKey) -> tuple[str, str, str, str]:
    return key.cloud, key.region, key.zone, key.instance_type


def _cloud(resources: Resources) -> str | None:
    return resources.cloud.canonical_name() if resources.cloud else None


def _share(offer: Offer, accelerator: str, count_milli: int) -> Offer:
    """Return the node with ``count_milli`` of its accelerators, or as it is when it has too few."""
    if accelerator != offer.key.accelerator or count_milli > offer.key.accelerator_count_milli:
        return offer
    return dataclasses.replace(offer, key=dataclasses.replace(offer.key, accelerator_count_milli=count_milli))
