"""Bring one cluster up where its record says: the intent is committed first, then the provider is asked."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from executors import lifecycle, registry
from executors.api import Capability, Executor, Handle, NodeRequest, NodeState, Stoppable
from executors.errors import AuthError, OutOfCapacity, QuotaExceeded
from sky.control import access, ssh_config
from sky.control.connection import view_of
from sky.control.failures import public_errors
from sky.control.records import ClusterRecord
from sky.control.state import Store
from sky.exceptions import NotSupportedError, ResourcesUnavailableError
from sky.statuses import ClusterStatus

if TYPE_CHECKING:
    from sky.resources import Resources

_log = logging.getLogger("sky.launch")

RETRY_GAP_S = 30.0
"""How long to wait before starting over where no place had capacity."""


def bring_up(store: Store, record: ClusterRecord) -> ClusterRecord:
    """Make ``record``'s nodes ready for jobs and commit it as UP; the caller holds the cluster's lock.

    Idempotent: what an earlier call left is completed. Whatever it raises, the record stays INIT and names
    the tag that all resources carry. Raises executors' errors.
    """

    def keep(handle: Handle) -> None:
        nonlocal record
        record = store.update(record, handle=dict(handle.data))

    executor = registry.load(record.executor)
    request = _node_request(record)
    _check_capabilities(executor, request)
    lifecycle.bring_up(executor, request, on_created=keep)
    view = view_of(record)
    ssh_config.add(record)
    return store.update(
        record,
        status=ClusterStatus.UP,
        head_ip=view.addresses[0] if view.addresses else "",
        launched_at=store.now(),
    )


def restart(store: Store, record: ClusterRecord, *, retry_until_up: bool = False) -> ClusterRecord:
    """Bring a stopped or interrupted cluster up again, in its place; the caller holds the cluster's lock.

    Raises ``ResourcesUnavailableError`` (no failover: its disks are there) when that place has no capacity.
    """
    record = store.update(record, status=ClusterStatus.INIT, intent_at=store.now())
    executor = registry.load(record.executor)
    while True:
        try:
            with public_errors():
                if isinstance(executor.provisioner, Stoppable) and view_of(record).state is NodeState.STOPPED:
                    handle = executor.provisioner.start(record.executor_handle)
                    record = store.update(record, handle=dict(handle.data))
                return bring_up(store, record)
        except (OutOfCapacity, QuotaExceeded) as error:
            if not retry_until_up:
                raise ResourcesUnavailableError(
                    f"cluster {record.name} cannot be started in its place now: {error}; "
                    f"its disks are there, so it is not moved. Try later, or with --retry-until-up",
                    no_failover=True,
                    failover_history=[error],
                ) from error
            wait_for_capacity(record.name)
        except AuthError as error:
            access.forget(record.executor)
            raise ResourcesUnavailableError(
                f"cluster {record.name}: {error}", no_failover=True, failover_history=[error]
            ) from error
        current = store.get(record.name)
        assert current is not None
        record = current


def wait_for_capacity(name: str) -> None:
    """Wait before the next round, not at the same moment as others."""
    _log.info(
        "No capacity for cluster %s; trying again in about %.0f s (Ctrl-C to give up)", name, RETRY_GAP_S
    )
    threading.Event().wait(RETRY_GAP_S * random.uniform(0.8, 1.2))  # noqa: S311  no secret


def _node_request(record: ClusterRecord) -> NodeRequest:
    resources = _requested(record)
    return NodeRequest(
        cluster_id=record.cluster_id,
        cluster_name=record.name,
        offer=record.offer,
        num_nodes=record.num_nodes,
        disk_size_gib=resources.disk_size,
        ports=tuple(resources.ports or ()),
        labels=dict(resources.labels or {}),
        image_id=_image(resources.image_id, record.offer.key.region),
        disk_tier=resources.disk_tier.value if resources.disk_tier else None,
        network_tier=resources.network_tier.value if resources.network_tier else None,
    )


def _image(images: dict[str | None, str] | None, region: str) -> str | None:
    return None if not images else images.get(region) or images.get(None)


def _requested(record: ClusterRecord) -> Resources:
    from sky.resources import Resources

    (resources,) = Resources.from_yaml_config(dict(record.resources))
    return resources


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
