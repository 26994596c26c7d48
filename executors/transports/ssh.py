"""The way to a node over SSH, by whichever client suits."""

from __future__ import annotations

from executors.api import Transport
from executors.transports.address import Address


def connect(address: Address, *, long_lived: bool = False) -> Transport:
    """Return the transport to ``address``; the connection itself is made when it is first needed.

    Over OpenSSH's client where there is one, whose connections serve many processes of this user; over
    asyncssh in a ``long_lived`` process, or where there is no ``ssh``.
    """
    from executors.transports.openssh import OpenSshTransport

    return OpenSshTransport(address)
