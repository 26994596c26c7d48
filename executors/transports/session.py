"""One command in one session of the OpenSSH client."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Iterator, Sequence

from executors.transports.remote_command import END_GRACE_S, Output, RemoteCommand

_CHUNK = 1 << 16
_ANSWER_S = 10.0


class Session:
    """A running ``ssh`` whose stdin is the command's lifeline; leaving the block ends the command.

    ``output`` says whether it started, its exit code and its stderr.
    """

    def __init__(self, argv: Sequence[str], command: RemoteCommand) -> None:
        self.output = Output(command)
        self._first = b""
        self._left = memoryview(command.frame())
        self.process = subprocess.Popen(
            [*argv, command.bootstrap()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.process.stdin is not None
        os.set_blocking(self.process.stdin.fileno(), False)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self, deadline: float | None = None) -> bool:
        """Wait until the command has started and return true, or false when the session ended before.

        Raises ``TimeoutError`` at ``deadline`` (of ``time.monotonic``).
        """
        for chunk in self._pump(deadline):
            if self.output.started:
                self._first = chunk
                return True
        return False

    def chunks(self, deadline: float | None = None) -> Iterator[bytes]:
        """Yield the command's stdout as it comes; nothing is read ahead of what was taken.

        Raises ``TimeoutError`` at ``deadline`` (of ``time.monotonic``).
        """
        if self._first:
            first, self._first = self._first, b""
            yield first
        yield from filter(None, self._pump(deadline))

    def _pump(self, deadline: float | None) -> Iterator[bytes]:
        """Feed and read; yields what came on the command's stdout, or nothing, whenever something came."""
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with selectors.DefaultSelector() as selector:
            if not process.stdin.closed and self._left:
                selector.register(process.stdin, selectors.EVENT_WRITE)
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stderr, selectors.EVENT_READ)
            open_pipes = 2
            while open_pipes:
                ready = selector.select(None if deadline is None else max(0.0, deadline - time.monotonic()))
                if not ready and deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError
                for key, _ in ready:
                    if key.fileobj is process.stdin:
                        if not self._feed(key.fd):
                            selector.unregister(process.stdin)
                        continue
                    chunk = os.read(key.fd, _CHUNK)
                    if not chunk:
                        selector.unregister(key.fileobj)
                        open_pipes -= 1
                    elif key.fileobj is process.stderr:
                        self.output.stderr(chunk)
                    else:
                        yield self.output.stdout(chunk)

    def _feed(self, descriptor: int) -> bool:
        """Write on; returns whether more is left. The pipe stays open: it is the lifeline."""
        try:
            self._left = self._left[os.write(descriptor, self._left[:_CHUNK]) :]
        except BrokenPipeError:
            return False
        return bool(self._left)

    def end(self) -> None:
        """Cut the lifeline, wait until the command has ended, and release what this session holds."""
        process = self.process
        try:
            _close(process.stdin)
            if process.poll() is None:
                with contextlib.suppress(TimeoutError):
                    for _ in self.chunks(time.monotonic() + END_GRACE_S + _ANSWER_S):
                        pass
        finally:
            if process.poll() is None:
                try:
                    process.wait(1.0)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            _close(process.stdout)
            _close(process.stderr)


def _close(pipe: object) -> None:
    if pipe is not None:
        with contextlib.suppress(BrokenPipeError):
            pipe.close()  # type: ignore[attr-defined]
