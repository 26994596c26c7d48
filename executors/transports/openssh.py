"""The transport over OpenSSH's own client: one connection a node, shared by all processes of this user."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from executors.api import Progress, Transport
from executors.errors import SyncFailed, Unsupported
from executors.sync.rsync import Way
from executors.transports import rsync_copy
from executors.transports.address import Address
from executors.transports.commands import Commands
from executors.transports.master import masters_of
from executors.transports.remote_command import RemoteCommand
from executors.transports.session import Session

_T = TypeVar("_T")
_PATIENCE_S = 1.0


class OpenSshTransport(Commands):
    """Runs commands on a node as the login user, in the user's home, and copies files to and from it.

    Needs ``ssh`` on this machine and a POSIX shell there.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._masters = masters_of(address)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def session(
        self, command: RemoteCommand, patience_s: float = 0.0, deadline: float | None = None
    ) -> Iterator[Session]:
        """Start the command; again only where it is certain that it has not started yet."""
        for place in self._masters.places(patience_s):
            with place:
                master = place.lane
                argv = [*master.session_argv(), self.address.host]
                with Session(argv, command) as session, self._watched(session.process):
                    if session.begin(deadline) or not master.session_failed(
                        place, session.output.complaint()
                    ):
                        yield session
                        return

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
        copied = rsync_copy.put(self, self._rsync, source, target, ignore, delete, on_progress)
        if copied is not None:
            return copied
        sftp = self._sftp()
        try:
            return sftp.put(source, target, ignore=ignore, delete=delete, on_progress=on_progress)
        finally:
            sftp.close()

    def get(self, source: str, target: Path) -> None:
        """Copy a file or folder from the node, as ``put`` does. Raises ``SyncFailed``."""
        if not rsync_copy.get(self, self._rsync, source, target):
            sftp = self._sftp()
            try:
                sftp.get(source, target)
            finally:
                sftp.close()

    def close(self) -> None:
        """End what this transport runs, in whatever thread.

        The connection serves other processes, too, and ends by itself when nobody has used it for a while.
        """
        with self._lock:
            running = list(self._running)
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()

    def disconnect(self) -> None:
        """End the connection at once, for every process of this user; ended already is success."""
        self._masters.disconnect()

    def _rsync(self, work: Callable[[Way], _T]) -> _T:
        """Do ``work`` in a session; again where the session did not begin."""
        for place in self._masters.places(_PATIENCE_S):
            with place:
                try:
                    return work(Way(self.address.host, place.lane.session_argv(), self._watched))
                except SyncFailed as error:
                    if not place.lane.session_failed(place, str(error)):
                        raise
        raise AssertionError("places() ends by raising")

    @contextmanager
    def _watched(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Let ``close`` end ``process`` during the block."""
        with self._lock:
            self._running.add(process)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(process)

    def _sftp(self) -> Transport:
        try:
            from executors.transports.asyncssh_transport import AsyncSshTransport
        except ImportError:
            raise Unsupported(
                f"without rsync on this machine and on {self.address}, copying needs asyncssh: install rsync "
                f"on both, or the extra [ssh] of this project here"
            ) from None
        return AsyncSshTransport(self.address)
