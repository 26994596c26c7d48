"""A container as a node: the machine's own SSH sessions, each led on into the container."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from executors.api import Progress
from executors.sync import blocks
from executors.transports.commands import Commands, Session
from executors.transports.remote_command import RemoteCommand

if TYPE_CHECKING:
    from executors.transports.ssh import SshTransport


class ContainerTransport(Commands):
    """Runs commands in a container as its user, in that user's home, and copies files to and from it.

    ``entry`` is what starts a program there with its stdin: ``docker exec -i NAME``. Needs a POSIX shell in
    the container, and for files the interpreter ``python``.
    """

    def __init__(self, machine: SshTransport, entry: Sequence[str], python: str = "python3") -> None:
        self.address = machine.address
        self._machine = machine
        self._entry = tuple(entry)
        self._python = python

    def session(
        self, command: RemoteCommand, patience_s: float = 0.0, deadline: float | None = None
    ) -> AbstractContextManager[Session]:
        """Start ``command``, and end it, if it still runs, at the end of the block."""
        return self._machine.session(replace(command, entry=self._entry), patience_s, deadline)

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
        """Copy a file or folder from the container. Raises ``SyncFailed``."""
        blocks.get(self, self._python, source, target)

    def close(self) -> None:
        """End what this transport runs, in whatever thread."""
        self._machine.close()
