"""Clusters of several real hosts, reached over SSH, whose jobs Slurm runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from catalog.offer import Offer
from executors import lifecycle, local
from executors.agent_queue import AgentQueue
from executors.api import Capability, ClusterView, Executor, Handle, NodeRequest, NodeState, Transport
from executors.job import Demand, JobRecord, JobSpec
from executors.transports import host_keys, ssh
from executors.transports.address import Address, read_nodes, write_nodes
from executors.transports.host_key import HostKey
from tests.hosts.fixtures import TakeMachines
from tests.hosts.machine import Machine

TINY = Demand(cpus_milli=100)
WHOLE = Demand(cpus_milli=2_000)
MARKER = "SKY_TEST_CLUSTER=gang"


@dataclass
class Hosts:
    """A provisioner of hosts that are there already."""

    machines: Sequence[Machine]
    accelerators: int = 0
    actions: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def create(self, request: NodeRequest) -> Handle:
        """Name the hosts."""
        addresses = [
            Address(
                host.ip,
                port=host.port,
                user=host.user,
                identity_file=str(host.identity_file),
                internal_ip=host.ip,
            )
            for host in self.machines
        ]
        return Handle("hosts", request.cluster_id, request.cluster_name, {"nodes": write_nodes(addresses)})

    def describe(self, handle: Handle) -> ClusterView:
        """Say that they run."""
        return ClusterView(handle.cluster_id, NodeState.RUNNING, self._ips(handle))

    def delete(self, handle: Handle) -> None:
        """End Slurm and forget everything."""
        for node in range(len(self.machines)):
            transport = connect(handle, node)
            transport.run(["sh", "-c", "python3 -I .sky_agent/agent.pyz slurm-down; rm -rf .sky_agent"])
            transport.close()

    def list(self) -> Sequence[ClusterView]:
        """Know of no cluster."""
        return ()

    def stop(self, handle: Handle) -> None:
        """Leave them running: all of the stop is the agents' part."""

    def start(self, handle: Handle) -> Handle:
        """Say where they are."""
        return handle

    def agent_config(self, handle: Handle) -> Mapping[str, object]:
        """Tell the agent of small nodes with short graces."""
        capacity = {"cpus_milli": 2_000, "memory_mib": 4_096}
        if self.accelerators:
            capacity |= {"accelerator": "A100", "accelerators": self.accelerators}  # type: ignore[dict-item]
        return {
            "cluster_name": handle.cluster_name,
            "capacity": capacity,
            "addresses": list(self._ips(handle)),
            "marker": MARKER,
            "actions": dict(self.actions),
            "poll_s": 0.2,
            "cancel_grace_s": 0.5,
        }

    @staticmethod
    def _ips(handle: Handle) -> tuple[str, ...]:
        return tuple(address.internal_ip for address in read_nodes(handle.data))


def connect(handle: Handle, node: int = 0) -> Transport:
    """Return the way to one host."""
    return ssh.connect(read_nodes(handle.data)[node])


def queue(_handle: Handle, transport: Transport) -> AgentQueue:
    """Return the queue behind a transport."""
    return AgentQueue(transport, env=(MARKER,))


def pin(machines: Sequence[Machine]) -> None:
    """Know the hosts' keys."""
    for host in machines:
        kind, key = host.host_public_key.split()
        host_keys.pin(HostKey(host_keys.known_name(Address(host.ip)), kind, key))


@dataclass
class Gang:
    """One cluster."""

    executor: Executor
    handle: Handle
    machines: Sequence[Machine]
    transport: Transport

    @property
    def queue(self) -> AgentQueue:
        """The head's queue."""
        return queue(self.handle, self.transport)

    def submit(self, *scripts: str, nodes: int = 3, **fields: object) -> int:
        """Queue a job and return its id."""
        values = {"demand": TINY, "run_timestamp": "sky-t", "num_nodes": nodes, **fields}
        return self.queue.submit(JobSpec("job", scripts, **values))  # type: ignore[arg-type]

    def finish(self, job_id: int) -> tuple[str, JobRecord]:
        """Read the job's output to its end and return it with its record."""
        output = b"".join(self.queue.tail(job_id)).decode()
        return output, self.queue.jobs([job_id])[0]

    def run(self, *scripts: str, **fields: object) -> tuple[str, JobRecord]:
        """Run a job to its end."""
        return self.finish(self.submit(*scripts, **fields))  # type: ignore[arg-type]

    def file(self, node: int, path: str) -> Path:
        """Return where this machine finds a file of a node's home."""
        return self.machines[node].home() / path


MakeGang = Callable[..., Gang]


@pytest.fixture
def make_gang(machines: TakeMachines) -> Iterator[MakeGang]:
    """Make clusters of hosts; a host is wiped after the test."""
    made: list[Gang] = []

    def make(nodes: int = 3, **fields: object) -> Gang:
        taken = machines(nodes)
        pin(taken)
        provisioner = Hosts(taken, **fields)  # type: ignore[arg-type]
        executor = Executor("hosts", provisioner, connect, queue, frozenset({Capability.MULTI_NODE}))
        offer: Offer = local.offer()
        handle = lifecycle.bring_up(executor, NodeRequest("c-1", "c", offer, num_nodes=nodes))
        gang = Gang(executor, handle, taken, connect(handle))
        made.append(gang)
        return gang

    yield make
    for gang in made:
        gang.transport.close()


@pytest.fixture
def gang(make_gang: MakeGang) -> Gang:
    return make_gang()
