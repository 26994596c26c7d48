"""How long a task runs, as rules for the solver: what its author measured, declared, or left open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from catalog import accelerators
from catalog.errors import UserError
from catalog.units import MILLI, format_milli, format_seconds, milli
from sky.fields.estimate import LONGEST_S
from solver.request import Accelerators, Basis, Runtime

if TYPE_CHECKING:
    from sky.resources import Resources
    from sky.task import Task

DEFAULT_RUNTIME_S = 3_600
"""What is assumed of a task that says nothing."""


def runtimes_of(
    task: Task, resources: Resources, options: Sequence[Accelerators]
) -> tuple[Runtime, tuple[Runtime, ...]]:
    """Return the rule for a requirement, and one for each of ``options`` where they differ.

    Raises ``UserError`` for a time estimator that returns no positive number.
    """
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
    return _assumed(task.alternatives), ()


def _estimated(task: Task, resources: Resources) -> Runtime:
    seconds: object = task.estimate_runtime(resources)
    if not isinstance(seconds, (int, float)) or not 0 < seconds <= LONGEST_S:
        raise UserError(
            f"the time estimator of task {task.name!r} returned {seconds!r} for {resources}; "
            "it must return a positive number of seconds, of 100 years at most"
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
