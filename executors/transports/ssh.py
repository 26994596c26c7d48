"""The way to a node over SSH, by whichever client suits."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from executors.errors import Unsupported
from executors.fanout import Answer, in_parallel
from executors.transports.address import Address

if TYPE_CHECKING:
    from executors.transports.asyncssh_transport import AsyncSshTransport
    from executors.transports.openssh import OpenSshTransport

    SshTransport: TypeAlias = OpenSshTransport | AsyncSshTransport

_T = TypeVar("_T")


def connect(address: Address, *, long_lived: bool = False) -> SshTransport:
    """Return the transport to ``address``; the connection itself is made when it is first needed.

    Over OpenSSH's client where there is one, whose connections serve many processes of this user; over
    asyncssh in a ``long_lived`` process that has it, or where there is no ``ssh``. Raises ``Unsupported``
    when there is neither.
    """
    program, library = shutil.which("ssh") is not None, find_spec("asyncssh") is not None
    if library and (long_lived or not program):
        from executors.transports.asyncssh_transport import AsyncSshTransport

        return AsyncSshTransport(address)
    if program:
        from executors.transports.openssh import OpenSshTransport

        return OpenSshTransport(address)
    raise Unsupported(
        f"{address} cannot be reached without an SSH client: install OpenSSH's (package openssh-client), or "
        f"the extra [ssh] of this project"
    )


def ask(
    addresses: Sequence[Address], question: Callable[[SshTransport], _T], limit_s: float | None = None
) -> list[Answer[_T]]:
    """Put ``question`` to every host at once; the answers come in the order of ``addresses``."""

    def one(address: Address) -> _T:
        transport = connect(address)
        try:
            return question(transport)
        finally:
            transport.close()

    return in_parallel(addresses, one, limit_s=limit_s)


def disconnect(address: Address) -> None:
    """End the connections to ``address``, of all processes of this user; none is fine."""
    if shutil.which("ssh"):
        from executors.transports.master import end_masters

        end_masters(address)
