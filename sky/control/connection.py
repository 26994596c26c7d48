"""From a cluster's name to its record, its executor and its job queue, with the checks in between."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from executors import lifecycle, registry
from executors.api import ClusterView, Executor, Handle, JobQueue, NodeState, Transport
from executors.errors import NotFound
from sky.control import ssh_config
from sky.control.failures import describing, effect_on, public_errors
from sky.control.handles import handle_of
from sky.control.identity import check_owner, confirm_owner, is_mine
from sky.control.locks import ClusterBusy
from sky.control.reconcile import Action, Step, decide
from sky.control.records import NO_AUTOSTOP, ClusterRecord
from sky.control.state import StaleRecord, Store
from sky.exceptions import ClusterDoesNotExist, ClusterNotUpError
from sky.statuses import ClusterStatus

_log = logging.getLogger("sky.status")


@dataclass(frozen=True, slots=True)
class Connection:
    """A live cluster: its record, and open doors to it."""

    record: ClusterRecord
    executor: Executor
    handle: Handle
    transport: Transport
    queue: JobQueue


@contextmanager
def connected(record: ClusterRecord) -> Iterator[Connection]:
    """Open the transport and the job queue of ``record``'s head node; executors' errors come out public.

    Raises ``ClusterDoesNotExist`` when it was removed outside.
    """
    executor = registry.load(record.executor)
    handle = record.executor_handle
    with public_errors():
        try:
            transport = executor.connect(handle)
        except NotFound as error:
            raise ClusterDoesNotExist(f"{error}; sky status --refresh shows what is left") from error
        try:
            yield Connection(record, executor, handle, transport, executor.queue(handle, transport))
        finally:
            transport.close()


def existing(store: Store, name: str) -> ClusterRecord:
    """Return the record of ``name``, if it is this user's. Raises ``ClusterDoesNotExist``."""
    record = store.get(name)
    if record is None:
        known = ", ".join(other.name for other in store.records()[:5])
        raise ClusterDoesNotExist(
            f"cluster {name!r} does not exist" + (f"; there are: {known}" if known else "")
        )
    check_owner(record)
    return record


def up(store: Store, name: str, doing: str) -> ClusterRecord:
    """Return the record of ``name`` if it is UP; what may have stopped itself is asked for first.

    Raises ``ClusterDoesNotExist``, ``ClusterOwnerIdentityMismatchError``, ``ClusterNotUpError``.
    """
    record: ClusterRecord | None = existing(store, name)
    assert record is not None
    if record.status is ClusterStatus.UP and record.autostop_minutes != NO_AUTOSTOP:
        record = refreshed(store, record)
    if record is None:
        raise ClusterDoesNotExist(f"cluster {name!r} is gone: it was idle and took itself down")
    if record.status is not ClusterStatus.UP:
        why = f" ({record.reason})" if record.reason else ""
        raise ClusterNotUpError(
            f"{doing}: cluster {name} is {record.status.name}, not UP{why}; start it with: sky start {name}",
            cluster_status=record.status,
            handle=handle_of(record),
        )
    return record


def view_of(record: ClusterRecord) -> ClusterView:
    """Ask the provider how the cluster is; that it is gone is believed with its owner's credentials only.

    Raises ``ClusterOwnerIdentityMismatchError``, ``CloudUserIdentityError``, ``ClusterStatusFetchingError``.
    """
    executor = registry.load(record.executor)
    with describing(record.name):
        try:
            view = executor.provisioner.describe(record.executor_handle)
        except NotFound as error:
            view = ClusterView(record.cluster_id, NodeState.GONE, reason=str(error))
    if view.state is NodeState.GONE:
        confirm_owner(record)
    return view


def refreshed(store: Store, record: ClusterRecord) -> ClusterRecord | None:
    """Make the record true again and return it, ``None`` if the cluster is gone.

    One that another command is working on right now, or that is not this user's to judge, is returned as
    it is: what looks gone from here may be there for its owner.
    """
    if not is_mine(record):
        return record
    try:
        with store.lock(record.name, timeout_s=0):
            current = store.get(record.name)
            if current is None:
                return None
            return apply(store, current, decide(current, view_of(current), store.now()))
    except (ClusterBusy, StaleRecord):
        return store.get(record.name)


def apply(store: Store, record: ClusterRecord, step: Step) -> ClusterRecord | None:
    """Commit what was decided; the caller holds the cluster's lock."""
    if step.action is Action.KEEP:
        known = not step.reason or step.reason == record.reason
        return record if known else store.update(record, reason=step.reason)
    if step.action is Action.CLOSE:
        _log.info("Cluster %s is gone: %s", record.name, step.reason)
        with effect_on(record.name, "down", forgive=True):  # keys of its nodes and such; they bill nothing
            lifecycle.tear_down(registry.load(record.executor), record.executor_handle)
        ssh_config.remove(record.name)
        store.close(record, since=step.since)
        return None
    _log.info("Cluster %s: %s", record.name, step.reason)
    if step.action is Action.MARK_UP:
        return store.update(record, status=ClusterStatus.UP)
    if step.action is Action.MARK_INIT:
        return store.update(record, status=ClusterStatus.INIT, reason=step.reason)
    ssh_config.remove(record.name)
    return store.update(
        record,
        since=step.since,
        status=ClusterStatus.STOPPED,
        reason=step.reason,
        autostop_minutes=NO_AUTOSTOP,
        to_down=False,
    )
