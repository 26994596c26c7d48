"""The steps from nothing to a running job and back, each safe to repeat, for every executor alike."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from catalog.errors import ExecutorError
from executors.agent_queue import AgentQueue
from executors.api import AgentHost, Executor, Handle, NodeRequest, NodeState, Stoppable, Transport
from executors.errors import AgentUnreachable, NotFound, SetupFailed, SyncFailed, Unsupported

_log = logging.getLogger("sky.executors")

WORKDIR = "~/sky_workdir"


def _ignore(_handle: Handle) -> None:
    """Take no note."""


@contextmanager
def connected(executor: Executor, handle: Handle) -> Generator[Transport]:
    """Open the transport to the cluster's head for the block."""
    transport = executor.connect(handle)
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


def ensure_agent(executor: Executor, handle: Handle) -> None:
    """Make sure that this release's agent runs there with today's settings; one call where it does."""
    with connected(executor, handle) as transport:
        queue = executor.queue(handle, transport)
        if not isinstance(queue, AgentQueue):
            return
        provisioner = executor.provisioner
        config = provisioner.agent_config(handle) if isinstance(provisioner, AgentHost) else {}
        queue.ensure_agent(config)


def sync_workdir(executor: Executor, handle: Handle, workdir: Path) -> int:
    """Make ``~/sky_workdir`` equal to ``workdir``, but for ignored files and what jobs made there.

    Returns the number of files copied.
    """
    source = workdir.expanduser()
    if not source.is_dir():
        raise SyncFailed(f"workdir: {workdir} is not a folder")
    with connected(executor, handle) as transport:
        return transport.put(source, WORKDIR, delete=True)


def sync_file_mounts(executor: Executor, handle: Handle, mounts: Mapping[str, str]) -> int:
    """Copy local sources to destinations: ``~/x``, absolute, or relative to the workdir.

    Returns the number of files copied. Raises ``Unsupported`` for a source in a bucket, or a destination
    that the place does not have.
    """
    if not mounts:
        return 0
    with connected(executor, handle) as transport:
        return sum(transport.put(_source(to, source), _destination(to)) for to, source in mounts.items())


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


def run_setup(
    executor: Executor,
    handle: Handle,
    script: str,
    *,
    env: Mapping[str, str],
    run_timestamp: str,
    on_output: Callable[[bytes], None],
) -> None:
    """Run the setup commands on the cluster, their output handed over and kept as ``setup-<node>.log``.

    Raises ``SetupFailed`` with the exit code and the log's place when they fail.
    """
    if not script.strip():
        return
    with connected(executor, handle) as transport:
        queue = executor.queue(handle, transport)
        if not isinstance(queue, AgentQueue):
            raise Unsupported(f"{executor.name} runs setup inside the job")
        code = queue.setup(script, env, run_timestamp, on_output)
    if code:
        log = f"~/sky_logs/{run_timestamp}"
        raise SetupFailed(
            f"setup failed with exit code {code} on {handle.cluster_name}; see {log}", code, log
        )


def stop(executor: Executor, handle: Handle) -> None:
    """End the cluster's jobs and stop it, its disk kept; stopped already is success."""
    provisioner = executor.provisioner
    if not isinstance(provisioner, Stoppable):
        raise Unsupported(f"clusters on {executor.name} cannot be stopped; take it down instead")
    if provisioner.describe(handle).state is not NodeState.STOPPED:
        _end_jobs(executor, handle)
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


def _end_jobs(executor: Executor, handle: Handle) -> None:
    """Let the agent end its jobs in order; a node whose agent does not answer is stopped all the same."""
    try:
        with connected(executor, handle) as transport:
            queue = executor.queue(handle, transport)
            if isinstance(queue, AgentQueue):
                queue.stop_agent()
    except (AgentUnreachable, NotFound) as error:
        _log.warning("the agent of %s does not answer: %s", handle.cluster_name, error)
    except ExecutorError:
        _log.exception("the jobs of %s could not be ended in order", handle.cluster_name)
