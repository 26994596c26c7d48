"""An executor whose provider is a dictionary and whose refusals are scripted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from executors.api import (
    Autostop,
    Capability,
    ClusterView,
    Executor,
    Handle,
    NodeRequest,
    NodeState,
    Transport,
)
from executors.job import JobRecord, JobSpec, JobState


@dataclass
class FakeCloud:
    """What exists at the provider, what was asked of it, and what it will answer."""

    name: str
    failures: list[Exception] = field(default_factory=list)
    on_create: Callable[[NodeRequest], None] = lambda _request: None
    clean_up_failure: Exception | None = None
    leaves_remains: bool = True
    existing: dict[str, NodeState] = field(default_factory=dict)
    requests: list[NodeRequest] = field(default_factory=list)
    specs: list[JobSpec] = field(default_factory=list)

    def executor(self) -> Executor:
        return Executor(
            name=self.name,
            provisioner=self,
            connect=lambda handle, _node=0: FakeTransport(),  # type: ignore[abstract]
            queue=lambda handle, transport: FakeQueue(self),
            capabilities=frozenset({Capability.STOP, Capability.MULTI_NODE, Capability.AUTOSTOP}),
        )

    def create(self, request: NodeRequest) -> Handle:
        self.requests.append(request)
        if self.leaves_remains:
            self.existing[request.cluster_id] = NodeState.DEGRADED
        self.on_create(request)
        if self.failures:
            raise self.failures.pop(0)
        self.existing[request.cluster_id] = NodeState.RUNNING
        return Handle(
            self.name, request.cluster_id, request.cluster_name, {"nodes": json.dumps([{"host": "10.0.0.1"}])}
        )

    def describe(self, handle: Handle) -> ClusterView:
        addresses = tuple(f"10.0.0.{n + 1}" for n in range(self.requests[-1].num_nodes))
        return ClusterView(handle.cluster_id, self.existing.get(handle.cluster_id, NodeState.GONE), addresses)

    def delete(self, handle: Handle) -> None:
        if self.clean_up_failure:
            raise self.clean_up_failure
        self.existing.pop(handle.cluster_id, None)

    def list(self) -> Sequence[ClusterView]:
        return [ClusterView(cluster_id, state) for cluster_id, state in self.existing.items()]

    def stop(self, handle: Handle) -> None:
        self.existing[handle.cluster_id] = NodeState.STOPPED

    def start(self, handle: Handle) -> Handle:
        if self.failures:
            raise self.failures.pop(0)
        self.existing[handle.cluster_id] = NodeState.RUNNING
        return handle


class FakeTransport(Transport):
    """A connection that carries nothing."""

    def close(self) -> None:
        pass


class FakeQueue:
    """Takes jobs and calls each done."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._specs = cloud.specs

    def submit(self, spec: JobSpec) -> int:
        self._specs.append(spec)
        return len(self._specs)

    def jobs(self, job_ids: Sequence[int] | None = None) -> list[JobRecord]:
        wanted = range(len(self._specs), 0, -1) if job_ids is None else job_ids
        return [
            JobRecord(n, self._specs[n - 1].name, JobState.SUCCEEDED, "me", "", "stamp", 1.0, 1.0, 2.0, 0, 1)
            for n in wanted
        ]

    def cancel(self, job_ids: Sequence[int]) -> list[int]:
        return []

    def tail(self, job_id: int, *, follow: bool = True, lines: int = 0) -> Iterator[bytes]:
        yield b"ran\n"

    def idle_since(self) -> float | None:
        return 0.0

    def set_autostop(self, setting: Autostop) -> None:
        pass
