"""A container as a node: the machine's own SSH sessions, each led on into the container."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from executors.transports.command_copies import CommandCopies
from executors.transports.commands import Session
from executors.transports.remote_command import RemoteCommand

if TYPE_CHECKING:
    from executors.transports.ssh import SshTransport


class ContainerTransport(CommandCopies):
    """Runs commands in a container as its user, in that user's home, and copies files to and from it.

    ``entry`` is what starts a program there with its stdin: ``docker exec -i NAME``. Needs a POSIX shell in
    the container, and for files the interpreter ``python``.
    """

    def __init__(self, machine: SshTransport, entry: Sequence[str], python: str = "python3") -> None:
        self.address = machine.address
        self._machine = machine
        self._entry = tuple(entry)
        self.python = python

    def session(
        self, command: RemoteCommand, patience_s: float = 0.0, deadline: float | None = None
    ) -> AbstractContextManager[Session]:
        """Start ``command``, and end it, if it still runs, at the end of the block."""
        return self._machine.session(replace(command, entry=self._entry), patience_s, deadline)

    def close(self) -> None:
        """End what this transport runs, in whatever thread."""
        self._machine.close()
