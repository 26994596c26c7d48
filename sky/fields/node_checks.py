"""The rules between the fields of a ``Resources``, and of its plain ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from catalog.errors import UserError
from catalog.units import MILLI, format_mib, format_milli, micro_usd, usd
from sky import clouds
from sky.clouds import Cloud, CloudImplementationFeatures
from sky.exceptions import MisuseError, SpecError
from sky.fields import sizes, where
from sky.fields.accelerator_spec import AcceleratorSpec
from sky.fields.images import DOCKER_PREFIX, Images
from sky.fields.suggest import did_you_mean
from sky.fields.tiers import DiskTier
from sky.fields.where import Where

LOWEST_PRIORITY, HIGHEST_PRIORITY = -1_000, 1_000
ARCHS = ("x86_64", "arm64", "any")

_FIELD_OF_FEATURE = {
    CloudImplementationFeatures.SPOT_INSTANCE: "use_spot",
    CloudImplementationFeatures.CUSTOM_DISK_TIER: "disk_tier",
    CloudImplementationFeatures.OPEN_PORTS: "ports",
    CloudImplementationFeatures.IMAGE_ID: "image_id",
    CloudImplementationFeatures.DOCKER_IMAGE: "image_id",
}


def flag(value: object, field: str) -> bool | None:
    """Return ``value`` when it is true, false or ``None``. Raises ``SpecError``."""
    if value is not None and not isinstance(value, bool):
        raise SpecError(f"must be true or false, not {value!r}", field)
    return value


def priority(value: object) -> int | None:
    """Return ``value`` when it is a priority or ``None``. Raises ``SpecError``."""
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not LOWEST_PRIORITY <= value <= HIGHEST_PRIORITY
    ):
        raise SpecError(
            f"must be a whole number from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}, not {value!r}", "priority"
        )
    return value


def hourly_cost(value: float | str | None) -> float | None:
    """Return ``value`` (USD, or ``"$2.50"``) when it is above zero or ``None``. Raises ``SpecError``."""
    if value is None:
        return None
    try:
        micro = 0 if isinstance(value, bool) else micro_usd(value)
    except UserError:
        micro = 0
    if micro <= 0:
        raise SpecError(
            f"{value!r} is not a price in USD above zero; write for example 2.50", "max_hourly_cost"
        )
    return usd(micro)


def arch(value: str | None) -> str | None:
    """Return ``value`` when it names an architecture or ``None``. Raises ``SpecError``."""
    if value is not None and value not in ARCHS:
        hint = did_you_mean(str(value), ARCHS) or f" Known: {', '.join(ARCHS)}."
        raise SpecError(f"{value!r} is not an architecture.{hint}", "arch")
    return value


def volumes(value: Iterable[object] | None) -> list[dict[str, Any]]:
    """Return ``value`` as a list of mappings. Raises ``SpecError``."""
    listed = []
    for position, volume in enumerate(value or ()):
        if not isinstance(volume, Mapping) or not {"name", "path"} & set(volume):
            raise SpecError(f"must be a mapping with a name or a path, not {volume!r}", "volumes", position)
        listed.append(dict(volume))
    return listed


def with_tpu_cloud(asked: Where, spec: AcceleratorSpec | None) -> Where:
    """Return ``asked`` on GCP when a TPU is wanted and no cloud was named. Raises ``MisuseError``."""
    if spec is None or not spec.name.startswith("tpu-"):
        return asked
    if asked.cloud is None:
        return replace(asked, cloud=clouds.GCP())
    if not isinstance(asked.cloud, (clouds.GCP, clouds.Kubernetes)):
        raise MisuseError(f"{spec.name} is on GCP or Kubernetes only, not on {asked.cloud}", "accelerators")
    return asked


def check_instance_type(place: Where, cpus: str | None, memory: str | None) -> None:
    """Raise ``SpecError`` when the instance type does not have the vCPUs or memory asked for beside it."""
    shape = where.shape(place.cloud, place.instance_type)
    if shape is None or not shape.vcpus_milli:
        return
    lower, upper = sizes.cpus_range_milli(cpus)
    if not _inside(shape.vcpus_milli, lower, upper):
        raise SpecError(
            f"{shape.name} does not have the requested number of vCPUs: "
            f"it has {format_milli(shape.vcpus_milli)}, cpus asks for {cpus}; drop one of the two",
            "instance_type",
        )
    lower, upper, per_vcpu = sizes.memory_range_mib(memory)
    least = per_vcpu * shape.vcpus_milli // MILLI if per_vcpu else lower
    if not _inside(shape.memory_mib, least, upper):
        raise SpecError(
            f"{shape.name} does not have the requested memory: it has {format_mib(shape.memory_mib)} GiB, "
            f"memory asks for {memory}; drop one of the two",
            "instance_type",
        )


def required_features(
    *, spot: bool, tier: DiskTier | None, images: Images, ports: tuple[str, ...]
) -> set[CloudImplementationFeatures]:
    """Return what a cloud must be able to do; the best disk tier is whatever a cloud has."""
    asked = {
        CloudImplementationFeatures.SPOT_INSTANCE: spot,
        CloudImplementationFeatures.CUSTOM_DISK_TIER: tier not in {None, DiskTier.BEST},
        CloudImplementationFeatures.OPEN_PORTS: bool(ports),
        CloudImplementationFeatures.DOCKER_IMAGE: any(image.startswith(DOCKER_PREFIX) for _, image in images),
        CloudImplementationFeatures.IMAGE_ID: any(not image.startswith(DOCKER_PREFIX) for _, image in images),
    }
    return {feature for feature, wanted in asked.items() if wanted}


def check_features(
    cloud: Cloud | None, features: set[CloudImplementationFeatures], tier: DiskTier | None
) -> None:
    """Raise ``SpecError`` for the first field that the chosen cloud cannot do."""
    if cloud is None:
        return
    for feature in sorted(features - cloud.features, key=lambda each: each.value):
        field = _FIELD_OF_FEATURE[feature]
        raise SpecError(f"{cloud} does not support it; drop it or choose another cloud", field)
    if isinstance(cloud, clouds.Azure) and tier is DiskTier.ULTRA:
        raise SpecError("Azure OS disks go up to 'high'; choose it, or 'best'", "disk_tier")


def _inside(value: int, lower: int | None, upper: int | None) -> bool:
    return (lower is None or lower <= value) and (upper is None or value <= upper)
