"""Runtimes of a requirement's candidates, in whole seconds."""

from __future__ import annotations

import math

import numpy as np

from catalog.errors import UserError
from catalog.units import MILLI
from solver.columns import Columns, Ints
from solver.request import Basis, Requirement, Runtime

_ROUNDING = 1e-9


def duration_s(runtime: Runtime, capacity: int) -> int:
    """Return the seconds that ``runtime`` gives a candidate of ``capacity``, rounded up.

    A capacity or reference of 0 is unknown and takes ``runtime.seconds``.
    """
    if runtime.basis is Basis.FIXED or capacity <= 0 or runtime.reference <= 0:
        return runtime.seconds
    if runtime.exponent == 1:
        return -(-runtime.seconds * runtime.reference // capacity)
    scaled: float = runtime.seconds * (runtime.reference / capacity) ** runtime.exponent
    return math.ceil(scaled - _ROUNDING * max(scaled, 1.0))


def runtime_for(requirement: Requirement, accelerator: str, count_milli: int) -> Runtime:
    """Return the rule for a node with this accelerator: its own if it has one, else the requirement's."""
    for wanted, runtime in zip(requirement.accelerators, requirement.runtimes, strict=False):
        if (wanted.name, wanted.count_milli) == (accelerator, count_milli):
            return runtime
    return requirement.runtime


def durations_s(columns: Columns, requirement: Requirement, rows: Ints) -> Ints:
    """Return the runtime of ``requirement`` on each of ``rows``. Raises ``UserError`` for a negative one."""
    seconds = _scaled(columns, requirement.runtime, rows)
    for wanted, runtime in zip(requirement.accelerators, requirement.runtimes, strict=False):
        counts = columns.value["accelerator_count_milli"][rows]
        own = (columns.code["accelerator"][rows] == columns.code_of("accelerator", wanted.name)) & (
            counts == wanted.count_milli
        )
        seconds[own] = _scaled(columns, runtime, rows[own])
    if len(seconds) and int(seconds.min()) < 0:
        raise UserError(f"runtime of {requirement.label}: a duration cannot be negative")
    return seconds


def _scaled(columns: Columns, runtime: Runtime, rows: Ints) -> Ints:
    if runtime.basis is Basis.FIXED or not len(rows):
        return np.full(len(rows), runtime.seconds, dtype=np.int64)
    capacity = columns.value["vcpus_milli"][rows].astype(np.int64)
    if runtime.basis is Basis.ACCELERATORS:
        counts = columns.value["accelerator_count_milli"][rows].astype(np.int64)
        capacity = columns.value["accelerator_gflops_bf16"][rows] * counts // MILLI
    distinct, which = np.unique(capacity, return_inverse=True)
    return np.array([duration_s(runtime, int(one)) for one in distinct], dtype=np.int64)[which]
