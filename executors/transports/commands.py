"""Running commands in SSH sessions, whichever client opens them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from executors.api import Completed
from executors.errors import HostUnreachable, Transient
from executors.transports.address import Address
from executors.transports.remote_command import Output, RemoteCommand, Stderr
from executors.transports.ssh_failures import not_started

_PATIENCE_S = 1.0


class Session(Protocol):
    """One command that runs, or ran, in a session."""

    output: Output

    def chunks(self, deadline: float | None = None) -> Iterator[bytes]:
        """Yield its stdout as it comes; raises ``TimeoutError`` at ``deadline`` (of ``time.monotonic``)."""


class Commands(ABC):
    """The half of a transport that runs commands: as the login user, in that user's home.

    Every method raises ``HostUnreachable`` or one of its kinds when there is no connection, or when it
    breaks before the command's end is known.
    """

    address: Address

    @abstractmethod
    def session(
        self, command: RemoteCommand, patience_s: float = 0.0, deadline: float | None = None
    ) -> AbstractContextManager[Session]:
        """Start ``command``, and end it, if it still runs, at the end of the block."""

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None) -> Completed:
        """Run ``argv`` to its end. Raises ``Transient`` when it takes longer than ``timeout_s``."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        out = bytearray()
        try:
            with self.session(RemoteCommand(argv, stdin=stdin), _PATIENCE_S, deadline) as session:
                for chunk in session.chunks(deadline):
                    out += chunk
        except TimeoutError:
            raise Transient(f"{argv[0]} did not end within {timeout_s:g} s on {self.address}") from None
        code, err = self._end(session, argv)
        return Completed(code, out.decode(errors="replace"), err.decode(errors="replace"))

    def stream(
        self,
        argv: Sequence[str],
        on_output: Callable[[bytes], None],
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> int:
        """Run ``argv``, hand over its output as it comes; an exception of ``on_output`` ends the command."""
        with self.session(RemoteCommand(argv, env or {}, stdin, Stderr.STDOUT)) as session:
            for chunk in session.chunks():
                on_output(chunk)
        return self._end(session, argv)[0]

    def follow(self, argv: Sequence[str]) -> Generator[bytes, None, int]:
        """Yield the command's stdout as it comes and return its exit code; ends it when closed."""
        with self.session(RemoteCommand(argv, stderr=Stderr.NOWHERE)) as session:
            yield from session.chunks()
        return self._end(session, argv)[0]

    def _end(self, session: Session, argv: Sequence[str]) -> tuple[int, bytes]:
        code, stderr = session.output.end()
        if code is not None:
            return code, stderr
        program = _program(argv)
        if not session.output.started:
            raise not_started(self.address, program, session.output.complaint())
        raise HostUnreachable(
            f"the connection to {self.address} was lost while {program} ran; the node ends it as soon as it "
            f"notices. Is the host up? When it answers again, try once more",
            self.address.host,
        )


def _program(argv: Sequence[str]) -> str:
    """Return what a command runs, past the ``env NAME=value`` before it."""
    return next((word for word in argv if word != "env" and "=" not in word), argv[0])
