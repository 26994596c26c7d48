"""Reserved capacity beside the catalog: where there is enough of it, an hour more costs nothing."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.errors import ExecutorError
from catalog.offer import Market, Offer
from catalog.scope import Scope
from executors.reserved import Reservation, Reserving
from sky import config
from sky.control.place import offer_of
from sky.control.placement import is_enabled, keeps_to_owned

if TYPE_CHECKING:
    import pyarrow as pa

    from sky.dag import Dag
    from solver.plan import Choice

_log = logging.getLogger("sky.launch")


@dataclass(frozen=True, slots=True)
class ReservedCapacity:
    """The reservations that have room for the largest task of a DAG, and those that have too little."""

    enough: tuple[Reservation, ...] = ()
    short: tuple[Reservation, ...] = ()
    num_nodes: int = 1

    @classmethod
    def for_dag(cls, dag: Dag) -> ReservedCapacity:
        """Ask the clouds that are enabled; one that does not say is left out, with a warning."""
        if all(keeps_to_owned(task) for task in dag.tasks):
            return cls()
        num_nodes = max(task.num_nodes for task in dag.tasks)
        found = sorted(_all(), key=lambda each: (each.cloud, each.zone, each.instance_type, each.free))
        enough = tuple(each for each in found if each.free >= num_nodes)
        return cls(enough, tuple(each for each in found if each not in enough), num_nodes)

    def priced(self, table: pa.Table) -> pa.Table:
        """Return the offers with those in a reservation at no cost."""
        if not self.enough:
            return table
        from catalog.free import without_price

        places = [Scope(each.cloud, each.region, each.zone, each.instance_type) for each in self.enough]
        return without_price(table, places)

    def offer_of(self, choice: Choice) -> Offer | None:
        """Return the offer of a machine in a reservation, ``None`` where a plan chose another one."""
        offer = offer_of(choice)
        if offer.key.market is not Market.ON_DEMAND or not any(each.holds(offer.key) for each in self.enough):
            return None
        return dataclasses.replace(offer, key=dataclasses.replace(offer.key, market=Market.RESERVED))

    @property
    def notes(self) -> Sequence[str]:
        """What a plan says of them."""
        return [
            *(f"{_text(each)}: paid for already, so it counts as $0" for each in self.enough),
            *(f"{_text(each)}: too few for {self.num_nodes} nodes" for each in self.short),
        ]


def _all() -> Iterator[Reservation]:
    from executors import registry

    for name in registry.names():
        if not _are_wanted(name) or not is_enabled(name):
            continue
        provisioner = registry.load(name).provisioner
        if isinstance(provisioner, Reserving):
            try:
                yield from provisioner.reservations()
            except ExecutorError as error:
                _log.warning("the reservations on %s are left out: %s", name, error)


def _are_wanted(cloud: str) -> bool:
    """Return whether the configuration wants some used; to load the executor costs as much as a plan."""
    section = config.get_nested((cloud,), {})
    return bool(section.get("specific_reservations") or section.get("prioritize_reservations"))


def _text(each: Reservation) -> str:
    return f"{each.cloud} {each.zone} {each.instance_type} has {each.free} free in {each.reservation_id}"
