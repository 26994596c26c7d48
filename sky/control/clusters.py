"""Verbs on whole clusters: status, stop, start, down, autostop."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from catalog.errors import UserError
from catalog.offer import Market
from executors import lifecycle, registry
from executors.api import Autostop, Capability, Executor, StopLimited, Stoppable
from sky.control import ssh_config
from sky.control.bringup import restart
from sky.control.connection import apply, connected, existing, refreshed, up, view_of
from sky.control.failures import effect_on
from sky.control.handles import ClusterHandle, handle_of
from sky.control.identity import command_line, confirm_owner
from sky.control.locks import FOREVER
from sky.control.patience import Patience
from sky.control.reconcile import decide
from sky.control.records import NO_AUTOSTOP, ClusterRecord
from sky.control.state import Store, open_store
from sky.exceptions import (
    CloudUserIdentityError,
    ClusterDoesNotExist,
    ClusterNotUpError,
    ClusterOwnerIdentityMismatchError,
    ClusterStatusFetchingError,
    NotSupportedError,
)
from sky.fields.idle_stop import check_minutes
from sky.statuses import ClusterStatus

_log = logging.getLogger("sky.control.clusters")

_UNKNOWN = (ClusterStatusFetchingError, CloudUserIdentityError, ClusterOwnerIdentityMismatchError)
_REFRESH_THREADS = 32
"""Each waits for a provider, up to its time limit where a node does not answer."""


def status(cluster_names: str | Sequence[str] | None = None, refresh: bool = False) -> list[dict[str, Any]]:
    """Return what is known of clusters, the newest launch first.

    Each is a dict with ``name, launched_at, handle, last_use, status, autostop, to_down, metadata`` and
    ``owner, cluster_hash, storage_mounts_metadata, cluster_ever_up, status_updated_at, config_hash,
    num_nodes, price_usd_per_hour, status_reason`` (why it is not UP).
    ``refresh`` asks the providers first. Names that no cluster has are left out, as are clusters that turn
    out to be gone.
    """
    store = open_store()
    records = store.records()
    if cluster_names is not None:
        wanted = {cluster_names} if isinstance(cluster_names, str) else set(cluster_names)
        records = [record for record in records if record.name in wanted]
    if refresh:
        records = _refresh_all(store, records)
    return [_as_dict(record) for record in records]


def _refresh_all(store: Store, records: Sequence[ClusterRecord]) -> list[ClusterRecord]:
    def refresh_one(record: ClusterRecord) -> ClusterRecord | None:
        try:
            with store.thread():
                return refreshed(store, record)
        except _UNKNOWN as error:
            _log.warning("The status shown may be old: %s", error)
            return record

    with ThreadPoolExecutor(_REFRESH_THREADS, thread_name_prefix="sky-refresh") as pool:
        return [record for record in pool.map(refresh_one, records) if record is not None]


def _as_dict(record: ClusterRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "launched_at": record.launched_at,
        "handle": handle_of(record),
        "last_use": record.last_use,
        "status": record.status,
        "autostop": record.autostop_minutes,
        "to_down": record.to_down,
        "metadata": {},
        "owner": record.owner,
        "cluster_hash": record.cluster_id,
        "storage_mounts_metadata": None,
        "cluster_ever_up": record.ever_up,
        "status_updated_at": record.status_at,
        "status_reason": record.reason,
        "config_hash": record.config_hash,
        "num_nodes": record.num_nodes,
        "price_usd_per_hour": record.num_nodes * record.offer.price_micro_usd / 1_000_000,
    }


def stop(cluster_name: str, purge: bool = False) -> None:
    """Stop a cluster; its disks are kept. Stopped already is success.

    ``purge`` marks it stopped even where the provider failed. Raises ``ClusterDoesNotExist``,
    ``ClusterNotUpError`` for a launch that made no node yet, ``NotSupportedError``, and ``RuntimeError``
    when it could not be stopped.
    """
    store = open_store()
    existing(store, cluster_name)
    with store.lock(cluster_name):
        record = existing(store, cluster_name)
        executor = _stoppable(record)
        if record.handle is None:
            raise ClusterNotUpError(
                f"stop: the launch of cluster {cluster_name} ended before it had a node; "
                f"complete it with: sky start {cluster_name}, or end it with: sky down {cluster_name}",
                cluster_status=record.status,
                handle=handle_of(record),
            )
        with effect_on(cluster_name, "stop", forgive=purge):
            lifecycle.stop(executor, record.executor_handle)
        ssh_config.remove(cluster_name)
        store.update(
            record,
            status=ClusterStatus.STOPPED,
            autostop_minutes=NO_AUTOSTOP,
            to_down=False,
            last_use=command_line(),
        )


def _stoppable(record: ClusterRecord) -> Executor:
    executor = registry.load(record.executor)
    if record.offer.key.market is Market.SPOT:
        raise NotSupportedError(
            f"cluster {record.name} runs on spot instances, which cannot be stopped; sky down ends it"
        )
    if Capability.STOP not in executor.capabilities or not isinstance(executor.provisioner, Stoppable):
        raise NotSupportedError(
            f"{record.executor} cannot stop a cluster and keep its disk; sky down ends it"
        )
    _check_kind(record, executor, "sky down ends it")
    return executor


def _check_kind(record: ClusterRecord, executor: Executor, advice: str) -> None:
    """Raise ``NotSupportedError`` for a cluster of a kind that cannot be stopped there."""
    provisioner = executor.provisioner
    if isinstance(provisioner, StopLimited) and (why := provisioner.why_not_stop(record.executor_handle)):
        raise NotSupportedError(f"cluster {record.name} cannot be stopped: it is {why}; {advice}")


def start(
    cluster_name: str,
    idle_minutes_to_autostop: int | None = None,
    retry_until_up: bool = False,
    down: bool = False,
    force: bool = False,
    *,
    retry_for_s: float | None = None,
) -> ClusterHandle:
    """Start a stopped cluster, or finish an interrupted launch, in the place it was launched in.

    One that is UP is left alone unless ``force``; what may have stopped itself is asked for first.
    ``retry_until_up`` waits for capacity there, ``retry_for_s`` for no longer than so many seconds.

    Raises ``ValueError`` for ``down`` without idle minutes,
    ``ClusterDoesNotExist``, ``ClusterOwnerIdentityMismatchError``, ``ResourcesUnavailableError``.
    """
    check_start(idle_minutes_to_autostop, down=down)
    store = open_store()
    existing(store, cluster_name)
    with store.lock(cluster_name, FOREVER):
        record = _as_it_is(store, existing(store, cluster_name))
        if record.status is not ClusterStatus.UP or force:
            patience = Patience.of(retry_until_up=retry_until_up, retry_for_s=retry_for_s)
            record = restart(store, record, patience)
        if idle_minutes_to_autostop is not None:
            record = set_autostop(store, record, Autostop(idle_minutes_to_autostop, down))
        return handle_of(store.update(record, last_use=command_line()))


def stops_itself(record: ClusterRecord) -> bool:
    """Return whether autostop is set, so that the cluster may be stopped though the record says UP."""
    return record.autostop_minutes != NO_AUTOSTOP


def _as_it_is(store: Store, record: ClusterRecord) -> ClusterRecord:
    """Return the record, made true again where autostop may have acted; the caller holds the lock."""
    if record.status is not ClusterStatus.UP or not stops_itself(record):
        return record
    current = apply(store, record, decide(record, view_of(record), store.now()))
    if current is None:
        raise ClusterDoesNotExist(f"cluster {record.name!r} is gone: it was idle and took itself down")
    return current


def check_start(idle_minutes: int | None, *, down: bool) -> None:
    """Raise ``UserError`` for options of ``start`` that make no sense, whatever the cluster."""
    if down and idle_minutes is None:
        raise UserError("down=True needs idle_minutes_to_autostop: after how many idle minutes to tear down")
    if idle_minutes is not None:
        check_minutes(idle_minutes)


def down(cluster_name: str, purge: bool = False) -> None:
    """Tear a cluster down: everything that was made for it is deleted, and its disks are lost.

    ``purge`` forgets it even where the provider failed. Raises ``ClusterDoesNotExist``, and ``RuntimeError``
    when something may still exist.
    """
    store = open_store()
    existing(store, cluster_name)
    with store.lock(cluster_name):
        tear_down(store, existing(store, cluster_name), purge=purge)


def tear_down(store: Store, record: ClusterRecord, *, purge: bool = False, since: int = 0) -> None:
    """Delete what carries the record's tag and close the record; the caller holds the cluster's lock.

    ``since`` is when its nodes went, in epoch seconds, where they are gone already.
    """
    executor = registry.load(record.executor)
    confirm_owner(record)
    with effect_on(record.name, "down", forgive=purge):
        lifecycle.tear_down(executor, record.executor_handle)
    ssh_config.remove(record.name)
    store.close(record, since=since)


def autostop(cluster_name: str, idle_minutes: int, down: bool = False) -> None:
    """Stop (or with ``down`` tear down) a cluster after ``idle_minutes`` without jobs; negative cancels.

    Raises ``ClusterDoesNotExist``, ``ClusterNotUpError``, ``NotSupportedError``.
    """
    change_autostop(cluster_name, Autostop(check_minutes(idle_minutes), down))


def change_autostop(cluster_name: str, setting: Autostop) -> None:
    """Give a cluster that is UP this autostop setting, as ``autostop`` does."""
    store = open_store()
    up(store, cluster_name, "autostop")
    with store.lock(cluster_name):
        record = set_autostop(store, existing(store, cluster_name), setting)
        store.update(record, last_use=command_line())


def set_autostop(store: Store, record: ClusterRecord, setting: Autostop) -> ClusterRecord:
    """Tell the cluster's agent, then commit. The caller holds the lock and the cluster is UP."""
    if setting.idle_minutes < 0:
        setting = Autostop(NO_AUTOSTOP)
    needed = Capability.AUTODOWN if setting.down else Capability.AUTOSTOP
    executor = registry.load(record.executor)
    if setting.idle_minutes >= 0 and needed not in executor.capabilities:
        raise NotSupportedError(f"{record.executor} has no {needed.value}")
    if setting.idle_minutes >= 0 and not setting.down:
        _check_kind(record, executor, "let it go down when it is idle: --down")
    with connected(record) as cluster:
        cluster.queue.set_autostop(setting)
    return store.update(record, autostop_minutes=setting.idle_minutes, to_down=setting.down)
