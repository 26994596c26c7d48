"""Sockets in the network of a test host, opened from outside it."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from functools import cache

from tests.hosts.command import run

_CLONE_NEWNET = 0x40000000
METADATA = "169.254.169.254"
"""Where clouds let an instance ask about itself."""


def listen(namespace: str, port: int = 80) -> socket.socket:
    """Return a socket that listens at ``METADATA`` in the network ``namespace``, and nowhere else."""
    run("ip", "-n", namespace, "addr", "add", f"{METADATA}/32", "dev", "lo")
    opened: list[socket.socket | OSError] = []

    def inside() -> None:
        """A thread has a network of its own, and is not needed again."""
        try:
            _enter(f"/run/netns/{namespace}")
            opened.append(socket.create_server((METADATA, port)))
        except OSError as error:
            opened.append(error)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    (result,) = opened
    if isinstance(result, OSError):
        raise result
    return result


def _enter(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if _libc().setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {path}")
    finally:
        os.close(descriptor)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
