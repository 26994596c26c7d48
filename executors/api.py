"""The contract between ``sky`` and a place that can run things.

An executor is a frozen bundle of three parts: a ``Provisioner`` that makes and removes nodes, a
``Transport`` that runs commands on one and copies files to it, and a ``JobQueue`` that runs jobs there.
Abilities beyond these are declared in ``capabilities`` and are small protocols of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

from catalog.offer import Offer
from catalog.scope import Scope
from executors.docker_login import DockerLogin
from executors.job import JobRecord, JobSpec

_DOCKER = "docker:"


class Capability(str, Enum):
    """What an executor can do beyond create, describe and delete."""

    STOP = "stop"
    MULTI_NODE = "multi-node"
    SPOT = "spot"
    PORTS = "ports"
    IMAGE = "image"
    AUTOSTOP = "autostop"
    AUTODOWN = "autodown"
    COPY_DISK = "copy-disk"


class NodeState(str, Enum):
    """A cluster's state as its provider tells it; ``GONE`` is an answer, not an error."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPED = "stopped"
    DEGRADED = "degraded"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class NodeRequest:
    """What to create; ``cluster_id`` tags all that is made, and the same one twice is one cluster.

    ``docker_login`` is for the registry of ``image_id``; who brings up again may not know it any more.
    ``docker_run_options`` are words for the ``docker run`` of a container on a machine; a pod has none.
    """

    cluster_id: str
    cluster_name: str
    offer: Offer
    num_nodes: int = 1
    disk_size_gib: int = 256
    ports: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    image_id: str | None = None
    disk_tier: str | None = None
    network_tier: str | None = None
    accelerator_args: Mapping[str, object] = field(default_factory=dict)
    docker_login: DockerLogin | None = None
    docker_run_options: tuple[str, ...] = ()

    @property
    def container_image(self) -> str:
        """The image of the container that each node is, with its registry; ``""`` for a machine itself."""
        if not self.image_id or not self.image_id.startswith(_DOCKER):
            return ""
        image = self.image_id.removeprefix(_DOCKER)
        return self.docker_login.full_name(image) if self.docker_login else image

    @property
    def machine_image(self) -> str:
        """The image that each machine boots; ``""`` where none is named."""
        return "" if self.container_image else self.image_id or ""


@dataclass(frozen=True, slots=True)
class Handle:
    """Where a cluster is. Opaque to everyone but its executor; JSON both ways; holds no secret.

    One with no ``data`` stands for a cluster whose creation was interrupted: its provisioner describes and
    deletes it by ``cluster_id`` alone.
    """

    executor: str
    cluster_id: str
    cluster_name: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What a provider says of a cluster: its state, the addresses of its nodes (head first), and why.

    ``created_at``, and ``since`` when it is in that state, are whole seconds since the epoch, 0 where the
    provider does not say: a cluster that stopped itself is paid for until ``since``. ``place`` is ``region``
    or ``region/zone``, for a reader. ``silent`` are the ranks of nodes that were asked and did not answer.
    ``nodeless`` says that no node is left, only what was made beside them (firewall rules, say), which
    ``delete`` removes.
    """

    cluster_id: str
    state: NodeState
    addresses: tuple[str, ...] = ()
    reason: str = ""
    created_at: int = 0
    since: int = 0
    place: str = ""
    silent: frozenset[int] = frozenset()
    nodeless: bool = False


@dataclass(frozen=True, slots=True)
class Completed:
    """The end of a command: exit code (128 + n for signal n) and what it printed."""

    returncode: int
    stdout: str
    stderr: str


class Provisioner(Protocol):
    """Makes, describes and removes clusters. Every method is idempotent."""

    def create(self, request: NodeRequest) -> Handle:
        """Make the cluster, or return the handle of the one that carries ``request.cluster_id`` already."""

    def describe(self, handle: Handle) -> ClusterView:
        """Say what is there now."""

    def delete(self, handle: Handle) -> None:
        """Remove it with all that it made; gone already is success. Raises ``CleanupIncomplete``."""

    def list(self) -> Sequence[ClusterView]:
        """Everything of this user that carries our tag, as far as it can be told whose it is."""


@runtime_checkable
class Stoppable(Protocol):
    """A provisioner that can stop a cluster with its disk kept, and start it again."""

    def stop(self, handle: Handle) -> None:
        """Stop all nodes; stopped already is success."""

    def start(self, handle: Handle) -> Handle:
        """Start all nodes; running already is success. Returns the handle with today's addresses."""


@runtime_checkable
class StopLimited(Protocol):
    """A ``Stoppable`` provisioner some of whose clusters cannot be stopped, nor stop themselves."""

    def why_not_stop(self, handle: Handle) -> str:
        """Return what kind of cluster it is that cannot be stopped, ``""`` for one that can; asks nobody."""


@runtime_checkable
class DiskCopying(Protocol):
    """A provisioner that can make an image of a stopped cluster's disk, for other clusters to start from."""

    def reach_of_copy(self, handle: Handle) -> Scope:
        """Return where nodes can be made from a copy of the cluster's disk; nobody is asked."""

    def copy_disk(self, handle: Handle, copy_id: str) -> str:
        """Copy the head's root disk; returns the image as ``NodeRequest.image_id`` takes it, ready to boot.

        It carries the tag of ``copy_id`` as a cluster's nodes carry theirs, and the same id twice is one
        copy: ``describe``, ``list`` and ``delete`` know it by that. Raises ``NotFound`` for a cluster that is
        gone.
        """


@runtime_checkable
class SelfActing(Protocol):
    """A provisioner whose nodes can stop or remove their own cluster, which autostop needs."""

    def self_commands(self, handle: Handle) -> Mapping[str, Sequence[str]]:
        """Return the argument lists that a node runs to ``"stop"`` and to take ``"down"`` its cluster."""


@runtime_checkable
class AgentHost(Protocol):
    """A provisioner that can say more of its nodes to the agent than the handle does."""

    def agent_config(self, handle: Handle) -> Mapping[str, object]:
        """Return what the agent is told: capacity, addresses, marker, actions (see docs/agent.md)."""


@dataclass(frozen=True, slots=True)
class Access:
    """Whether an infra can be used from here, as whom (``identity``), or what is missing and what mends it.

    ``identity``, to which clusters belong, is the same each time for one user of one account or project (no
    session's name in it) and differs otherwise. ``fix`` is a command, or ``""``. No text holds a secret.
    """

    enabled: bool
    identity: str = ""
    detail: str = ""
    fix: str = ""


@runtime_checkable
class Checkable(Protocol):
    """A provisioner of an infra that needs credentials."""

    def configured(self) -> bool:
        """Return whether credentials seem to be there: no network, no SDK, a few milliseconds at most."""

    def check(self) -> Access:
        """Ask the provider whether these credentials do; a refusal is an answer, not an error."""


@runtime_checkable
class Fingerprinted(Protocol):
    """A ``Checkable`` provisioner that notices when other credentials would be used."""

    def fingerprint(self) -> str:
        """Return text that changes with them: a profile's name, change times of files.

        It costs no more than ``configured``, and is kept on disk: no secret.
        """


@runtime_checkable
class Exposing(Protocol):
    """A provisioner whose opened ports are reached at addresses of their own, not at the head node's."""

    def endpoints(self, handle: Handle, ports: Sequence[int]) -> Mapping[int, str]:
        """Return ``host:port`` for each of these ports that has one; a port without is left out."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a copy is: files (links too, folders not) and bytes that are right at the target, of all."""

    files: int
    files_total: int
    size: int
    size_total: int


class Transport(Protocol):
    """Runs commands on one node as the login user and copies files to and from it."""

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None) -> Completed:
        """Run ``argv`` to its end and return what it printed; a non-zero exit is not an error."""

    def stream(
        self,
        argv: Sequence[str],
        on_output: Callable[[bytes], None],
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> int:
        """Run ``argv``, hand over stdout and stderr as they come, return the exit code."""

    def follow(self, argv: Sequence[str]) -> Generator[bytes, None, int]:
        """Yield stdout of ``argv`` as it comes and return the exit code; closing it ends the command."""

    def put(
        self,
        source: Path,
        target: str,
        *,
        ignore: Sequence[str] = (),
        delete: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> int:
        """Make ``target`` on the node equal to ``source``, ignore rules applied; returns the files copied.

        ``target`` is ``~/x``, relative to the home, or absolute. Files arrive whole under their names.
        ``delete`` removes what an earlier call brought and ``source`` has no more; what jobs made stays.
        ``on_progress`` is told now and then how far it is. Raises ``SyncFailed``.
        """

    def get(self, source: str, target: Path) -> None:
        """Copy a file or folder from the node."""

    def close(self) -> None:
        """End the connection; closed already is success."""


class WaitFor(str, Enum):
    """What keeps a cluster from being idle: always its jobs; with ``NONE`` nothing, the minutes just pass."""

    JOBS = "jobs"
    JOBS_AND_SSH = "jobs_and_ssh"
    JOBS_AND_ACCELERATORS = "jobs_and_accelerators"
    JOBS_AND_SSH_AND_ACCELERATORS = "jobs_and_ssh_and_accelerators"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Autostop:
    """After so many idle minutes (negative: never) the cluster stops, or goes ``down`` for good."""

    idle_minutes: int
    down: bool = False
    wait_for: WaitFor = WaitFor.JOBS


class JobQueue(Protocol):
    """Runs jobs on a cluster, first in, first out, within its resources."""

    def submit(self, spec: JobSpec) -> int:
        """Queue a job; returns its id, which is never used again on that cluster."""

    def jobs(self, job_ids: Sequence[int] | None = None) -> list[JobRecord]:
        """Return the named jobs (all for ``None``), newest first; unknown ids are left out."""

    def cancel(self, job_ids: Sequence[int]) -> list[int]:
        """End these jobs; returns those that were not over yet."""

    def tail(self, job_id: int, *, follow: bool = True, lines: int = 0) -> Iterator[bytes]:
        """Yield the job's output (the last ``lines`` only, 0 for all), to its end when ``follow``."""

    def idle_since(self) -> float | None:
        """Return since when (epoch seconds) nothing runs or waits; ``None`` while something does."""

    def set_autostop(self, setting: Autostop) -> None:
        """Replace the autostop setting; an unset or cancelled one restarts the idle clock."""


class Connect(Protocol):
    """Opens the way to one node of a cluster."""

    def __call__(self, handle: Handle, node: int = 0) -> Transport:
        """Return the transport to the node of that rank, the head's is 0. Raises ``NotFound``."""


@dataclass(frozen=True, slots=True)
class Executor:
    """One infra: how to make nodes there, reach them, and run jobs on them."""

    name: str
    provisioner: Provisioner
    connect: Connect
    queue: Callable[[Handle, Transport], JobQueue]
    capabilities: frozenset[Capability]
