"""A pod as a node: commands over the API's exec, files through the same way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from executors.api import Progress
from executors.errors import Transient
from executors.kubernetes.client import Client
from executors.kubernetes.exec_stream import ExecSession
from executors.sync import blocks
from executors.transports.address import Address
from executors.transports.commands import Commands
from executors.transports.remote_command import GO_HOME, RemoteCommand

if TYPE_CHECKING:
    from websocket import WebSocket

_PATIENCE_S, _AGAIN_S = 10.0, 0.2


class PodTransport(Commands):
    """Runs commands in a pod as its user, in that user's home, and copies files to and from it.

    Needs a POSIX shell there, and for files the interpreter ``python``.
    """

    def __init__(self, client: Client, namespace: str, pod: str, python: str = "python3") -> None:
        self.address = Address(pod)
        self._client = client
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
        self._python = python
        self._running: set[ExecSession] = set()
        self._lock = threading.Lock()

    @contextmanager
    def session(
        self,
        command: RemoteCommand,
        patience_s: float = 0.0,  # noqa: ARG002  the API server says at once whether it can
        deadline: float | None = None,  # noqa: ARG002
    ) -> Iterator[ExecSession]:
        """Start ``command``, and end it, if it still runs, at the end of the block."""
        with ExecSession(self._opened(command), command) as session:
            with self._lock:
                self._running.add(session)
            try:
                yield session
            finally:
                with self._lock:
                    self._running.discard(session)

    def _opened(self, command: RemoteCommand) -> WebSocket:
        """Start the command; again for some seconds where its kubelet refuses, which has started nothing."""
        give_up = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return self._client.run(self._path, ["/bin/sh", "-c", GO_HOME + command.bootstrap()])
            except Transient:
                if time.monotonic() >= give_up:
                    raise
            time.sleep(_AGAIN_S)

    def put(
        self,
        source: Path,
        target: str,
        *,
        ignore: Sequence[str] = (),
        delete: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> int:
        """Make ``target`` equal to ``source``, ignore rules applied; returns the number of files copied.

        Raises ``SyncFailed``.
        """
        return blocks.put(self, self._python, source, target, ignore, delete, on_progress)

    def get(self, source: str, target: Path) -> None:
        """Copy a file or folder from the pod. Raises ``SyncFailed``."""
        blocks.get(self, self._python, source, target)

    def close(self) -> None:
        """End what this transport runs, in whatever thread."""
        with self._lock:
            running = list(self._running)
        for session in running:
            session.cut()
