"""Asking several hosts at once: each has its own connection and its own time, and none waits for another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from catalog.errors import ExecutorError, SkyError
from executors.api import Transport
from executors.ssh.host import HostView, look
from executors.transports import ssh
from executors.transports.address import Address

LOOK_S = 4.0
"""How long a host may take to say how it is."""

_THREADS = 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What one host answered, or the error that came instead."""

    value: T | None = None
    error: SkyError | None = None

    def got(self) -> T:
        """Return the value. Raises the error that came instead."""
        if self.error is not None:
            raise self.error
        assert self.value is not None
        return self.value


def ask(
    addresses: Sequence[Address], question: Callable[[Transport], T], connect_timeout_s: float = LOOK_S
) -> list[Answer[T]]:
    """Put ``question`` to every host at once; the answers come in the order of ``addresses``."""

    def one(address: Address) -> Answer[T]:
        try:
            transport = ssh.connect(address, connect_timeout_s=connect_timeout_s)
            try:
                return Answer(question(transport))
            finally:
                transport.close()
        except SkyError as error:
            return Answer(error=error)

    if not addresses:
        return []
    with ThreadPoolExecutor(min(_THREADS, len(addresses)), thread_name_prefix="sky-hosts") as pool:
        return list(pool.map(one, addresses))


def look_at(addresses: Sequence[Address], limit_s: float = LOOK_S) -> list[Answer[HostView]]:
    """Return how every host is, within about ``limit_s`` whatever some of them do."""
    return ask(addresses, lambda transport: look(transport, limit_s), connect_timeout_s=limit_s)


def unreachable(name: str, error: ExecutorError | SkyError) -> str:
    """Return the sentence that says which host does not answer, and why."""
    return f"{name} does not answer: {error}"
