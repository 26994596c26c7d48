"""Asking several hosts at once: each has its own connection and its own time, and none waits for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from catalog.errors import SkyError
from executors.api import Transport
from executors.errors import ConnectionLost, Transient
from executors.ssh.host import HostView, look
from executors.transports import ssh
from executors.transports.address import Address

LOOK_S = 4.0
"""How long a host may take to say how it is."""

T_co = TypeVar("T_co", covariant=True)
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T_co]):
    """What one host answered, or the error that came instead."""

    value: T_co | None = None
    error: SkyError | None = None

    def got(self) -> T_co:
        """Return the value. Raises the error that came instead."""
        if self.error is not None:
            raise self.error
        assert self.value is not None
        return self.value


def in_parallel(
    items: Sequence[S], action: Callable[[S], T], limit_s: float | None = None
) -> list[Answer[T]]:
    """Do ``action`` to every item at once; the answers come in the order of ``items``.

    With a limit, what takes longer is given up and its answer is ``Transient``; the thread that waits for it
    does not keep the process from ending.
    """
    answers: list[Answer[T]] = [Answer(error=Transient(f"no answer within {limit_s or 0:g} s"))] * len(items)

    def one(position: int) -> None:
        try:
            answers[position] = Answer(action(items[position]))
        except SkyError as error:
            answers[position] = Answer(error=error)

    threads = [
        threading.Thread(target=one, args=(position,), name=f"sky-host-{position}", daemon=True)
        for position in range(len(items))
    ]
    for thread in threads:
        thread.start()
    deadline = None if limit_s is None else time.monotonic() + limit_s
    for thread in threads:
        thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
    return list(answers)


def ask(
    addresses: Sequence[Address], question: Callable[[Transport], T], limit_s: float | None = None
) -> list[Answer[T]]:
    """Put ``question`` to every host at once; the answers come in the order of ``addresses``."""

    def one(address: Address) -> T:
        transport = ssh.connect(address)
        try:
            return question(transport)
        finally:
            transport.close()

    return in_parallel(addresses, one, limit_s)


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
