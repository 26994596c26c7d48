"""Task, Resources and Dag -> ``solver.request.Request``: the user's words, resolved to integers.

Each default that is added on the user's behalf is said in the requirement's notes, so that the plan can
print it, and each gives way to what the user states.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from catalog import accelerators
from catalog.errors import UserError
from catalog.offer import Market
from catalog.scope import Scope
from catalog.units import (
    BYTES_PER_GB,
    MIB_PER_GIB,
    MILLI,
    format_milli,
    format_seconds,
    mib,
    micro_usd,
    milli,
)
from sky.config import allowed_clouds
from solver.request import (
    Accelerators,
    Basis,
    DataSource,
    Edge,
    Objective,
    Range,
    Request,
    Requirement,
    Runtime,
    TaskRequest,
)

if TYPE_CHECKING:
    from sky.dag import Dag
    from sky.resources import Resources
    from sky.task import Task

DEFAULT_VCPUS = 8
DEFAULT_MEMORY_GIB_PER_VCPU = 4
DEFAULT_RUNTIME_S = 3_600
LOCAL = "local"


def compile_request(dag: Dag, objective: Objective, blocked: Iterable[Resources] = ()) -> Request:
    """Compile ``dag`` for the solver.

    Raises ``UserError`` for a time estimator that returns no positive number, or a block that names nothing.
    """
    names = unique_names(dag.tasks)
    index = {id(task): position for position, task in enumerate(dag.tasks)}
    edges = tuple(
        Edge(index[id(source)], index[id(target)], _bytes(source.get_estimated_outputs_size_gigabytes()))
        for source, target in dag.edges
    )
    return Request(
        tasks=tuple(_compile_task(task, name) for task, name in zip(dag.tasks, names, strict=True)),
        edges=edges,
        objective=objective,
        blocks=tuple(scope_of(resources) for resources in blocked),
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


def _compile_task(task: Task, name: str) -> TaskRequest:
    ordered = isinstance(task.resources, list)
    alternatives = list(task.resources) if ordered else sorted(task.resources, key=repr)
    return TaskRequest(
        name=name,
        requirements=tuple(_requirement(task, resources, alternatives) for resources in alternatives),
        num_nodes=task.num_nodes,
        ordered=ordered,
        inputs=tuple(_inputs(task)),
        blocks=tuple(scope_of(resources) for resources in task.blocked_resources or ()),
    )


def _inputs(task: Task) -> Iterator[DataSource]:
    size_gb = task.get_estimated_inputs_size_gigabytes()
    if task.get_inputs() and size_gb:
        yield DataSource(task.get_inputs_cloud().canonical_name(), _bytes(size_gb))


def _bytes(gigabytes: float | None) -> int:
    return round((gigabytes or 0) * BYTES_PER_GB)


def _requirement(task: Task, resources: Resources, alternatives: Sequence[Resources]) -> Requirement:
    notes: list[str] = []
    cloud = resources.cloud.canonical_name() if resources.cloud else None
    named = resources.instance_type is not None or cloud == LOCAL
    vcpus, memory, memory_per_vcpu = _sizes(resources, local=cloud == LOCAL, default=not named, notes=notes)
    options = _accelerator_options(resources, notes)
    runtime, runtimes = _runtimes(task, resources, options, alternatives)
    if not named:
        _note_left_out(resources, notes)
    return Requirement(
        label=str(resources),
        runtime=runtime,
        runtimes=runtimes,
        cloud=cloud,
        region=resources.region,
        zone=resources.zone,
        clouds=() if cloud else allowed_clouds(),
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
        notes=tuple(notes),
    )


def _archs(resources: Resources) -> tuple[str, ...]:
    if resources.arch == "any":
        return ()
    return (resources.arch or "x86_64",)


def _note_left_out(resources: Resources, notes: list[str]) -> None:
    left_out = []
    if not resources.arch:
        left_out.append("arm64 machines (arch: any)")
    if not resources.allow_burstable:
        left_out.append("burstable and shared-core machines (allow: burstable)")
    if not resources.allow_bare_metal:
        left_out.append("bare metal (allow: bare_metal)")
    if not resources.allow_restricted_regions and resources.region is None:
        left_out.append("regions that need the provider's approval (allow: restricted_regions)")
    notes.extend(f"left out unless asked for: {what}" for what in left_out)


def _sizes(
    resources: Resources, *, local: bool, default: bool, notes: list[str]
) -> tuple[Range, Range, int | None]:
    """Return the ranges of vCPUs and memory, and the memory per vCPU, with the CPU defaults filled in.

    A job takes its share of this machine, so a plain count is a lower bound there.
    """
    cpus, memory = resources.cpus, resources.memory
    if default and not resources.accelerator_options:
        if cpus is None and memory is None:
            cpus = f"{DEFAULT_VCPUS}+"
            notes.append(f"no size was asked for: at least {DEFAULT_VCPUS} vCPUs (cpus:)")
        if memory is None and cpus is not None:
            memory = f"{float(cpus.rstrip('+')) * DEFAULT_MEMORY_GIB_PER_VCPU:g}+"
            notes.append(f"no memory was asked for: at least {memory[:-1]} GiB, 4 for each vCPU (memory:)")
    vcpus = Range() if cpus is None else _range(milli(cpus.rstrip("+"), "cpus"), cpus, at_least=local)
    if memory is None:
        return vcpus, Range(), None
    if memory.endswith("x"):
        return vcpus, Range(), round(float(memory[:-1]) * MIB_PER_GIB)
    return vcpus, _range(mib(memory.rstrip("+"), "memory"), memory, at_least=local), None


def _range(value: int, text: str, *, at_least: bool = False) -> Range:
    return Range(value, None if at_least or text.endswith("+") else value)


def _accelerator_options(resources: Resources, notes: list[str]) -> tuple[Accelerators, ...]:
    options = [Accelerators(name, milli(count)) for name, count in resources.accelerator_options]
    fractions = [option for option in options if option.count_milli < MILLI]
    notes.extend(
        f"{option.name}:{format_milli(option.count_milli)} also fits on a whole {option.name}"
        for option in fractions
    )
    return tuple(dict.fromkeys([*options, *(Accelerators(option.name, MILLI) for option in fractions)]))


def _runtimes(
    task: Task, resources: Resources, options: Sequence[Accelerators], alternatives: Sequence[Resources]
) -> tuple[Runtime, tuple[Runtime, ...]]:
    """Return the requirement's runtime rule, and one an accelerator option where they differ."""
    if task.time_estimator is not None:
        if len(options) <= 1:
            return _estimated(task, resources), ()
        each = tuple(
            _estimated(task, resources.copy(accelerators={option.name: option.count_milli / MILLI}))
            for option in options
        )
        return each[0], each
    if task.estimate is not None:
        return _declared(task), ()
    return _assumed(alternatives), ()


def _estimated(task: Task, resources: Resources) -> Runtime:
    seconds: object = task.estimate_runtime(resources)
    if not isinstance(seconds, (int, float)) or not math.isfinite(seconds) or seconds <= 0:
        raise UserError(
            f"the time estimator of task {task.name!r} returned {seconds!r} for {resources}; "
            "it must return a positive number of seconds"
        )
    whole_s = math.ceil(seconds)
    return Runtime(whole_s, note=f"{format_seconds(whole_s)} by the task's time estimator")


def _declared(task: Task) -> Runtime:
    estimate = task.estimate
    assert estimate is not None
    told = f"estimate: {format_seconds(estimate.runtime_s)}"
    if estimate.accelerators is not None:
        name, count = estimate.accelerators
        reference = _gflops(Accelerators(name, milli(count)))
        note = f"{told} on {name}:{count:g}, scaled by bf16 throughput ^ {estimate.exponent:g}"
        return Runtime(estimate.runtime_s, Basis.ACCELERATORS, reference, estimate.exponent, note)
    if estimate.cpus is not None:
        note = f"{told} on {estimate.cpus:g} vCPUs, scaled by vCPUs ^ {estimate.exponent:g}"
        return Runtime(estimate.runtime_s, Basis.VCPUS, milli(estimate.cpus), estimate.exponent, note)
    return Runtime(estimate.runtime_s, note=told)


def _assumed(alternatives: Sequence[Resources]) -> Runtime:
    """One hour on the slowest accelerator that the task allows, scaled by throughput to the others."""
    options = {
        Accelerators(name, milli(count))
        for resources in alternatives
        for name, count in resources.accelerator_options
    }
    known = sorted((_gflops(option), option.name, option) for option in options if _gflops(option))
    told = f"no estimate was given: {format_seconds(DEFAULT_RUNTIME_S)}"
    if len(options) < 2 or not known:
        return Runtime(DEFAULT_RUNTIME_S, note=f"{told} assumed (estimate:)")
    reference, name, option = known[0]
    note = (
        f"{told} assumed on {name}:{format_milli(option.count_milli)}, scaled by bf16 throughput (estimate:)"
    )
    return Runtime(DEFAULT_RUNTIME_S, Basis.ACCELERATORS, reference, 1.0, note)


def _gflops(option: Accelerators) -> int:
    known = accelerators.lookup(option.name)
    return known.gflops_bf16 * option.count_milli // MILLI if known else 0
