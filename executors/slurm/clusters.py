"""The Slurm clusters that the user named: how each is reached, and as whom jobs run there.

The file is read by whoever knows its form (``read_with``); executors only ask for what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import UserError
from catalog.home import sky_home
from executors.settings import Configured
from executors.transports.address import Address

FILE = "slurm_clusters.yaml"
WAIT_S = 600


@dataclass(frozen=True, slots=True)
class SlurmCluster:
    """One cluster.

    Empty ``account``, ``qos`` and ``time`` leave the choice to Slurm; no ``partitions`` means all of them.
    ``price_micro_usd`` is an hour of a whole node, ``wait_s`` how long a launch waits for its turn there.
    """

    name: str
    login: Address
    account: str = ""
    qos: str = ""
    partitions: tuple[str, ...] = ()
    price_micro_usd: int = 0
    time_minutes: int = 0
    wait_s: int = WAIT_S


_NONE: Mapping[str, SlurmCluster] = {}
_configured = Configured(_NONE)
read_with = _configured.read_with


def path() -> Path:
    """Return where the file is, or would be."""
    return sky_home() / FILE


def named() -> Mapping[str, SlurmCluster]:
    """Return the clusters by name. Raises ``UserError`` where the file is wrong."""
    return _configured.current()


def get(name: str) -> SlurmCluster:
    """Return the cluster of that name. Raises ``UserError`` that says which there are."""
    known = named()
    if name not in known:
        there = f"There are: {', '.join(known)}" if known else "It names none"
        raise UserError(f"{path()} names no Slurm cluster {name!r}. {there}")
    return known[name]
