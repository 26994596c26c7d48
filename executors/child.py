"""A program that runs on this machine as our child: feeding it, reading it, ending it."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Callable

_CHUNK = 1 << 16


def exchange(
    process: subprocess.Popen[bytes],
    stdin: bytes,
    on_stdout: Callable[[bytes], None],
    on_stderr: Callable[[bytes], None] | None = None,
) -> None:
    """Feed ``stdin`` and read what it prints at once, so that neither side waits for the other.

    ``on_stderr`` goes with a process that has a pipe for it.
    """
    assert process.stdin is not None
    with selectors.DefaultSelector() as selector:
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        for pipe, take in ((process.stdout, on_stdout), (process.stderr, on_stderr)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, take)
        left = memoryview(stdin)
        while selector.get_map():
            for key, _ in selector.select():
                if key.fileobj is process.stdin:
                    with contextlib.suppress(BrokenPipeError):
                        left = left[os.write(key.fd, left[:_CHUNK]) :] if left else left
                        if left:
                            continue
                    selector.unregister(process.stdin)
                    process.stdin.close()
                elif chunk := os.read(key.fd, _CHUNK):
                    key.data(chunk)
                else:
                    selector.unregister(key.fileobj)


def end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """End one that still runs, with its group: SIGTERM, SIGKILL after a grace; then release its pipes."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
