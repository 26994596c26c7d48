"""Looking at hosts of a pool: all at once, within a time that a dead one does not stretch."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.errors import SkyError
from executors.api import Transport
from executors.errors import ConnectionLost
from executors.fanout import Answer
from executors.ssh.host import HostView, look
from executors.transports.address import Address
from executors.transports.ssh import ask

LOOK_S = 4.0
"""How long a host may take to say how it is."""


def look_at(addresses: Sequence[Address], limit_s: float = LOOK_S) -> list[Answer[HostView]]:
    """Return how every host is, within ``limit_s`` whatever some of them do."""
    return ask(addresses, lambda transport: _look_again_if_lost(transport, limit_s), limit_s)


def _look_again_if_lost(transport: Transport, limit_s: float) -> HostView:
    """Look, once more where the connection was one to a host that has been off: looking changes nothing."""
    try:
        return look(transport, limit_s)
    except ConnectionLost:
        return look(transport, limit_s)


def why(error: SkyError | None) -> str:
    """Return what an error says in one line."""
    return " ".join(str(error).split())
