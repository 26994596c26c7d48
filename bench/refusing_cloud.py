"""Clouds that refuse at once, so that what is measured is what a launch does between their answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from catalog.scope import Scope
from executors import registry
from executors.api import ClusterView, Executor, Handle, NodeRequest, NodeState
from executors.errors import AuthError, OutOfCapacity

CLOUDS = ("aws", "gcp", "azure")


@dataclass(slots=True)
class RefusingCloud:
    """A provisioner without capacity in the first ``zones`` that are asked for, and then without a login."""

    zones: int
    asked: int = 0

    def create(self, request: NodeRequest) -> Handle:
        """Refuse."""
        key = request.offer.key
        self.asked += 1
        if self.asked > self.zones:
            raise AuthError("the login is over", Scope(key.cloud), 60)
        raise OutOfCapacity("none left", Scope(key.cloud, key.region, key.zone or None), 300)

    def describe(self, handle: Handle) -> ClusterView:
        """There is nothing."""
        return ClusterView(handle.cluster_id, NodeState.GONE)

    def delete(self, handle: Handle) -> None:
        """There is nothing to delete."""

    def list(self) -> Sequence[ClusterView]:
        """There is nothing."""
        return []


@contextmanager
def refusing_clouds(zones: int = 0) -> Iterator[RefusingCloud]:
    """Enable ``CLOUDS`` for the block; together they refuse in ``zones`` zones."""
    cloud = RefusingCloud(zones)
    for name in CLOUDS:
        executor = Executor(name, cloud, _no_way, _no_queue, frozenset())
        registry.register(name, lambda executor=executor: executor)  # type: ignore[misc]
    try:
        yield cloud
    finally:
        for name in CLOUDS:
            registry.unregister(name)


def _no_way(handle: Handle, node: int = 0) -> object:
    raise NotImplementedError


def _no_queue(handle: Handle, transport: object) -> object:
    raise NotImplementedError
