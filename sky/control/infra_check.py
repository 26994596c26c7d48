"""Which infra tasks can run on from here, and which can only be planned for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.errors import UserError
from catalog.units import MIB_PER_GIB, format_milli
from executors import registry
from sky.control.placement import LOCAL

_SSH, _SLURM = "ssh", "slurm"


@dataclass(frozen=True, slots=True)
class InfraStatus:
    """One infra: whether tasks run there, whether its offers are in the catalog, and a word on why."""

    infra: str
    runs: bool
    plans: bool
    detail: str


def checked(catalog_clouds: Iterable[str]) -> list[InfraStatus]:
    """Return this machine first, then every infra with an executor or with offers, by name."""
    planned = set(catalog_clouds)
    others = sorted((planned | set(registry.names())) - {LOCAL})
    return [_this_machine(), *(_one(name, planned) for name in others)]


def _this_machine() -> InfraStatus:
    from executors import local

    offer = local.offer()
    key = offer.key
    accelerators = (
        f", {key.accelerator}:{format_milli(key.accelerator_count_milli)}" if key.accelerator else ""
    )
    size = f"{format_milli(offer.vcpus_milli)} vCPUs, {offer.memory_mib / MIB_PER_GIB:.1f} GiB{accelerators}"
    return InfraStatus(LOCAL, runs=True, plans=True, detail=f"this machine: {size}")


def _pools() -> InfraStatus:
    """Say which pools are up, or what to do to have some; nobody is asked over the network."""
    from executors.ssh import pools
    from sky.control.pool_file import path

    up = pools.load_all()
    if up:
        shown = ", ".join(f"{pool.name} ({len(pool.hosts)})" for pool in up)
        return InfraStatus(
            _SSH,
            runs=True,
            plans=True,
            detail=f"pools that are up, with their hosts: {shown}; sky ssh status",
        )
    todo = "run: sky ssh up" if path().is_file() else f"write your hosts into {path()} and run: sky ssh up"
    return InfraStatus(_SSH, runs=False, plans=False, detail=f"no pool of hosts is up; {todo}")


def _one(name: str, planned: set[str]) -> InfraStatus:
    if name == _SSH:
        return _pools()
    return _slurm() if name == _SLURM else _other(name, planned)


def _slurm() -> InfraStatus:
    """Say what each named Slurm cluster has right now, or why it does not say; all are asked at once."""
    from executors.slurm import clusters, offers

    try:
        known = list(clusters.named().values())
    except UserError as error:
        return InfraStatus(_SLURM, runs=False, plans=False, detail=str(error))
    if not known:
        todo = f"write how its login node is reached into {clusters.path()}"
        return InfraStatus(_SLURM, runs=False, plans=False, detail=f"no Slurm cluster is named; {todo}")
    shown, answering = [], False
    for cluster, answer in zip(known, offers.look(known), strict=True):
        if answer.error is not None:
            shown.append(f"{cluster.name}: {answer.error}")
            continue
        answering = True
        allowed = [
            each for each in answer.got() if not cluster.partitions or each.partition in cluster.partitions
        ]
        nodes = ", ".join(f"{each.partition} {each.idle} of {each.usable} nodes idle" for each in allowed)
        shown.append(f"{cluster.name} ({nodes or 'none of the partitions is there'})")
    return InfraStatus(_SLURM, runs=answering, plans=answering, detail="; ".join(shown))


def _other(name: str, planned: set[str]) -> InfraStatus:
    plans = name in planned
    if name not in registry.names():
        return InfraStatus(name, runs=False, plans=plans, detail="plan only: no executor for it is installed")
    try:
        registry.load(name)
    except UserError as error:
        return InfraStatus(name, runs=False, plans=plans, detail=str(error))
    return InfraStatus(name, runs=True, plans=plans, detail="has an executor")
