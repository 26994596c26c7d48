"""One command in a pod, over the websocket of the API's ``exec``: a frame's first byte is its channel."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import ssl
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from executors.transports.remote_command import END, END_GRACE_S, Output, RemoteCommand

if TYPE_CHECKING:
    import websocket

_STDIN, _STDOUT, _STDERR, _ERROR = range(4)
_FRAME = 1 << 16
_ANSWER_S = 10.0
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ExecSession:
    """A command that runs; leaving the block ends it.

    ``output`` says whether it started, its exit code and its stderr.
    """

    def __init__(self, opened: websocket.WebSocket, command: RemoteCommand) -> None:
        self.output = Output(command)
        self._socket = opened
        assert opened.sock is not None
        self._stream: socket.socket = opened.sock
        self._stream.setblocking(False)
        self._stdin = memoryview(command.frame())
        self._frame = b""
        self._open = True

    def __enter__(self) -> ExecSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def chunks(self, deadline: float | None = None) -> Iterator[bytes]:
        """Yield the command's stdout as it comes.

        Raises ``TimeoutError`` at ``deadline`` (of ``time.monotonic``).
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._stream, selectors.EVENT_READ)
            while self._open:
                yield from self._received()
                if not self._open:
                    return
                writing = selectors.EVENT_WRITE if self._send() else 0
                selector.modify(self._stream, selectors.EVENT_READ | writing)
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                selector.select(left)

    def cut(self) -> None:
        """End the connection from another thread; the reader finds it closed."""
        with contextlib.suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """End the command if it still runs, wait until it has ended, and release the socket."""
        running = self._open and self._stream.fileno() >= 0 and self.output.end()[0] is None
        try:
            if running and not self._stdin:
                self._stdin = memoryview(END)
                with contextlib.suppress(TimeoutError):
                    for _ in self.chunks(time.monotonic() + END_GRACE_S + _ANSWER_S):
                        pass
        finally:
            self._open = False
            self._stream.close()

    def _send(self) -> bool:
        """Write on; returns whether more is left."""
        from websocket import ABNF

        try:
            while self._frame or self._stdin:
                if not self._frame:
                    piece, self._stdin = self._stdin[:_FRAME], self._stdin[_FRAME:]
                    frame = ABNF.create_frame(bytes([_STDIN]) + bytes(piece), ABNF.OPCODE_BINARY)
                    self._frame = frame.format()
                self._frame = self._frame[self._stream.send(self._frame) :]
        except _LATER:
            return True
        except OSError:
            self._open = False
        return False

    def _received(self) -> Iterator[bytes]:
        """Yield what has come on stdout, until nothing more is there for now."""
        import websocket

        while self._open:
            try:
                frame = self._socket.recv_frame()  # type: ignore[no-untyped-call]
            except _LATER:
                return
            except (OSError, websocket.WebSocketException):
                self._open = False
                return
            if frame.opcode == websocket.ABNF.OPCODE_CLOSE:
                self._open = False
            elif frame.opcode == websocket.ABNF.OPCODE_PING:
                self._frame += websocket.ABNF.create_frame(frame.data, websocket.ABNF.OPCODE_PONG).format()
            elif frame.data:
                yield from self._take(frame.data[0], bytes(frame.data[1:]))

    def _take(self, channel: int, data: bytes) -> Iterator[bytes]:
        if channel == _STDOUT:
            own = self.output.stdout(data)
            if own:
                yield own
        elif channel == _STDERR:
            self.output.stderr(data)
        elif channel == _ERROR and not self.output.started:
            self.output.stderr(_reason(data).encode())


def _reason(status: bytes) -> str:
    """Return why the runtime did not start the command."""
    try:
        return str(json.loads(status).get("message", ""))
    except ValueError:
        return status.decode(errors="replace")
