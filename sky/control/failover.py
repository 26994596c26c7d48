"""A new cluster: plan, act; where a place refuses, record that and plan again without it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sky.control import docker_options, shortages
from sky.control.bringup import wait_for_capacity
from sky.control.clusters import tear_down
from sky.control.handles import request_of
from sky.control.identity import check_owner, command_line, new_cluster_id, owner_of_new
from sky.control.locks import FOREVER
from sky.control.losers import Losers
from sky.control.outlook import Outlook
from sky.control.patience import Patience
from sky.control.place import Place, key_text, price_text
from sky.control.records import RACER, ClusterRecord
from sky.control.refusals import Refusal, exhausted
from sky.control.search import Search
from sky.control.state import Store
from sky.control.tries import Tried, race, try_alone
from sky.exceptions import ResourcesUnavailableError
from sky.statuses import OptimizeTarget

if TYPE_CHECKING:
    from sky.resources import Resources
    from sky.task import Task
    from solver.request import Risk

_log = logging.getLogger("sky.launch")


@dataclass(frozen=True, slots=True)
class Order:
    """What to make: cluster ``name`` for ``task``, with so many places tried at once (``racers``).

    ``target`` and ``risk`` say which places are the best. ``losers`` are those of them that the launch leaves
    behind.
    """

    name: str
    task: Task
    target: OptimizeTarget
    risk: Risk | None = None
    racers: int = 1
    losers: Losers = field(default_factory=Losers)


def launch_new(
    store: Store, order: Order, patience: Patience, on_outlook: Callable[[Outlook], None]
) -> tuple[ClusterRecord, Resources]:
    """Make the cluster in the best place that has capacity; the caller holds the lock of its name.

    Returns its record, UP, and the one of the task's resources that it answers. Raises
    ``ResourcesUnavailableError`` with the history of refusals, ``StopFailoverError`` when something of a
    failed attempt could not be removed.
    """
    search = Search(store, order.task, order.target, order.risk)
    tried = Tried(None, ())
    while True:
        try:
            places = search.best(order.racers)
        except ResourcesUnavailableError as error:
            if not search.refusals:
                raise
            _say(order.name, tried.refusals, "")
            _wait(search, order.name, patience, error)
            tried = Tried(None, ())
            continue
        if not search.refusals:
            on_outlook(search.outlook(order.name, places))
        again = ", which refused earlier; nothing else fits" if search.gave_way else ""
        _say(order.name, tried.refusals, "; ".join(map(_priced, places)) + again)
        tried = _try(store, order, places)
        if tried.up is not None:
            record = tried.up
            for refusal in tried.refusals:
                _log.info("%s", refusal)
            shortages.disproved(store, record.offer, record.num_nodes)
            return record, next(place.resources for place in places if place.offer == record.offer)
        search.refuse(tried.refusals)


def _try(store: Store, order: Order, places: Sequence[Place]) -> Tried:
    """Commit what is about to be made, then make it."""
    login = order.task.docker_login_config
    if len(places) == 1:
        return try_alone(store, store.add(_intent(store, order, order.name, places[0])), login)
    names = [f"{order.name}{RACER}{lane}" for lane in range(1, len(places) + 1)]
    intents = [_intent(store, order, name, place) for name, place in zip(names, places, strict=True)]
    return race(store, [store.add(intent) for intent in intents], login, order.losers)


def _say(name: str, refusals: Sequence[Refusal], where: str) -> None:
    """Tell who refused, and where it goes on."""
    if not refusals:
        _log.info("Launching cluster %s on %s", name, where)
        return
    for refusal in refusals[:-1]:
        _log.info("%s", refusal)
    _log.info("%s; %s", refusals[-1], f"next: {where}" if where else "nothing else fits")


def _priced(place: Place) -> str:
    free = place.offer.price_micro_usd == 0
    return str(place) if free else f"{place} {price_text(place.offer)}"


def _wait(search: Search, name: str, patience: Patience, error: ResourcesUnavailableError) -> None:
    """Wait until it is time to start over. Raises where waiting does not help, or patience is over."""
    scarce = search.scarce
    pause_s = patience.pause_s() if scarce else None
    if pause_s is None:
        raise exhausted(search.refusals) from error
    count = f"{len(scarce)} places have" if len(scarce) > 1 else "1 place has"
    first = key_text(scarce[0].offer.key)
    wait_for_capacity(name, pause_s, f"{count} none, the next round begins with {first}")
    search.start_over()


def remove_aside(store: Store, name: str) -> None:
    """Remove what an earlier launch of cluster ``name`` left on its way; the caller holds its lock."""
    for aside in store.aside(name):
        check_owner(aside)
        with store.lock(aside.name, FOREVER):
            left = store.get(aside.name)  # a launch that goes on may have removed it meanwhile
            if left is not None:
                _log.info("Removing %s, which an interrupted launch left", aside.name)
                tear_down(store, left)


def _intent(store: Store, order: Order, name: str, place: Place) -> ClusterRecord:
    now = store.now()
    return ClusterRecord(
        name=name,
        cluster_id=new_cluster_id(order.name),
        executor=place.executor,
        offer=place.offer,
        num_nodes=order.task.num_nodes,
        intent_at=now,
        launched_at=now,
        last_use=command_line(),
        owner=owner_of_new(place.executor),
        config_hash=_config_hash(place.resources, order.task.num_nodes),
        resources=request_of(place.resources, docker_options.config_of(order.task)),
        plan=place.plan.to_dict(),
    )


def _config_hash(resources: Resources, num_nodes: int) -> str:
    config = json.dumps([resources.to_yaml_config(), num_nodes], sort_keys=True, default=str)
    return hashlib.sha256(config.encode()).hexdigest()
