"""Shapes: what the catalog knows already of a provider's instance types, for lists that only have prices.

A price list without an account says little of a machine: no accelerator's name, no zones, at Azure not even
its memory. What the snapshot in use and the embedded one say of a type is taken then; a type that neither
knows is left out by sources that cannot do without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from catalog.errors import CatalogError
from catalog.query import mask_equal, rows
from catalog.snapshot import EMBEDDED, read_snapshot
from catalog.store import open_snapshot
from catalog.units import MIB_PER_GIB, MILLI

_COLUMNS = (
    *("region", "zone", "instance_type", "arch", "vcpus_milli", "memory_mib"),
    *("accelerator", "accelerator_count_milli", "accelerator_memory_mib"),
)


@dataclass(frozen=True, slots=True)
class Accelerators:
    """Accelerators of one node: the model, how many, and the memory of one in GiB."""

    name: str
    count: float
    memory_gib: float | None


@dataclass(frozen=True, slots=True)
class Shape:
    """What one node of an instance type holds; memory in GiB, ``None`` where nobody states a figure.

    ``accelerators`` has more than one entry where there is a choice of them.
    """

    arch: str
    vcpus: float | None
    memory_gib: float | None
    accelerators: tuple[Accelerators, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """The instance types of one cloud by name, and the regions that have one, each with its known zones.

    ``choices`` are the accelerators that a (region, zone, type) has, where a type comes with a choice.
    """

    shapes: Mapping[str, Shape]
    zones: Mapping[tuple[str, str], tuple[str, ...]]
    choices: Mapping[tuple[str, str, str], tuple[Accelerators, ...]]


def known(cloud: str) -> Known:
    """Return what the embedded snapshot and the one in use know of ``cloud``; the latter is right."""
    embedded = _of_snapshot(EMBEDDED, cloud)
    try:
        current = _of_snapshot(open_snapshot().folder, cloud)
    except CatalogError:  # a broken snapshot is what a refresh mends
        return embedded
    return Known(
        {**embedded.shapes, **current.shapes},
        {**embedded.zones, **current.zones},
        {**embedded.choices, **current.choices},
    )


@lru_cache(maxsize=8)
def _of_snapshot(folder: Path, cloud: str) -> Known:
    return _of_table(read_snapshot(folder).table, cloud)


def _of_table(table: pa.Table, cloud: str) -> Known:
    at = rows(mask_equal(table, "cloud", cloud))
    part = table.select(list(_COLUMNS)).take(pa.array(at))
    shapes: dict[str, Shape] = {}
    zones: dict[tuple[str, str], set[str]] = {}
    choices: dict[tuple[str, str, str], list[Accelerators]] = {}
    for row in zip(*(part[name].to_pylist() for name in _COLUMNS), strict=True):
        region, zone, name, arch, vcpus, memory, model, count, model_memory = row
        zones.setdefault((region, name), set()).update({zone} - {""})
        shape = shapes.get(name) or Shape(arch, vcpus / MILLI or None, memory / MIB_PER_GIB or None)
        added = Accelerators(model, count / MILLI, model_memory / MIB_PER_GIB or None)
        if model:
            choices.setdefault((region, zone, name), []).append(added)
        if model and added not in shape.accelerators:
            shape = Shape(shape.arch, shape.vcpus, shape.memory_gib, (*shape.accelerators, added))
        shapes[name] = shape
    several = {name for name, shape in shapes.items() if len(shape.accelerators) > 1}
    return Known(
        shapes,
        {key: tuple(sorted(names)) for key, names in zones.items()},
        {key: tuple(found) for key, found in choices.items() if key[2] in several},
    )
