"""The Unix datagram socket that wakes the daemon; the database holds all that matters.

Every process of the agent works in the state directory, so the socket's name is relative and the 108
bytes that a socket's path may have are enough for any home.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from .layout import SOCKET

WAKE = b"wake"
QUIT = b"quit"


def listen() -> socket.socket:
    """Bind the daemon's socket in the working directory; only the holder of the lock may."""
    with contextlib.suppress(FileNotFoundError):
        Path(SOCKET).unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(SOCKET)
    listener.setblocking(False)
    return listener


def poke(message: bytes = WAKE) -> bool:
    """Send the daemon a message; return whether one is there to hear it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(message, SOCKET)
        except BlockingIOError:
            return True  # its queue is full of pokes already
        except OSError:
            return False
    return True


def drain(listener: socket.socket) -> "list[bytes]":
    """Return all messages that have arrived."""
    messages = []
    with contextlib.suppress(BlockingIOError):
        while True:
            messages.append(listener.recv(64))
    return messages
