"""Which infra tasks can run on from here, and which can only be planned for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.errors import UserError
from catalog.units import MIB_PER_GIB, format_milli
from executors import registry
from sky.control.placement import LOCAL


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
    return [_this_machine(), *(_other(name, planned) for name in others)]


def _this_machine() -> InfraStatus:
    from executors import local

    offer = local.offer()
    key = offer.key
    accelerators = (
        f", {key.accelerator}:{format_milli(key.accelerator_count_milli)}" if key.accelerator else ""
    )
    size = f"{format_milli(offer.vcpus_milli)} vCPUs, {offer.memory_mib / MIB_PER_GIB:.1f} GiB{accelerators}"
    return InfraStatus(LOCAL, runs=True, plans=True, detail=f"this machine: {size}")


def _other(name: str, planned: set[str]) -> InfraStatus:
    plans = name in planned
    if name not in registry.names():
        return InfraStatus(name, runs=False, plans=plans, detail="plan only: no executor for it is installed")
    try:
        registry.load(name)
    except UserError as error:
        return InfraStatus(name, runs=False, plans=plans, detail=str(error))
    return InfraStatus(name, runs=True, plans=plans, detail="has an executor")
