"""A pod as a node: commands over the API's exec, files through the same way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from executors.errors import Transient
from executors.kubernetes.client import Client
from executors.kubernetes.exec_stream import ExecSession
from executors.transports.address import Address
from executors.transports.command_copies import CommandCopies
from executors.transports.remote_command import GO_HOME, RemoteCommand

if TYPE_CHECKING:
    from websocket import WebSocket

_PATIENCE_S, _AGAIN_S = 10.0, 0.2


class PodTransport(CommandCopies):
    """Runs commands in a pod as its user, in that user's home, and copies files to and from it.

    Needs a POSIX shell there, and for files the interpreter ``python``.
    """

    def __init__(self, client: Client, namespace: str, pod: str, python: str = "python3") -> None:
        self.address = Address(pod)
        self._client = client
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
        self.python = python
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

    def close(self) -> None:
        """End what this transport runs, in whatever thread."""
        with self._lock:
            running = list(self._running)
        for session in running:
            session.cut()
