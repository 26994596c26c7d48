"""Bring one cluster up where its record says: the intent is committed first, then the provider is asked."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from catalog.units import format_seconds
from executors import lifecycle, registry
from executors.api import Capability, Executor, Handle, NodeRequest, NodeState, Stoppable
from executors.docker_login import DockerLogin
from executors.errors import AuthError, OutOfCapacity, QuotaExceeded
from sky.control import access, docker_options, shortages, ssh_config
from sky.control.connection import view_of
from sky.control.failures import public_errors
from sky.control.handles import requested
from sky.control.patience import Patience
from sky.control.records import ClusterRecord
from sky.control.state import Store
from sky.exceptions import NotSupportedError, ResourcesUnavailableError
from sky.statuses import ClusterStatus

_log = logging.getLogger("sky.launch")


def _go_on() -> None:
    """Let the bring-up go on."""


def bring_up(
    store: Store,
    record: ClusterRecord,
    docker_login: DockerLogin | None = None,
    on_created: Callable[[], None] = _go_on,
) -> ClusterRecord:
    """Make ``record``'s nodes ready for jobs and commit it as UP; the caller holds the cluster's lock.

    Idempotent: what an earlier call left is completed. Whatever it raises, the record stays INIT and names
    the tag that all resources carry. ``on_created`` is called once nodes exist and are recorded; what it
    raises ends the bring-up there. ``docker_login`` is the task's, and is not recorded. Raises executors'
    errors.
    """

    def keep(handle: Handle) -> None:
        nonlocal record
        record = store.update(record, handle=dict(handle.data))
        on_created()

    executor = registry.load(record.executor)
    request = _node_request(record, docker_login)
    _check_capabilities(executor, request)
    lifecycle.bring_up(executor, request, on_created=keep)
    view = view_of(record)
    if record.name == record.cluster_name:
        ssh_config.add(record)
    return store.update(
        record,
        status=ClusterStatus.UP,
        head_ip=view.addresses[0] if view.addresses else "",
        launched_at=store.now(),
    )


def restart(
    store: Store, record: ClusterRecord, patience: Patience, docker_login: DockerLogin | None = None
) -> ClusterRecord:
    """Bring a stopped or interrupted cluster up again, in its place; the caller holds the cluster's lock.

    Raises ``ResourcesUnavailableError`` (no failover: its disks are there) when that place has no capacity
    for longer than ``patience`` lasts.
    """
    record = store.update(record, status=ClusterStatus.INIT, intent_at=store.now())
    while True:
        try:
            with public_errors():
                record = bring_up(store, _started(store, record), docker_login)
        except (OutOfCapacity, QuotaExceeded) as error:
            pause_s = patience.pause_s() if isinstance(error, OutOfCapacity) else None
            if pause_s is None:
                raise ResourcesUnavailableError(
                    f"cluster {record.name} cannot be started in its place now: {error}; "
                    f"its disks are there, so it is not moved. Try later, or with --retry-until-up",
                    no_failover=True,
                    failover_history=[error],
                ) from error
            wait_for_capacity(record.name, pause_s, str(error))
        except AuthError as error:
            access.forget(record.executor)
            raise ResourcesUnavailableError(
                f"cluster {record.name}: {error}", no_failover=True, failover_history=[error]
            ) from error
        else:
            shortages.disproved(store, record.offer, record.num_nodes)
            return record
        current = store.get(record.name)
        assert current is not None
        record = current


def _started(store: Store, record: ClusterRecord) -> ClusterRecord:
    """Start the nodes where they are stopped."""
    provisioner = registry.load(record.executor).provisioner
    if isinstance(provisioner, Stoppable) and view_of(record).state is NodeState.STOPPED:
        handle = provisioner.start(record.executor_handle)
        return store.update(record, handle=dict(handle.data))
    return record


def wait_for_capacity(name: str, pause_s: float, waited_for: str) -> None:
    """Say what is waited for, and wait."""
    until = time.strftime("%H:%M:%S", time.localtime(time.time() + pause_s))
    _log.info(
        "Cluster %s waits for capacity: %s. Next try in %s, at %s (Ctrl-C to give up)",
        name,
        waited_for,
        format_seconds(round(pause_s)),
        until,
    )
    threading.Event().wait(pause_s)


def _node_request(record: ClusterRecord, docker_login: DockerLogin | None) -> NodeRequest:
    resources = requested(record)
    return NodeRequest(
        cluster_id=record.cluster_id,
        cluster_name=record.cluster_name,
        offer=record.offer,
        num_nodes=record.num_nodes,
        disk_size_gib=resources.disk_size,
        ports=tuple(resources.ports or ()),
        labels=dict(resources.labels or {}),
        image_id=_image(resources.image_id, record.offer.key.region),
        disk_tier=resources.disk_tier.value if resources.disk_tier else None,
        network_tier=resources.network_tier.value if resources.network_tier else None,
        accelerator_args=resources.accelerator_args or {},
        docker_login=docker_login,
        docker_run_options=docker_options.recorded(resources),
    )


def _image(images: dict[str | None, str] | None, region: str) -> str | None:
    return None if not images else images.get(region) or images.get(None)


def _check_capabilities(executor: Executor, request: NodeRequest) -> None:
    needs: Iterable[tuple[bool, Capability]] = (
        (request.num_nodes > 1, Capability.MULTI_NODE),
        (request.image_id is not None, Capability.IMAGE),
    )
    for needed, capability in needs:
        if needed and capability not in executor.capabilities:
            raise NotSupportedError(f"{executor.name} has no {capability.value} clusters")


def clean_up(record: ClusterRecord) -> None:
    """Delete what a failed attempt left behind. Raises ``CleanupIncomplete`` and other executors' errors."""
    registry.load(record.executor).provisioner.delete(record.executor_handle)
