"""How the hosts of a pool are now: free, held and by whom, or not answering and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.errors import SkyError
from executors.ssh.contact import look_at, why
from executors.ssh.host import HostView
from executors.ssh.pools import Host

STATUS_S = 3.0
"""How long a host may take to say whether it is free."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One host and what it said, or the error that came instead."""

    host: Host
    view: HostView | None = None
    error: SkyError | None = None

    @property
    def state(self) -> str:
        """``"free"``, ``"held"`` or ``"unreachable"``."""
        if self.view is None:
            return "unreachable"
        return "free" if self.view.reservation is None else "held"

    @property
    def free(self) -> bool:
        """Whether a cluster can have it."""
        return self.state == "free"

    @property
    def why(self) -> str:
        """Why no other cluster can have it, as a sentence; ``""`` where one can."""
        if self.view is None:
            return f"{self.host.name} does not answer ({why(self.error)})"
        holder = self.view.reservation
        return "" if holder is None else f"{self.host.name} is held by {holder}"


def standings(hosts: Sequence[Host], limit_s: float = STATUS_S) -> list[Standing]:
    """Return how every host is, in the order given, within about ``limit_s``."""
    answers = look_at([host.address for host in hosts], limit_s)
    return [Standing(host, answer.value, answer.error) for host, answer in zip(hosts, answers, strict=True)]


def room(shape: str, found: Sequence[Standing]) -> str:
    """Return how many of the hosts of one shape are free, and why the others are not."""
    free = sum(each.free for each in found)
    verb = "is" if free == 1 else "are"
    others = "; ".join(each.why for each in found if not each.free)
    return f"{free} of {len(found)} {shape} host{'s' * (len(found) != 1)} {verb} free" + (
        f": {others}" if others else ""
    )
