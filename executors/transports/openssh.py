"""The transport over OpenSSH's own client: one connection a node, shared by all processes of this user."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from executors.api import Completed, Progress, Transport
from executors.errors import HostUnreachable, Transient, Unsupported
from executors.transports import rsync_copy
from executors.transports.address import Address
from executors.transports.master import lanes_to
from executors.transports.remote_command import RemoteCommand, Stderr
from executors.transports.session import Session

_PATIENCE_S = 1.0


class OpenSshTransport:
    """Runs commands on a node as the login user, in the user's home, and copies files to and from it.

    Needs ``ssh`` on this machine and a POSIX shell there. Every method raises ``HostUnreachable`` or one of
    its kinds when there is no connection, or when it breaks before the command's end is known.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._lanes = lanes_to(address)

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None) -> Completed:
        """Run ``argv`` to its end. Raises ``Transient`` when it takes longer than ``timeout_s``."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        out = bytearray()
        try:
            with self._session(RemoteCommand(argv, stdin=stdin), _PATIENCE_S, deadline) as session:
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
        with self._session(RemoteCommand(argv, env or {}, stdin, Stderr.STDOUT)) as session:
            for chunk in session.chunks():
                on_output(chunk)
        return self._end(session, argv)[0]

    def follow(self, argv: Sequence[str]) -> Generator[bytes, None, int]:
        """Yield the command's stdout as it comes and return its exit code; ends it when closed."""
        with self._session(RemoteCommand(argv, stderr=Stderr.NOWHERE)) as session:
            yield from session.chunks()
        return self._end(session, argv)[0]

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

        By rsync where both ends have it, else over SFTP, which needs asyncssh. Raises ``SyncFailed``.
        """
        copied = rsync_copy.put(self, self._lanes, source, target, ignore, delete, on_progress)
        if copied is None:
            return self._sftp().put(source, target, ignore=ignore, delete=delete, on_progress=on_progress)
        return copied

    def get(self, source: str, target: Path) -> None:
        """Copy a file or folder from the node, as ``put`` does. Raises ``SyncFailed``."""
        if not rsync_copy.get(self, self._lanes, source, target):
            self._sftp().get(source, target)

    def _sftp(self) -> Transport:
        try:
            from executors.transports.asyncssh_transport import AsyncSshTransport
        except ImportError:
            raise Unsupported(
                f"without rsync on this machine and on {self.address}, copying needs asyncssh: install rsync "
                f"on both, or the extra [ssh] of this project here"
            ) from None
        return AsyncSshTransport(self.address)

    def close(self) -> None:
        """Do nothing: the connection serves other processes, too, and ends by itself when nobody uses it."""

    def disconnect(self) -> None:
        """End the connection at once, for every process of this user; ended already is success."""
        self._lanes.disconnect()

    @contextmanager
    def _session(
        self, command: RemoteCommand, patience_s: float = 0.0, deadline: float | None = None
    ) -> Iterator[Session]:
        """Start the command; again only where it is certain that it has not started yet."""
        for place in self._lanes.places(patience_s):
            with place, Session([*place.argv, place.host], command) as session:
                if session.begin(deadline) or not place.try_again(session.output.complaint()):
                    yield session
                    return

    def _end(self, session: Session, argv: Sequence[str]) -> tuple[int, bytes]:
        code, stderr = session.output.end()
        if code is not None:
            return code, stderr
        if not session.output.started:
            raise HostUnreachable(
                f"{self.address} did not start {argv[0]}: {session.output.complaint()[-300:]}",
                self.address.host,
            )
        raise HostUnreachable(
            f"the connection to {self.address} was lost while {argv[0]} ran; it is ended there as soon as "
            f"the node notices",
            self.address.host,
        )
