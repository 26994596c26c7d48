"""The steps from nothing to a running job and back, each safe to repeat, for every executor alike."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar, cast

from catalog.errors import ExecutorError
from executors.agent_queue import AgentQueue
from executors.api import AgentHost, Executor, Handle, NodeRequest, NodeState, Stoppable, Transport
from executors.errors import AgentMissing, AgentUnreachable, NotFound, SyncFailed, Unsupported
from executors.fanout import on_each
from executors.gang.bring_up import Step, ensure_gang, facts_of
from executors.transports.address import read_nodes

_log = logging.getLogger("sky.executors")

_T = TypeVar("_T")

WORKDIR = "~/sky_workdir"


def _ignore(_handle: Handle) -> None:
    """Take no note."""


def num_nodes(handle: Handle) -> int:
    """Return how many nodes the cluster has: as many as it says, else as it has addresses."""
    return int(handle.data.get("num_nodes", 0)) or len(read_nodes(handle.data)) or 1


@contextmanager
def connected(executor: Executor, handle: Handle, node: int = 0) -> Generator[Transport]:
    """Open the transport to the node of that rank (the head is 0) for the block."""
    transport = executor.connect(handle, node)
    try:
        yield transport
    finally:
        transport.close()


def bring_up(
    executor: Executor, request: NodeRequest, on_created: Callable[[Handle], None] = _ignore
) -> Handle:
    """Make the cluster, or find the one of that id, with its agent running.

    ``on_created`` has the handle before anything else can fail, so that what was made can be found. Raises
    what the provisioner raises; what is there by then stays, for another try or for ``tear_down``.
    """
    handle = executor.provisioner.create(request)
    on_created(handle)
    ensure_agent(executor, handle)
    return handle


def on_every_node(
    executor: Executor,
    handle: Handle,
    step: str,
    work: Callable[[int, Transport], _T],
    ranks: Sequence[int] | None = None,
) -> dict[int, _T]:
    """Do ``work(rank, transport)`` on all nodes (or those of ``ranks``) at once; returns what each returned.

    Raises a node's error as it is on a cluster of one, else ``NodesFailed`` that says which nodes failed in
    ``step`` and why. An error of another kind ends what runs on the other nodes, and is raised then.
    """
    everyone = range(num_nodes(handle)) if ranks is None else ranks
    transports = {rank: executor.connect(handle, rank) for rank in everyone}
    try:
        return on_each(
            everyone,
            lambda rank: work(rank, transports[rank]),
            step=step,
            cancel=lambda rank: transports[rank].close(),
        )
    finally:
        for transport in transports.values():
            transport.close()


def ensure_agent(executor: Executor, handle: Handle) -> None:
    """Make sure that this release's agent runs on every node with today's settings; one call each if it does.

    Several nodes are made one Slurm, on which the head's agent runs jobs of several nodes.
    """
    provisioner = executor.provisioner
    config = dict(provisioner.agent_config(handle)) if isinstance(provisioner, AgentHost) else {}

    def each(step: str, work: Step) -> dict[int, Any]:
        def one(rank: int, transport: Transport) -> Any:
            queue = executor.queue(handle, transport)
            return work(rank, transport, queue) if isinstance(queue, AgentQueue) else None

        return on_every_node(executor, handle, step, one)

    answers = each("starting the agent", lambda rank, _, queue: queue.ensure_agent({**config, "rank": rank}))
    if len(answers) > 1 and answers[0] is not None:
        ensure_gang({rank: facts_of(answer) for rank, answer in answers.items()}, config, each)
    if reason := (answers[0] or {}).get("not_confined"):
        _log.info("Jobs on %s are not confined to what they ask for: %s", handle.cluster_name, reason)


def node_addresses(executor: Executor, handle: Handle) -> tuple[str, ...]:
    """Return how the cluster's nodes reach each other, head first, as its jobs see it."""
    provisioner = executor.provisioner
    if isinstance(provisioner, AgentHost):
        return tuple(cast("Sequence[str]", provisioner.agent_config(handle)["addresses"]))
    return provisioner.describe(handle).addresses


def sync_workdir(executor: Executor, handle: Handle, workdir: Path) -> int:
    """Make every ``~/sky_workdir`` equal to ``workdir``, but for ignored files and what jobs made there.

    Returns the number of files copied, on all nodes together.
    """
    source = workdir.expanduser()
    if not source.is_dir():
        raise SyncFailed(f"workdir: {workdir} is not a folder")
    copied = on_every_node(
        executor,
        handle,
        "copying the workdir",
        lambda _, transport: transport.put(source, WORKDIR, delete=True),
    )
    return sum(copied.values())


def sync_file_mounts(executor: Executor, handle: Handle, mounts: Mapping[str, str]) -> int:
    """Copy local sources to destinations on every node: ``~/x``, absolute, or relative to the workdir.

    Returns the number of files copied, on all nodes together. Raises ``Unsupported`` for a source in a
    bucket, or a destination that the place does not have.
    """
    if not mounts:
        return 0
    copies = [(_source(to, source), _destination(to)) for to, source in mounts.items()]
    copied = on_every_node(
        executor,
        handle,
        "copying file mounts",
        lambda _, transport: sum(transport.put(source, to) for source, to in copies),
    )
    return sum(copied.values())


def _source(destination: str, source: str) -> Path:
    if "://" in source:
        raise Unsupported(
            f"file_mounts: {destination}: {source} lies in a bucket, which this infra cannot copy from; "
            f"fetch it in setup, or name a local path"
        )
    path = Path(source).expanduser()
    if not path.exists():
        raise SyncFailed(f"file_mounts: {destination}: {source} does not exist")
    return path


def _destination(destination: str) -> str:
    if destination == "~" or destination.startswith(("~/", "/")):
        return destination
    return str(PurePosixPath(WORKDIR, destination))


def stop(executor: Executor, handle: Handle) -> None:
    """End the cluster's jobs and stop it, its disk kept; stopped already is success.

    Nodes that do not answer are left out of ending jobs in order.
    """
    provisioner = executor.provisioner
    if not isinstance(provisioner, Stoppable):
        raise Unsupported(f"clusters on {executor.name} cannot be stopped; take it down instead")
    view = provisioner.describe(handle)
    if view.state is not NodeState.STOPPED:
        _end_jobs(executor, handle, [rank for rank in range(num_nodes(handle)) if rank not in view.silent])
    provisioner.stop(handle)


def start(executor: Executor, handle: Handle) -> Handle:
    """Start a stopped cluster, its agent too; running already is success."""
    provisioner = executor.provisioner
    if not isinstance(provisioner, Stoppable):
        raise Unsupported(f"clusters on {executor.name} cannot be started; launch a new one")
    started = provisioner.start(handle)
    ensure_agent(executor, started)
    return started


def tear_down(executor: Executor, handle: Handle) -> None:
    """Remove the cluster and all that it made; gone already is success. Raises ``CleanupIncomplete``."""
    executor.provisioner.delete(handle)


def _end_jobs(executor: Executor, handle: Handle, ranks: Sequence[int]) -> None:
    """Let the agent end its jobs in order; a node whose agent does not answer is stopped all the same."""

    def stop_one(rank: int, transport: Transport) -> None:
        queue = executor.queue(handle, transport)
        if isinstance(queue, AgentQueue):
            with suppress(AgentMissing):
                queue.slurm_down() if rank else queue.stop_agent()

    try:
        on_every_node(executor, handle, "ending jobs", stop_one, [rank for rank in ranks if rank == 0])
        on_every_node(executor, handle, "ending Slurm", stop_one, [rank for rank in ranks if rank])
    except (AgentUnreachable, NotFound) as error:
        _log.warning("the agent of %s does not answer: %s", handle.cluster_name, error)
    except ExecutorError as error:
        _log.warning("the jobs of %s could not be ended in order: %s", handle.cluster_name, error)
