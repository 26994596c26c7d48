"""Which clouds, regions, zones, instance types and accelerators exist, by name alone and without Arrow.

The index is JSON beside the snapshot in use, so that parsing a task file can check and complete names in
milliseconds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalog.errors import CatalogError
from catalog.places import NAMES, snapshot_folder


@dataclass(frozen=True, slots=True)
class InstanceType:
    """What one node of an instance type holds.

    ``accelerator`` is ``""`` where it has none, and where there is a choice of them (GCP's N1, a TPU host).
    """

    name: str
    vcpus_milli: int
    memory_mib: int
    arch: str
    accelerator: str
    accelerator_count_milli: int


class Names:
    """The names in one snapshot. Every answer is sorted; unknown names give empty answers, never an error."""

    def __init__(self, index: dict[str, Any]) -> None:
        self._clouds: dict[str, dict[str, Any]] = index["clouds"]
        self._accelerators: dict[str, list[int]] = index["accelerators"]

    @property
    def clouds(self) -> tuple[str, ...]:
        """Clouds that have offers."""
        return tuple(self._clouds)

    def regions(self, cloud: str) -> tuple[str, ...]:
        """Regions of a cloud."""
        return tuple(self._part(cloud, "regions"))

    def zones(self, cloud: str, region: str) -> tuple[str, ...]:
        """Zones of a region; empty where the cloud has none."""
        return tuple(self._part(cloud, "regions").get(region, ()))

    def region_of_zone(self, cloud: str, zone: str) -> str | None:
        """Return the region that a zone lies in."""
        return next((region for region, zones in self._part(cloud, "regions").items() if zone in zones), None)

    def instance_types(self, cloud: str) -> tuple[str, ...]:
        """Names of a cloud's instance types."""
        return tuple(self._part(cloud, "instance_types"))

    def instance_type(self, cloud: str, name: str) -> InstanceType | None:
        """Return what an instance type of a cloud holds, or ``None``."""
        shape = self._part(cloud, "instance_types").get(name)
        return None if shape is None else InstanceType(name, *shape)

    def clouds_with_instance_type(self, name: str) -> tuple[str, ...]:
        """Clouds that offer an instance type of this name."""
        return tuple(cloud for cloud in self._clouds if name in self._part(cloud, "instance_types"))

    def clouds_with_region(self, region: str) -> tuple[str, ...]:
        """Clouds that have a region of this name."""
        return tuple(cloud for cloud in self._clouds if region in self._part(cloud, "regions"))

    def clouds_with_zone(self, zone: str) -> tuple[str, ...]:
        """Clouds that have a zone of this name."""
        return tuple(cloud for cloud in self._clouds if self.region_of_zone(cloud, zone) is not None)

    def accelerators(self) -> tuple[str, ...]:
        """Canonical names of the accelerators on offer."""
        return tuple(self._accelerators)

    def accelerator_counts(self, name: str) -> tuple[int, ...]:
        """How many of an accelerator one node may have, in thousandths, ascending."""
        return tuple(self._accelerators.get(name, ()))

    def _part(self, cloud: str, part: str) -> dict[str, Any]:
        found: dict[str, Any] = self._clouds.get(cloud, {}).get(part, {})
        return found


def names(home: Path | None = None) -> Names:
    """Return the names of the snapshot in use, as ``catalog.store.open_snapshot`` chooses it.

    Read once for each file. Raises ``CatalogError``.
    """
    path = snapshot_folder(home) / NAMES
    try:
        found = path.stat()
        return _read(path, found.st_ino, found.st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CatalogError(
            f"{path} cannot be read ({error!r}); run `sky catalog use embedded`, or, where it is that one,"
            " `python -m catalog.build`"
        ) from error


@lru_cache(maxsize=4)
def _read(path: Path, _inode: int, _mtime_ns: int) -> Names:
    return Names(json.loads(path.read_text(encoding="utf-8")))
