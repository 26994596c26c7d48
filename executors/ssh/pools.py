"""Pools that were brought up: where each host is, what it has, and what an hour of it costs.

A pool is one JSON file (mode 0600) in ``SKY_HOME/ssh/pools``, written by ``sky ssh up``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from catalog.errors import UserError
from catalog.units import MIB_PER_GIB, MILLI, usd
from executors.ssh.places import pool_names, pools_folder
from executors.transports.address import Address

SCHEMA = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a host has, as it said itself or as the pools file says instead.

    ``python`` is the interpreter that the agent runs with; ``root`` tells whether the login user is root or
    may become it without a password.
    """

    cpus_milli: int
    memory_mib: int
    accelerator: str = ""
    accelerators: int = 0
    accelerator_memory_mib: int = 0
    arch: str = "x86_64"
    python: str = "python3"
    user: str = ""
    rsync: bool = False
    root: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """One host of a pool, by the name it has in the pools file."""

    name: str
    address: Address
    facts: Facts
    price_micro_usd: int = 0

    @property
    def shape(self) -> str:
        """The name of what it has and costs, which equal hosts share: ``8cpu-32gb-A100x8``."""
        facts = self.facts
        parts = [
            f"{facts.cpus_milli / MILLI:g}cpu",
            f"{max(1, round(facts.memory_mib / MIB_PER_GIB))}gb",
        ]
        if facts.accelerators:
            parts.append(f"{facts.accelerator}x{facts.accelerators}")
        if facts.arch != "x86_64":
            parts.append(facts.arch)
        if self.price_micro_usd:
            parts.append(f"{usd(self.price_micro_usd):g}usd")
        return "-".join(parts)


@dataclass(frozen=True, slots=True)
class Pool:
    """A named set of hosts."""

    name: str
    hosts: tuple[Host, ...]


def check_name(name: str) -> None:
    """Raise ``UserError`` unless ``name`` can name a pool (and its file)."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"a pool's name is letters, digits, '.', '_' and '-', begins with a letter or digit, "
            f"and has at most 63: {name!r} does not"
        )


def load(name: str) -> Pool | None:
    """Return the pool as it was brought up last, ``None`` if it was not. Raises ``UserError``."""
    check_name(name)
    path = pools_folder() / f"{name}.json"
    try:
        written = json.loads(path.read_text("utf-8"))
        return Pool(name, tuple(_host(each) for each in written["hosts"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} cannot be read ({error!r}); write it anew with: sky ssh up {name}"
        ) from error


def load_all() -> tuple[Pool, ...]:
    """Return every pool that was brought up, by name."""
    return tuple(pool for pool in map(load, pool_names()) if pool is not None)


def save(pool: Pool) -> None:
    """Keep what is known of a pool, in place of what was known before."""
    check_name(pool.name)
    value = {
        "schema": SCHEMA,
        "hosts": [
            {
                "name": host.name,
                "address": host.address.to_dict(),
                "facts": asdict(host.facts),
                "price_micro_usd": host.price_micro_usd,
            }
            for host in pool.hosts
        ],
    }
    write_private(pools_folder() / f"{pool.name}.json", json.dumps(value, indent=1))


def forget(name: str) -> None:
    """Forget a pool; one that is not known is fine."""
    check_name(name)
    (pools_folder() / f"{name}.json").unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` with mode 0600, whole or not at all; its folder is made with mode 0700."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _host(written: Mapping[str, Any]) -> Host:
    return Host(
        name=written["name"],
        address=Address.from_dict(written["address"]),
        facts=Facts(**written["facts"]),
        price_micro_usd=written["price_micro_usd"],
    )


def by_shape(hosts: Sequence[Host]) -> dict[str, list[Host]]:
    """Return the hosts by shape, shapes and hosts in the order given."""
    shapes: dict[str, list[Host]] = {}
    for host in hosts:
        shapes.setdefault(host.shape, []).append(host)
    return shapes
