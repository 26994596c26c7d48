"""Accounting of one node's resources: what a job takes, what is free, and which accelerators it gets."""

from __future__ import annotations

from typing import Dict, Iterable, NamedTuple, Optional

from .errors import Refused

Devices = Dict[int, int]
"""Accelerator index -> thousandths of it that are taken."""


class Demand(NamedTuple):
    """What a job takes from its node while it runs."""

    cpus_milli: int
    memory_mib: int
    accelerator: str
    accelerators_milli: int


class Held(NamedTuple):
    """What a started job holds."""

    cpus_milli: int
    memory_mib: int
    devices: Devices


class Capacity(NamedTuple):
    """What the node has."""

    cpus_milli: int
    memory_mib: int
    accelerator: str
    accelerators: int

    def check(self, demand: Demand) -> None:
        """Raise ``Refused`` when the job could not start even on an empty node."""
        for what, wanted, there in (
            ("CPUs", demand.cpus_milli / 1000, self.cpus_milli / 1000),
            ("MiB of memory", demand.memory_mib, self.memory_mib),
            (
                f"{demand.accelerator or 'accelerator'}(s)",
                demand.accelerators_milli / 1000,
                self.accelerators,
            ),
        ):
            if wanted < 0:
                raise Refused("invalid", f"the job asks for {wanted:g} {what}; a demand cannot be negative")
            if wanted > there:
                raise Refused(
                    "unsupported",
                    f"the job asks for {wanted:g} {what} but the node has {there:g}; "
                    "ask for less, or launch a larger cluster",
                )
        if demand.accelerators_milli > 1000 and demand.accelerators_milli % 1000:
            raise Refused(
                "invalid",
                f"the job asks for {demand.accelerators_milli / 1000:g} accelerators; "
                "above one, only whole ones can be had",
            )
        if demand.accelerators_milli and demand.accelerator.lower() not in ("", self.accelerator.lower()):
            raise Refused(
                "unsupported",
                f"the job asks for {demand.accelerator} but the node has {self.accelerator}; ask for that",
            )

    def assign(self, demand: Demand, held: Iterable[Held]) -> Optional[Devices]:
        """Return the accelerators (perhaps none) the job gets beside ``held``; ``None`` when it must wait.

        A fraction goes to the fullest accelerator that still has room, so that whole ones stay free.
        """
        cpus_milli, memory_mib = demand.cpus_milli, demand.memory_mib
        used = dict.fromkeys(range(self.accelerators), 0)
        for job in held:
            cpus_milli += job.cpus_milli
            memory_mib += job.memory_mib
            for index, milli in job.devices.items():
                used[index] = used.get(index, 0) + milli
        if cpus_milli > self.cpus_milli or memory_mib > self.memory_mib:
            return None
        return _pick(demand.accelerators_milli, {i: used[i] for i in range(self.accelerators)})


def _pick(wanted_milli: int, used: Devices) -> Optional[Devices]:
    if wanted_milli == 0:
        return {}
    if wanted_milli < 1000:
        room = [index for index, milli in used.items() if milli + wanted_milli <= 1000]
        return {max(room, key=lambda index: (used[index], -index)): wanted_milli} if room else None
    count = wanted_milli // 1000
    free = [index for index, milli in sorted(used.items()) if milli == 0]
    return dict.fromkeys(free[:count], 1000) if len(free) >= count else None
