"""Which infra tasks can run on from here, as whom, and which can only be planned for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial

from catalog.errors import UserError
from catalog.units import MIB_PER_GIB, format_milli
from executors import owned, registry
from executors.api import Access, Capability
from sky.control import access
from sky.control.placement import LOCAL
from sky.control.polls import TIME_LIMIT_S, poll, said
from sky.fields.suggest import did_you_mean

_SSH, _SLURM = "ssh", "slurm"


@dataclass(frozen=True, slots=True)
class InfraStatus:
    """One infra: whether tasks run there, whether its offers are in the catalog, and a word on why.

    ``identity`` is whom it takes us for, ``fix`` the command that would enable it, each maybe ``""``.
    """

    infra: str
    runs: bool
    plans: bool
    detail: str
    identity: str = ""
    fix: str = ""
    capabilities: tuple[str, ...] = ()


def checked(
    catalog_clouds: Iterable[str], only: Collection[str] = (), limit_s: float = TIME_LIMIT_S
) -> list[InfraStatus]:
    """Ask this machine and every infra with an executor or with offers, or ``only`` these, all at once.

    Returns this machine first, the others by name; who does not answer within ``limit_s`` says so. What
    clouds answer is remembered for launches. Raises ``UserError`` for a name that none of them has.
    """
    planned = set(catalog_clouds)
    known = [LOCAL, *sorted((planned | set(registry.names())) - {LOCAL})]
    for name in only:
        if name not in known:
            hint = did_you_mean(name, known) or f" There are: {', '.join(known)}."
            raise UserError(f"there is no infra {name!r}.{hint}")
    wanted = [name for name in known if not only or name in only]
    guarded = {name for name in wanted if _has_credentials(name)}
    answers = access.ask(guarded, limit_s) if guarded else {}
    others = poll({name: partial(_one, name, planned) for name in wanted if name not in guarded}, limit_s)
    return [
        _guarded(name, planned, answers[name]) if name in guarded else _told(name, planned, others[name])
        for name in wanted
    ]


def _has_credentials(name: str) -> bool:
    try:
        return access.checkable(name) is not None
    except UserError:
        return False


def _guarded(name: str, planned: set[str], answer: Access) -> InfraStatus:
    plans = name in planned or (answer.enabled and name in owned.CLOUDS)
    return InfraStatus(name, answer.enabled, plans, answer.detail, answer.identity, answer.fix, _can(name))


def _told(name: str, planned: set[str], answer: InfraStatus | Exception) -> InfraStatus:
    if isinstance(answer, InfraStatus):
        return answer
    return InfraStatus(name, runs=False, plans=name in planned, detail=said(answer))


def _can(name: str) -> tuple[str, ...]:
    """Return the executor's capabilities in the order of their table."""
    has = registry.load(name).capabilities
    return tuple(each.value for each in Capability if each in has)


def _one(name: str, planned: set[str]) -> InfraStatus:
    """Say how one infra without credentials is."""
    if name == LOCAL:
        return _this_machine()
    if name == _SSH:
        return _pools()
    return _slurm() if name == _SLURM else _other(name, planned)


def _this_machine() -> InfraStatus:
    from executors import local

    offer = local.offer()
    key = offer.key
    accelerators = (
        f", {key.accelerator}:{format_milli(key.accelerator_count_milli)}" if key.accelerator else ""
    )
    size = f"{format_milli(offer.vcpus_milli)} vCPUs, {offer.memory_mib / MIB_PER_GIB:.1f} GiB{accelerators}"
    return InfraStatus(LOCAL, runs=True, plans=True, detail=f"this machine: {size}", capabilities=_can(LOCAL))


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
            capabilities=_can(_SSH),
        )
    todo = "" if path().is_file() else f"; write your hosts into {path()}"
    return InfraStatus(
        _SSH, runs=False, plans=False, detail=f"no pool of hosts is up{todo}", fix="sky ssh up"
    )


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
    return InfraStatus(
        _SLURM, runs=answering, plans=answering, detail="; ".join(shown), capabilities=_can(_SLURM)
    )


def _other(name: str, planned: set[str]) -> InfraStatus:
    plans = name in planned
    if name not in registry.names():
        return InfraStatus(name, runs=False, plans=plans, detail="plan only: no executor for it is installed")
    try:
        registry.load(name)
    except UserError as error:
        return InfraStatus(name, runs=False, plans=plans, detail=str(error))
    return InfraStatus(name, runs=True, plans=plans, detail="has an executor", capabilities=_can(name))
