"""The stage CLONE_DISK: a new cluster starts from a copy of a stopped one's disk, where that can be used."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catalog.errors import SkyError, UserError
from catalog.scope import Scope
from executors import registry
from executors.api import Capability, DiskCopying
from sky.control.clusters import tear_down
from sky.control.connection import apply, existing, view_of
from sky.control.failover import Order
from sky.control.failures import public_errors
from sky.control.handles import requested
from sky.control.identity import command_line, new_cluster_id, owner_of_new
from sky.control.reconcile import decide
from sky.control.records import DISK_COPY, ClusterRecord
from sky.control.search import Search
from sky.control.state import Store
from sky.exceptions import NotSupportedError
from sky.statuses import ClusterStatus

if TYPE_CHECKING:
    from sky.resources import Resources
    from sky.task import Task

_log = logging.getLogger("sky.launch")


def stopped_source(store: Store, name: str) -> ClusterRecord:
    """Return the record of the cluster whose disk is to be copied.

    Raises ``ClusterDoesNotExist``, and ``NotSupportedError`` unless it is stopped, on an infra that can copy.
    """
    record = existing(store, name)
    _copier(record)
    if record.status is not ClusterStatus.STOPPED:
        raise NotSupportedError(
            f"clone_disk_from: cluster {name} is {record.status.name}, and a disk is copied while it is at "
            f"rest; run: sky stop {name}"
        )
    return record


def confined(task: Task, source: ClusterRecord) -> Task:
    """Return ``task`` kept to where a copy of the source's disk can be used; its own place narrows that.

    Raises ``UserError`` where nothing is left, for a disk that is too small, and for an ``image_id``,
    ``NotSupportedError`` for a disk that cannot be copied.
    """
    with public_errors():
        reach = _copier(source).reach_of_copy(source.executor_handle)
    needed_gib = requested(source).disk_size
    kept = [resources for resources in task.resources if _within(resources, reach, source.offer.arch)]
    if not kept:
        where = "/".join(filter(None, (reach.cloud, reach.region)))
        raise UserError(
            f"clone_disk_from: a copy of the disk of {source.name} can be used on {where} "
            f"({source.offer.arch}) alone, and the task asks for another place; drop one of the two"
        )
    for resources in kept:
        if resources.image_id is not None:
            raise UserError(
                "image_id and clone_disk_from both say what the disk starts as; drop one of the two"
            )
        if resources.disk_size < needed_gib:
            raise UserError(
                f"disk_size: {resources.disk_size} GiB do not hold the disk of {source.name}, which has "
                f"{needed_gib}; ask for --disk-size {needed_gib}, or more"
            )
    narrowed = [
        each.copy(cloud=reach.cloud, region=each.region or reach.region, arch=source.offer.arch)
        for each in kept
    ]
    return _with_resources(task, narrowed)


@contextmanager
def cloned_disk(store: Store, order: Order, source_name: str | None) -> Iterator[Task]:
    """Copy the disk for the cluster of ``order``; the block's task starts from the copy, which then goes.

    The copy has a record (``NAME~disk``) before it is begun, so that the next launch, ``sky down`` or gc find
    it after a crash. The source cannot be started while it is copied. Without a source nothing is done.
    """
    task, name = order.task, order.name
    if source_name is None:
        yield task
        return
    with store.lock(name + DISK_COPY):
        with store.lock(source_name):
            record = existing(store, source_name)
            apply(store, record, decide(record, view_of(record), store.now()))
            source = stopped_source(store, source_name)
            task = confined(task, source)
            search = Search(store, task, order.target, order.risk)
            search.best()  # raises, before minutes are spent, where it can go nowhere
            made = store.add(_intent(store, name, source))
            try:
                _log.info("Copying the disk of cluster %s; this may take minutes", source_name)
                with public_errors():
                    image = _copier(source).copy_disk(source.executor_handle, made.cluster_id)
            except BaseException:
                _remove(store, made)
                raise
        try:
            yield _with_resources(task, [each.copy(image_id=image) for each in task.resources])
        finally:
            _remove(store, made)


def _copier(record: ClusterRecord) -> DiskCopying:
    provisioner = registry.load(record.executor).provisioner
    if not isinstance(provisioner, DiskCopying):
        able = [name for name in registry.names() if _can_copy(name)]
        raise NotSupportedError(
            f"clone_disk_from: the disk of {record.name} cannot be copied: {record.executor} does not do "
            f"that; {' and '.join(able)} can"
        )
    return provisioner


def _can_copy(executor: str) -> bool:
    try:
        return Capability.COPY_DISK in registry.load(executor).capabilities
    except UserError:  # what it needs is not installed
        return False


def _within(resources: Resources, reach: Scope, arch: str) -> bool:
    cloud = resources.cloud.canonical_name() if resources.cloud else None
    return (
        cloud in {None, reach.cloud}
        and (reach.region is None or resources.region in {None, reach.region})
        and resources.arch in {None, "any", arch}
    )


def _with_resources(task: Task, resources: list[Resources]) -> Task:
    """Return a copy of the task that asks for these: for any of them, or by preference, as it did."""
    ordered = isinstance(task.resources, list)
    return copy.copy(task).set_resources(resources if ordered else set(resources))


def _intent(store: Store, name: str, source: ClusterRecord) -> ClusterRecord:
    return ClusterRecord(
        name=name + DISK_COPY,
        cluster_id=new_cluster_id(name),
        executor=source.executor,
        offer=source.offer,
        intent_at=store.now(),
        launched_at=store.now(),
        last_use=command_line(),
        owner=owner_of_new(source.executor),
        resources=source.resources,
    )


def _remove(store: Store, made: ClusterRecord) -> None:
    """Remove the copy; what a cluster that is up no longer needs fails no launch."""
    try:
        tear_down(store, made)
    except SkyError as error:
        _log.warning("The copy of the disk is left, and bills: %s. Run: sky down '%s'", error, made.name)
