"""Task, Resources and Dag -> ``solver.request.Request``: the user's words, resolved to integers.

Each default that is added on the user's behalf is said in the requirement's defaults, so that the plan can
print it, and each gives way to what the user states.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from catalog.offer import Market
from catalog.scope import Scope
from catalog.units import BYTES_PER_GB, MILLI, format_milli, micro_usd, milli
from executors.owned import CLOUDS
from sky.clouds import ALL_CLOUDS, CloudImplementationFeatures
from sky.config import allowed_clouds, checkpoint_s
from sky.fields.sizes import cpus_range_milli, memory_range_mib
from sky.runtimes import runtimes_of
from solver.request import (
    Accelerators,
    DataSource,
    Edge,
    Objective,
    Range,
    Request,
    Requirement,
    Risk,
    TaskRequest,
)

if TYPE_CHECKING:
    from sky.dag import Dag
    from sky.resources import Resources
    from sky.task import Task

DEFAULT_VCPUS = 8
DEFAULT_MEMORY_GIB_PER_VCPU = 4


def compile_request(
    dag: Dag, objective: Objective, blocked: Iterable[Resources] = (), risk: Risk = Risk.IGNORE
) -> Request:
    """Compile ``dag`` for the solver; ``risk`` is how that of spot counts.

    Raises ``UserError`` for a time estimator that returns no positive number, or a block that names nothing.
    """
    names = unique_names(dag.tasks)
    index = {id(task): position for position, task in enumerate(dag.tasks)}
    edges = tuple(
        Edge(index[id(source)], index[id(target)], _bytes(source.get_estimated_outputs_size_gigabytes()))
        for source, target in dag.edges
    )
    return Request(
        tasks=tuple(_compile_task(task, name, risk) for task, name in zip(dag.tasks, names, strict=True)),
        edges=edges,
        objective=objective,
        blocks=_scopes(blocked),
    )


def unique_names(tasks: Sequence[Task]) -> list[str]:
    """Return one distinct name a task: its own, with ``-2`` where it repeats; ``task-<i>`` if unnamed."""
    taken: set[str] = set()
    names = []
    for position, task in enumerate(tasks):
        base = task.name or f"task-{position}"
        name, copies = base, 1
        while name in taken:
            copies += 1
            name = f"{base}-{copies}"
        taken.add(name)
        names.append(name)
    return names


def scope_of(resources: Resources) -> Scope:
    """Return the part of the offer space that a blocked ``Resources`` names; unset fields match anything."""
    name, count = next(iter((resources.accelerators or {}).items()), (None, None))
    market = None
    if resources.use_spot_specified:
        market = Market.SPOT if resources.use_spot else Market.ON_DEMAND
    return Scope(
        cloud=resources.cloud.canonical_name() if resources.cloud else None,
        region=resources.region,
        zone=resources.zone,
        instance_type=resources.instance_type,
        accelerator=name,
        accelerator_count_milli=None if count is None else milli(count),
        market=market,
    )


def _compile_task(task: Task, name: str, risk: Risk) -> TaskRequest:
    return TaskRequest(
        name=name,
        requirements=tuple(_requirement(task, resources, risk) for resources in task.alternatives),
        num_nodes=task.num_nodes,
        ordered=isinstance(task.resources, list),
        inputs=tuple(_inputs(task)),
        blocks=_scopes(task.blocked_resources or ()),
    )


def _scopes(blocked: Iterable[Resources]) -> tuple[Scope, ...]:
    return tuple(scope_of(resources) for resources in sorted(blocked, key=lambda each: each.sort_key))


def _inputs(task: Task) -> Iterator[DataSource]:
    size_gb = task.get_estimated_inputs_size_gigabytes()
    if task.get_inputs() and size_gb:
        yield DataSource(task.get_inputs_cloud().canonical_name(), _bytes(size_gb))


def _bytes(gigabytes: float | None) -> int:
    return round((gigabytes or 0) * BYTES_PER_GB)


def _requirement(task: Task, resources: Resources, risk: Risk) -> Requirement:
    defaults: list[tuple[str, str]] = []
    cloud = resources.cloud.canonical_name() if resources.cloud else None
    named = resources.instance_type is not None or cloud in CLOUDS
    vcpus, memory, memory_per_vcpu = _sizes(
        resources, owned=cloud in CLOUDS, default=not named, defaults=defaults
    )
    options, notes = _accelerator_options(resources)
    runtime, runtimes = runtimes_of(task, resources, options)
    if not named:
        defaults += _left_out(resources)
    return Requirement(
        label=str(resources),
        runtime=runtime,
        runtimes=runtimes,
        cloud=cloud,
        region=resources.region,
        zone=resources.zone,
        clouds=() if cloud else _clouds(resources),
        instance_type=resources.instance_type,
        vcpus_milli=vcpus,
        memory_mib=memory,
        memory_mib_per_vcpu=memory_per_vcpu,
        accelerators=options,
        markets=(Market.SPOT,) if resources.use_spot else (Market.ON_DEMAND,),
        archs=() if named and not resources.arch else _archs(resources),
        allow_burstable=named or resources.allow_burstable,
        allow_bare_metal=named or resources.allow_bare_metal,
        allow_restricted_regions=resources.region is not None or resources.allow_restricted_regions,
        max_price_micro_usd=None
        if resources.max_hourly_cost is None
        else micro_usd(resources.max_hourly_cost),
        risk=risk,
        checkpoint_s=None if risk is Risk.IGNORE else _checkpoint_s(task),
        defaults=tuple(defaults),
        notes=notes,
    )


def _checkpoint_s(task: Task) -> int | None:
    """Return the time between checkpoints that the task's estimate states, else the configuration's."""
    stated = task.estimate.checkpoint_s if task.estimate is not None else None
    return checkpoint_s() if stated is None else stated


def _clouds(resources: Resources) -> tuple[str, ...]:
    """Return the allowed clouds that can do what is asked for; empty when any cloud may be taken.

    Spot is a market that offers name. Where no allowed cloud can do the rest, they are all returned:
    the launch then says what the best of them lacks.
    """
    allowed = allowed_clouds()
    needs = resources.get_required_cloud_features() - {CloudImplementationFeatures.SPOT_INSTANCE}
    if not needs:
        return allowed
    able = [cloud.canonical_name() for cloud in ALL_CLOUDS if cloud.features >= needs]
    return tuple(name for name in able if not allowed or name in allowed) or allowed


def _archs(resources: Resources) -> tuple[str, ...]:
    if resources.arch == "any":
        return ()
    return (resources.arch or "x86_64",)


def _left_out(resources: Resources) -> Iterator[tuple[str, str]]:
    """Yield the kind of filter, and the sentence, of each careful default that the user did not lift."""
    said = "left out unless asked for"
    if not resources.arch:
        yield "arch", f"{said}: arm64 machines (arch: any)"
    if not resources.allow_burstable:
        yield "burstable", f"{said}: burstable and shared-core machines (allow: burstable)"
    if not resources.allow_bare_metal:
        yield "bare_metal", f"{said}: bare metal (allow: bare_metal)"
    if not resources.allow_restricted_regions and resources.region is None:
        yield (
            "restricted_region",
            f"{said}: regions that the provider must approve (allow: restricted_regions)",
        )


def _sizes(
    resources: Resources, *, owned: bool, default: bool, defaults: list[tuple[str, str]]
) -> tuple[Range, Range, int | None]:
    """Return the ranges of vCPUs and memory, and the memory per vCPU, with the CPU defaults filled in.

    A job takes its share of an owned node, so a plain count is a lower bound there.
    """
    cpus, memory = resources.cpus, resources.memory
    if default and not resources.accelerator_options:
        if cpus is None and memory is None:
            cpus = f"{DEFAULT_VCPUS}+"
            defaults.append(("vcpus", f"no size was asked for: at least {DEFAULT_VCPUS} vCPUs (cpus:)"))
        if memory is None and cpus is not None:
            memory = f"{float(cpus.rstrip('+')) * DEFAULT_MEMORY_GIB_PER_VCPU:g}+"
            told = f"no memory was asked for: at least {memory[:-1]} GiB, 4 for each vCPU (memory:)"
            defaults.append(("memory", told))
    lower_milli, upper_milli = cpus_range_milli(cpus)
    lower_mib, upper_mib, mib_per_vcpu = memory_range_mib(memory)
    if owned:
        upper_milli = upper_mib = None
    return Range(lower_milli, upper_milli), Range(lower_mib, upper_mib), mib_per_vcpu


def _accelerator_options(resources: Resources) -> tuple[tuple[Accelerators, ...], tuple[str, ...]]:
    """Return the accepted accelerators, and remarks on those that were added."""
    options = [Accelerators(name, milli(count)) for name, count in resources.accelerator_options]
    fractions = [option for option in options if option.count_milli < MILLI]
    notes = tuple(
        f"{option.name}:{format_milli(option.count_milli)} also fits on a whole {option.name}"
        for option in fractions
    )
    whole = [Accelerators(option.name, MILLI) for option in fractions]
    return tuple(dict.fromkeys([*options, *whole])), notes
