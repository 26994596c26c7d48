"""The transport over asyncssh: no ``ssh`` program, no process a command; for programs that live long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncssh
from asyncssh import PIPE

from executors.api import Progress
from executors.errors import HostUnreachable
from executors.sync import sftp
from executors.transports import background
from executors.transports.address import Address
from executors.transports.asyncssh_connection import Connection
from executors.transports.commands import Commands
from executors.transports.lanes import Lanes
from executors.transports.remote_command import END_GRACE_S, Output, RemoteCommand

_CHUNK = 1 << 16
_ANSWER_S = 10.0
_PATIENCE_S = 1.0


class AsyncSshTransport(Commands):
    """Runs commands on a node as the login user, in the user's home, and copies files to and from it.

    Its methods may be called from any thread; all connections live in one thread of their own.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._connections = Lanes(address, lambda _: Connection(address))

    @contextmanager
    def session(
        self, command: RemoteCommand, patience_s: float = 0.0, deadline: float | None = None
    ) -> Iterator[AsyncSession]:
        """Start the command; again only where it is certain that it has not started yet."""
        for place in self._connections.places(patience_s):
            with place:
                try:
                    process = background.run(_create(place.lane.client, command), _left(deadline))
                except asyncssh.ChannelOpenError:
                    if place.lane.connected():
                        place.refused()
                    continue
                except TimeoutError:
                    raise
                except (OSError, asyncssh.Error) as error:
                    raise HostUnreachable(
                        f"{self.address} did not start {command.argv[0]}: {error}", self.address.host
                    ) from error
                with AsyncSession(process, command) as session:
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
        """Make ``target`` equal to ``source``, ignore rules applied; returns the number of files copied."""
        return sftp.put(self, self._over_sftp, source, target, ignore, delete, on_progress)

    def get(self, source: str, target: Path) -> None:
        """Copy a file or folder from the node. Raises ``SyncFailed``."""
        sftp.get(self, self._over_sftp, source, target)

    def close(self) -> None:
        """End the connections and what runs over them, in whatever thread; closed already is success."""
        self._connections.disconnect()

    def _over_sftp(self, work: sftp.Work) -> int:
        for place in self._connections.places(_PATIENCE_S):
            with place:
                try:
                    return background.run(_with_sftp(place.lane.client, work))
                except asyncssh.ChannelOpenError:
                    place.refused()
        raise AssertionError("places() ends by raising")


async def _with_sftp(client: asyncssh.SSHClientConnection, work: sftp.Work) -> int:
    async with client.start_sftp_client() as session:
        return await work(session)


async def _create(
    client: asyncssh.SSHClientConnection, command: RemoteCommand
) -> asyncssh.SSHClientProcess[bytes]:
    return await client.create_process(
        command.bootstrap(), encoding=None, request_pty=False, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )


class AsyncSession:
    """A command in a session of asyncssh; leaving the block ends the command."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes], command: RemoteCommand) -> None:
        self.output = Output(command)
        self._process = process
        self._feeder = asyncio.run_coroutine_threadsafe(self._feed(command.frame()), background.loop())
        self._reader = asyncio.run_coroutine_threadsafe(self._read_stderr(), background.loop())

    def __enter__(self) -> AsyncSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def chunks(self, deadline: float | None = None) -> Iterator[bytes]:
        """Yield the command's stdout as it comes; little is read ahead of what was taken.

        Raises ``TimeoutError`` at ``deadline`` (of ``time.monotonic``).
        """
        while chunk := background.run(self._read_stdout(), _left(deadline)):
            if own := self.output.stdout(chunk):
                yield own
        background.run(self._read_to_the_end(), _left(deadline))

    def end(self) -> None:
        """Cut the lifeline, wait until the command has ended, and close the session."""
        self._feeder.cancel()
        with suppress(TimeoutError):
            background.run(self._finish(), END_GRACE_S + _ANSWER_S)
        self._reader.cancel()
        background.run(self._close())

    async def _feed(self, frame: bytes) -> None:
        with suppress(OSError, asyncssh.Error):
            for start in range(0, len(frame), _CHUNK):
                self._process.stdin.write(frame[start : start + _CHUNK])
                await self._process.stdin.drain()

    async def _read_stdout(self) -> bytes:
        try:
            return await self._process.stdout.read(_CHUNK)
        except (OSError, asyncssh.Error):
            return b""

    async def _read_to_the_end(self) -> None:
        await asyncio.wrap_future(self._reader)

    async def _read_stderr(self) -> None:
        with suppress(OSError, asyncssh.Error):
            while chunk := await self._process.stderr.read(_CHUNK):
                self.output.stderr(chunk)

    async def _finish(self) -> None:
        with suppress(OSError, asyncssh.Error):
            self._process.stdin.write_eof()
            while chunk := await self._process.stdout.read(_CHUNK):
                self.output.stdout(chunk)
            await self._process.channel.wait_closed()

    async def _close(self) -> None:
        self._process.close()
        await self._process.channel.wait_closed()


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
