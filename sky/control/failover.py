"""A new cluster: plan, act; where a place refuses, record that and plan again without it."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog import accelerators
from catalog.errors import ExecutorError
from catalog.offer import Market, Offer, OfferKey
from catalog.scope import Scope
from catalog.units import MILLI, format_usd
from executors.errors import AuthError, OutOfCapacity, QuotaExceeded, ScopedError
from sky.control import access
from sky.control.bringup import bring_up, clean_up, wait_for_capacity
from sky.control.failures import public_errors
from sky.control.identity import command_line, new_cluster_id, owner_of_new
from sky.control.owned import OwnedNodes
from sky.control.placement import LOCAL, clouds_for, local_fit, wants_local
from sky.control.records import Attempt, ClusterRecord
from sky.control.state import Store
from sky.exceptions import ResourcesUnavailableError, StopFailoverError
from sky.statuses import OptimizeTarget

if TYPE_CHECKING:
    from sky.resources import Resources
    from sky.task import Task
    from solver.plan import Choice, Plan

_log = logging.getLogger("sky.launch")

_OFFERS_NAMED = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task goes: the executor, one node's offer, the request that it answers, the plan behind it."""

    executor: str
    offer: Offer
    resources: Resources
    plan: Plan


def choose(task: Task, target: OptimizeTarget, blocked: list[Resources]) -> Place:
    """Return the best place for ``task`` that is enabled and not blocked: this machine where it may be.

    Raises ``ResourcesUnavailableError``.
    """
    clouds = clouds_for(task)
    if wants_local(task) or not clouds:
        resources, reason = local_fit(task)
        if resources is not None:
            return _here(task, resources, target)
        if not clouds:
            raise ResourcesUnavailableError(_not_here(task, target, reason))
    return _planned(task, target, [*blocked, *_disabled(clouds)])


def _here(task: Task, resources: Resources, target: OptimizeTarget) -> Place:
    """Plan over this machine alone; what the catalog would have cost instead is a note of the plan."""
    from executors import local
    from sky.optimizer import optimize

    asked = resources.copy(cloud=LOCAL)
    plan = optimize(copy.copy(task).set_resources(asked), target, quiet=True)
    if not wants_local(task):
        plan = dataclasses.replace(plan, notes=(*plan.notes, *_elsewhere(task, target)))
    return Place(LOCAL, local.offer(), asked, plan)


def _elsewhere(task: Task, target: OptimizeTarget) -> Iterator[str]:
    from sky.optimizer import optimize

    with suppress(ResourcesUnavailableError):
        best = optimize(copy.copy(task), target, quiet=True).tasks[0]
        where = f"{best.choice.cloud} {best.choice.zone or best.choice.region} {best.choice.instance_type}"
        yield (
            "no cloud is enabled here (sky check); "
            f"the best offer in the catalog is {where}, {_hourly(best.choice)}"
        )


def _planned(task: Task, target: OptimizeTarget, blocked: list[Resources]) -> Place:
    from sky.optimizer import as_dag, optimize

    plan = optimize(task, target, blocked, quiet=True)
    choice = plan.tasks[0].choice
    assert task.best_resources is not None
    whole = OwnedNodes.for_dag(as_dag(task)).offer_of(choice)
    return Place(choice.cloud, whole or offer_of(choice), task.best_resources, plan)


def _disabled(clouds: tuple[str, ...]) -> Iterator[Resources]:
    """Block what no executor can reach."""
    from catalog.names import names
    from sky.resources import Resources

    return (Resources(cloud=cloud) for cloud in names().clouds if cloud not in clouds)


def _not_here(task: Task, target: OptimizeTarget, reason: str) -> str:
    """Say why this machine does not do, and what would in the clouds."""
    from sky.optimizer import optimize

    lines = [f"task {task.name or 'without a name'} cannot run on this machine: {reason}."]
    try:
        placement = optimize(task, target, quiet=True).tasks[0]
    except ResourcesUnavailableError as error:
        lines.append(f"No cloud offers it either: {error}")
        return "\n".join(lines)
    lines.append("No cloud that it may use is enabled here (sky check). The best offers in the catalog:")
    for choice in placement.considered[:_OFFERS_NAMED]:
        count = choice.accelerators or {}
        shown = "".join(f" {name}:{number:g}" for name, number in count.items())
        where = f"{choice.cloud} {choice.zone or choice.region}"
        lines.append(f"  {where} {choice.instance_type}{shown}, {_hourly(choice)}")
    return "\n".join(lines)


def _hourly(choice: Choice) -> str:
    return f"{format_usd(choice.price_micro_usd_per_hour)}/hour a node"


def offer_of(choice: Choice) -> Offer:
    """Return the offer that a plan chose."""
    known = accelerators.lookup(choice.accelerator) if choice.accelerator else None
    key = OfferKey(
        cloud=choice.cloud,
        region=choice.region,
        zone=choice.zone or "",
        instance_type=choice.instance_type,
        accelerator=choice.accelerator or "",
        accelerator_count_milli=choice.accelerator_count_milli,
        market=Market.SPOT if choice.use_spot else Market.ON_DEMAND,
    )
    return Offer(
        key=key,
        vcpus_milli=choice.vcpus_milli,
        memory_mib=choice.memory_mib,
        accelerator_memory_mib=known.memory_mib if known else 0,
        arch=choice.arch,
        price_micro_usd=choice.price_micro_usd_per_hour,
    )


def launch_new(
    store: Store,
    name: str,
    task: Task,
    target: OptimizeTarget,
    *,
    retry_until_up: bool,
    on_place: Callable[[Place], None],
) -> tuple[ClusterRecord, Resources]:
    """Make cluster ``name`` for ``task`` in the best place that has capacity; the caller holds its lock.

    Returns its record, UP, and the one of the task's resources that it answers. Raises
    ``ResourcesUnavailableError`` with the history of refusals, ``StopFailoverError`` when something of a
    failed attempt could not be removed.
    """
    blocked: list[Resources] = []
    history: list[Exception] = []
    while True:
        try:
            place = choose(task, target, blocked)
        except ResourcesUnavailableError as error:
            if not history:
                raise
            if not retry_until_up:
                raise _exhausted(error, history) from error
            wait_for_capacity(name)
            blocked.clear()
            continue
        if not history:
            on_place(place)
        record = store.add(_intent(store, name, task, place))
        _log.info("Launching cluster %s on %s", name, _place_text(place.offer))
        try:
            with public_errors():
                return bring_up(store, record), place.resources
        except (OutOfCapacity, QuotaExceeded, AuthError) as error:
            _log.warning("%s", error)
            if isinstance(error, AuthError):
                access.forget(place.executor)
            scope = _covering(error, place.offer)
            _give_up_on(store, name, error, scope)
            history.append(error)
            blocked.append(_block(scope))


def _intent(store: Store, name: str, task: Task, place: Place) -> ClusterRecord:
    now = store.now()
    return ClusterRecord(
        name=name,
        cluster_id=new_cluster_id(name),
        executor=place.executor,
        offer=place.offer,
        num_nodes=task.num_nodes,
        intent_at=now,
        launched_at=now,
        last_use=command_line(),
        owner=owner_of_new(place.executor),
        config_hash=_config_hash(place.resources, task.num_nodes),
        resources=place.resources.to_yaml_config(),
        plan=place.plan.to_dict(),
    )


def _config_hash(resources: Resources, num_nodes: int) -> str:
    config = json.dumps([resources.to_yaml_config(), num_nodes], sort_keys=True, default=str)
    return hashlib.sha256(config.encode()).hexdigest()


def _give_up_on(store: Store, name: str, error: ScopedError, scope: Scope) -> None:
    """Remove what the attempt left, and its record; append what was learnt."""
    record = store.get(name)
    assert record is not None
    kind = type(error).__name__
    store.add_attempt(Attempt(name, record.cluster_id, store.now(), kind, scope, error.ttl_s, str(error)))
    try:
        clean_up(record)
    except ExecutorError as failure:
        raise StopFailoverError(
            f"cluster {name}: the attempt at {_place_text(record.offer)} failed ({error}), and so did "
            f"its clean-up: {failure}. Something may still bill. Run sky down {name}; "
            "it is tried nowhere else until then"
        ) from failure
    store.close(record)


def _covering(error: ScopedError, offer: Offer) -> Scope:
    """Return the error's scope; should it miss the very offer that failed, that offer's own."""
    if error.scope.matches(offer.key):
        return error.scope
    key = offer.key
    return Scope(key.cloud, key.region, key.zone or None, key.instance_type, market=key.market)


def _block(scope: Scope) -> Resources:
    from sky.resources import Resources

    count = (scope.accelerator_count_milli or MILLI) / MILLI
    return Resources(
        cloud=scope.cloud,
        region=scope.region,
        zone=scope.zone,
        instance_type=scope.instance_type,
        accelerators={scope.accelerator: count} if scope.accelerator else None,
        use_spot=None if scope.market is None else scope.market is Market.SPOT,
    )


def _exhausted(error: ResourcesUnavailableError, history: list[Exception]) -> ResourcesUnavailableError:
    lines = ["no place that fits has capacity now. What was tried:"]
    lines += [f"  {failure}" for failure in history]
    lines.append(f"Nothing else fits: {error}")
    return ResourcesUnavailableError("\n".join(lines), failover_history=history)


def _place_text(offer: Offer) -> str:
    key = offer.key
    if key.cloud == LOCAL:
        return "this machine"
    place = f"{key.region}/{key.zone}" if key.zone and key.market is Market.OWNED else key.zone or key.region
    return f"{key.cloud} {place} ({key.instance_type})"
