"""From machines that run to machines that can be logged in to, with the one host key that they must show."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from executors.errors import HostUnreachable, Transient
from executors.fanout import on_each
from executors.transports import host_keys, ssh
from executors.transports.address import Address
from executors.transports.host_key import HostKey

_log = logging.getLogger("sky.executors.vm")

READY_S = 300.0
"""How long a machine may take from running to its first login."""
_LOGIN_S = 15.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 4.0


def _no_news() -> None:
    """Know nothing of the machines."""


def wait_until_ready(
    nodes: Sequence[Address],
    host_key: str,
    limit_s: float = READY_S,
    check: Callable[[], None] = _no_news,
) -> None:
    """Pin ``host_key`` (``ssh-ed25519 AAAA...``) for all ``nodes`` and wait until each lets us log in.

    ``check`` is called after a login that failed and may raise, for a machine that is gone say. Raises
    ``HostUnreachable`` for one node that did not let us in within ``limit_s``, ``NodesFailed`` for several.
    """
    pin(nodes, host_key)
    deadline, given_up = time.monotonic() + limit_s, threading.Event()

    def one(rank: int) -> None:
        pause_s = _FIRST_PAUSE_S
        while (error := _try(nodes[rank])) is not None:
            if given_up.is_set() or time.monotonic() > deadline:
                raise HostUnreachable(f"no login within {limit_s:g} s: {error}", nodes[rank].host) from error
            _log.debug("%s is not ready: %s", nodes[rank], error)
            check()
            given_up.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    on_each(range(len(nodes)), one, step="waiting for the first login", cancel=lambda _: given_up.set())


def pin(nodes: Iterable[Address], host_key: str) -> None:
    """Make ``host_key`` the right one for ``nodes``, in the place of what was: addresses are used again."""
    for node in nodes:
        host_keys.pin(_key(node, host_key), replace=True)


def unpin(nodes: Iterable[Address], host_key: str) -> None:
    """End the connections to ``nodes`` and take their pins back; another key's pin at an address stays."""
    for node in nodes:
        ssh.disconnect(node)
        host_keys.unpin(_key(node, host_key))


def _key(node: Address, host_key: str) -> HostKey:
    kind, key = host_key.split()[:2]
    return HostKey(host_keys.known_name(node), kind, key)


def _try(node: Address) -> HostUnreachable | Transient | None:
    """Log in once; returns why that failed."""
    transport = ssh.connect(node)
    try:
        transport.run(["true"], timeout_s=_LOGIN_S)
    except (HostUnreachable, Transient) as error:
        return error
    finally:
        transport.close()
    return None
