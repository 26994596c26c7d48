"""Docker on test hosts: its daemon starts when they boot, as on machines whose image has docker."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hosts.hosts import Hosts
from tests.hosts.machine import Machine

_CGROUPS = Path("/sys/fs/cgroup")
_WANTED = "docker.json"


@contextmanager
def on_new_machines(hosts: Hosts, registries: list[str]) -> Iterator[None]:
    """Give machines that are made during the block docker, which speaks to ``registries`` without TLS."""
    config = {
        "bridge": "none",
        "iptables": False,
        "ip-forward": False,
        "storage-driver": "vfs",
        "insecure-registries": registries,
    }
    wanted = hosts.folder / _WANTED
    wanted.write_text(json.dumps(config))
    try:
        yield
    finally:
        wanted.unlink()


def seed(hosts: Hosts, machine: Machine) -> None:
    """Let ``machine``, which is off, start docker at its boots, where that is wanted, before all else."""
    wanted = hosts.folder / _WANTED
    if not wanted.exists():
        return
    folder = machine.root / "etc" / "docker"
    folder.mkdir(exist_ok=True)
    config = {**json.loads(wanted.read_text()), "cgroup-parent": f"/{_group(machine)}"}
    (folder / "daemon.json").write_text(json.dumps(config))
    boot = machine.root / "etc" / "rc.boot"
    rest = boot.read_text().splitlines()[1:] if boot.exists() else []
    lines = ["#!/bin/sh", *_mounts(), "dockerd >/var/log/dockerd.log 2>&1 &", *rest, ""]
    boot.write_text("\n".join(lines))
    boot.chmod(0o755)


def clear(machine: Machine) -> None:
    """Remove the control groups of containers on ``machine``, which is off: they are of the one kernel."""
    for group in [_CGROUPS / _group(machine), *_CGROUPS.glob(f"*/{_group(machine)}")]:
        for folder in sorted((each for each in group.rglob("*") if each.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        with contextlib.suppress(OSError):
            group.rmdir()


def _group(machine: Machine) -> str:
    return f"{machine.network_namespace}-containers"


def _mounts() -> list[str]:
    """Return the commands that give a host the control groups of this machine; it has none of its own."""
    commands = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind, options, *_ = line.split()
        if kind == "cgroup":
            controllers = [each for each in options.split(",") if "=" in each or each in _controllers()]
            commands.append(f"mkdir -p {point} && mount -t cgroup -o {','.join(controllers)} cgroup {point}")
        elif kind == "cgroup2" and point == str(_CGROUPS):
            commands.append(f"mount -t cgroup2 cgroup {point}")
    return commands


def _controllers() -> set[str]:
    return {line.split()[0] for line in Path("/proc/cgroups").read_text().splitlines()[1:]}
