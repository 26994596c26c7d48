"""The setup commands of a task, run on every node of a cluster at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

from executors.agent_queue import AgentQueue
from executors.api import Executor, Handle, Transport
from executors.errors import SetupFailed, Unsupported
from executors.lifecycle import connected, num_nodes, on_every_node

_LONGEST_LINE = 1 << 16


class _Failed(Exception):
    """Setup failed on one node: the others are ended."""

    def __init__(self, rank: int, code: int) -> None:
        super().__init__(rank, code)
        self.rank, self.code = rank, code


def run_setup(
    executor: Executor,
    handle: Handle,
    script: str,
    *,
    env: Mapping[str, str],
    run_timestamp: str,
    on_output: Callable[[bytes], None],
) -> None:
    """Run the setup commands on every node, their output handed over and kept as ``setup-<node>.log`` there.

    A node on which the same script succeeded before, with the same environment and the same workdir, leaves
    it out. Lines from several nodes begin with their rank. Raises ``SetupFailed`` with the exit code, the
    node and the log's place for the first that fails; the others are ended then.
    """
    if not script.strip():
        return
    nodes = num_nodes(handle)
    lines = _Lines(on_output, nodes)

    def one(rank: int, transport: Transport) -> None:
        queue = executor.queue(handle, transport)
        if not isinstance(queue, AgentQueue):
            raise Unsupported(f"{executor.name} runs setup inside the job")
        code = queue.setup(script, env, run_timestamp, lambda chunk: lines.take(rank, chunk), rank)
        if code:
            raise _Failed(rank, code)

    try:
        with _held(executor, handle):
            on_every_node(executor, handle, "setup", one)
    except _Failed as failed:
        log = f"~/sky_logs/{run_timestamp}"
        where = f"rank {failed.rank} of {handle.cluster_name}" if nodes > 1 else handle.cluster_name
        raise SetupFailed(
            f"setup failed with exit code {failed.code} on {where}; see {log}", failed.code, log
        ) from None
    finally:
        lines.flush()


@contextmanager
def _held(executor: Executor, handle: Handle) -> Iterator[None]:
    """Keep the cluster from stopping itself while setup runs on a node that is not its head."""
    if num_nodes(handle) == 1:
        yield
        return
    with connected(executor, handle) as transport:
        queue = executor.queue(handle, transport)
        with queue.held() if isinstance(queue, AgentQueue) else nullcontext():
            yield


class _Lines:
    """Output of several nodes as whole lines that begin with their rank; that of one node as it comes."""

    def __init__(self, on_output: Callable[[bytes], None], nodes: int) -> None:
        self._on_output = on_output
        self._begun: Sequence[bytearray] = [bytearray() for _ in range(nodes)]
        self._lock = threading.Lock()

    def take(self, rank: int, chunk: bytes) -> None:
        with self._lock:
            if len(self._begun) == 1:
                self._on_output(chunk)
                return
            begun = self._begun[rank]
            begun += chunk
            *lines, rest = bytes(begun).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines.append(rest)
                rest = b""
            begun[:] = rest
            self._show(rank, lines)

    def flush(self) -> None:
        with self._lock:
            for rank, begun in enumerate(self._begun):
                self._show(rank, [bytes(begun)] if begun else [])
                begun.clear()

    def _show(self, rank: int, lines: Sequence[bytes]) -> None:
        if lines:
            self._on_output(b"".join(b"(setup, rank=%d) %s\n" % (rank, line) for line in lines))
