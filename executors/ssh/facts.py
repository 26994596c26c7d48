"""What a host has: one small script's answer, and what the pools file says instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.errors import ExecutorError
from catalog.units import MILLI
from executors.api import Transport
from executors.errors import Unsupported
from executors.local.machine import canonical_arch, parse_nvidia_smi
from executors.ssh.pools import Facts

SCRIPT = Path(__file__).with_name("facts.sh")
_KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Found:
    """What a host says of itself: its facts, and its name and address as it sees them itself."""

    facts: Facts
    hostname: str = ""
    internal_ip: str = ""

    @property
    def login(self) -> str:
        """What two entries of a pools file share only when they are one host and one user."""
        return f"{self.facts.user}@{self.hostname} ({self.internal_ip})"


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the pools file says of a host in place of what the host says; ``None`` where it says nothing."""

    cpus_milli: int | None = None
    memory_mib: int | None = None
    accelerator: str | None = None
    accelerators: int | None = None

    def over(self, facts: Facts) -> Facts:
        """Return ``facts`` with these in place."""
        changed = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not None}
        if changed.get("accelerator", facts.accelerator) != facts.accelerator:
            changed["accelerator_memory_mib"] = 0
        return replace(facts, **changed)


def detect(transport: Transport, timeout_s: float) -> Found:
    """Ask the host. Raises ``Unsupported`` when sky cannot run jobs there, saying what to install."""
    done = transport.run(["sh", "-s"], stdin=SCRIPT.read_bytes(), timeout_s=timeout_s)
    if done.returncode:
        raise ExecutorError(f"the host's facts could not be read: {done.stderr.strip()[-300:]}")
    return parse(done.stdout)


def parse(text: str) -> Found:
    """Return what the script printed. Raises ``Unsupported``."""
    said: dict[str, str] = {}
    accelerators = []
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "nvidia":
            accelerators.append(value)
        else:
            said[name] = value
    _check(said)
    accelerator, count, accelerator_memory_mib = parse_nvidia_smi("\n".join(accelerators))
    facts = Facts(
        cpus_milli=int(said["cpus"]) * MILLI,
        memory_mib=int(said["memory_kib"]) // _KIB_PER_MIB,
        accelerator=accelerator,
        accelerators=count,
        accelerator_memory_mib=accelerator_memory_mib,
        arch=canonical_arch(said["arch"]),
        python=said["python"],
        user=said["user"],
        rsync=said.get("rsync") == "yes",
        root=said.get("root") == "yes",
    )
    return Found(facts, said.get("hostname", ""), said.get("internal_ip", ""))


def _check(said: Mapping[str, str]) -> None:
    if said.get("system") != "Linux":
        raise Unsupported(f"it runs {said.get('system') or 'an unknown system'}; hosts of a pool run Linux")
    if "home_writable" not in said:
        raise Unsupported(f"its home {said.get('home') or ''} is not writable by {said.get('user') or 'you'}")
    if "python" not in said:
        raise Unsupported(
            "it has no Python 3.8 or newer; install one there, for example: apt install python3"
        )
    if not said.get("cpus", "").isdecimal() or not said.get("memory_kib", "").isdecimal():
        raise Unsupported("it does not say how many CPUs and how much memory it has; is /proc mounted there?")
