"""What ``sinfo`` says of a cluster: classes of equal nodes in a partition, and the partition's limits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from executors.slurm import duration
from executors.slurm.gres import Gpus, gpus

FORMAT = "%R|%a|%c|%m|%T|%D|%l|%s|%h|%G"
"""Partition, up or down, CPUs, MiB, state, nodes, longest time, job size in nodes, sharing, GRES."""

_USABLE = {"idle", "mixed", "allocated", "completing", "reserved", "planned"}
_UNKNOWN_MEMORY_MIB = 1
"""What Slurm says of nodes whose memory nobody configured."""


@dataclass(frozen=True, slots=True)
class NodeClass:
    """Equal nodes of one partition: one of them, and how many work, and how many of these are idle.

    ``max_nodes`` and ``max_minutes`` are of one job there, ``None`` where Slurm sets no limit. ``whole`` is
    whether jobs get nodes only whole. ``up`` is whether the partition takes jobs.
    """

    partition: str
    cpus: int
    memory_mib: int
    gpus: Gpus | None
    up: bool
    max_nodes: int | None
    max_minutes: int | None
    whole: bool
    usable: int = 0
    idle: int = 0


def parse(text: str) -> tuple[NodeClass, ...]:
    """Return the classes, in sinfo's order, from what it prints with ``FORMAT``."""
    found: dict[NodeClass, tuple[int, int]] = {}
    for line in text.splitlines():
        fields = line.split("|", 9)
        if len(fields) < 10:
            continue
        state = fields[4].rstrip("*~#!%$@^-+").lower()
        count = int(fields[5])
        for each in _classes(fields):
            usable, idle = found.get(each, (0, 0))
            found[each] = (
                usable + (count if state in _USABLE and "*" not in fields[4] else 0),
                idle + (count if state == "idle" and "*" not in fields[4] else 0),
            )
    return tuple(replace(each, usable=usable, idle=idle) for each, (usable, idle) in found.items())


def _classes(fields: list[str]) -> list[NodeClass]:
    partition, availability, cpus, memory, _, _, longest, size, sharing, gres = fields
    memory_mib = _number(memory)
    largest = size.rpartition("-")[2]
    plain = NodeClass(
        partition=partition.strip(),
        cpus=_number(cpus),
        memory_mib=0 if memory_mib <= _UNKNOWN_MEMORY_MIB else memory_mib,
        gpus=None,
        up=availability.strip() == "up",
        max_nodes=int(largest) if largest.isdecimal() else None,
        max_minutes=duration.minutes(longest),
        whole=sharing.strip().startswith("EXCLUSIVE"),
    )
    return [replace(plain, gpus=each) for each in gpus(gres)] or [plain]


def _number(text: str) -> int:
    """Return the number; a ``+`` behind it says that some nodes have more."""
    return int(text.strip().rstrip("+"))
