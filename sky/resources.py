"""Resources: what one node of a task needs, as an immutable value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

from catalog.units import MIB_PER_GIB, MILLI
from executors.docker_login import DockerLogin
from sky import compare
from sky.clouds import Cloud, CloudImplementationFeatures, Region
from sky.fields import accelerator_spec, idle_stop, images, node_checks, recovery, sizes, tiers, where
from sky.fields.accelerator_spec import AcceleratorsInput, AcceleratorSpec, Count
from sky.fields.idle_stop import Autostop
from sky.fields.labels import parse as parse_labels
from sky.fields.ports import merged as merged_ports
from sky.fields.recovery import JobRecovery
from sky.fields.sizes import Amount
from sky.fields.tiers import DiskTier, NetworkTier


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Resources:
    """What one node needs. Immutable, equal by value and hashable; ``copy`` makes a changed one.

    ``cpus`` and ``memory`` are amounts (``4``, ``"4+"``, ``"32GB+"``), ``accelerators`` is ``"A100:8"``,
    ``{"A100": 8}``, ``"80GB+:8"`` or ``"nvidia:32GB+"``, ``infra`` is ``"cloud/region/zone"``.
    ``max_hourly_cost`` is USD per node. ``arch`` is x86_64 unless said (``any`` admits both), and burstable,
    bare metal and restricted-region offers are left out unless allowed. Raises ``SpecError``.
    """

    cloud: Cloud | None
    region: str | None
    zone: str | None
    instance_type: str | None
    disk_size: int
    disk_tier: DiskTier | None
    network_tier: NetworkTier | None
    local_disk: str | None
    max_hourly_cost: float | None
    autostop: Autostop | None
    priority: int | None
    arch: str | None
    allow_burstable: bool
    allow_bare_metal: bool
    allow_restricted_regions: bool
    is_image_managed: bool | None
    requires_fuse: bool
    _cpus: str | None
    _memory: str | None
    _accelerators: AcceleratorSpec | None
    _accelerator_args: str
    _use_spot: bool | None
    _job_recovery: JobRecovery | None
    _images: images.Images
    _ports: tuple[str, ...]
    _labels: tuple[tuple[str, str], ...]
    _volumes: str
    _docker_login_config: DockerLogin | None
    _cluster_config_overrides: str

    def __init__(
        self,
        cloud: Cloud | str | None = None,
        instance_type: str | None = None,
        cpus: Amount = None,
        memory: Amount = None,
        accelerators: AcceleratorsInput = None,
        accelerator_args: Mapping[str, Any] | None = None,
        use_spot: bool | None = None,
        job_recovery: str | Mapping[str, Any] | None = None,
        region: str | None = None,
        zone: str | None = None,
        image_id: str | Mapping[str | None, str] | None = None,
        disk_size: int | str | None = None,
        disk_tier: str | DiskTier | None = None,
        ports: int | str | Iterable[int | str] | None = None,
        labels: Mapping[str, str] | None = None,
        _docker_login_config: DockerLogin | None = None,
        _is_image_managed: bool | None = None,
        _requires_fuse: bool | None = None,
        _cluster_config_overrides: Mapping[str, Any] | None = None,
        *,
        infra: str | None = None,
        network_tier: str | NetworkTier | None = None,
        local_disk: str | int | None = None,
        max_hourly_cost: float | str | None = None,
        autostop: Autostop | int | bool | str | Mapping[str, Any] | None = None,
        priority: int | None = None,
        volumes: Iterable[Mapping[str, Any]] | None = None,
        arch: str | None = None,
        allow_burstable: bool | None = None,
        allow_bare_metal: bool | None = None,
        allow_restricted_regions: bool | None = None,
    ) -> None:
        spec = accelerator_spec.parse(accelerators)
        asked = where.asked(cloud, region, zone, infra, instance_type)
        with where.written_as(infra):
            place = where.resolve(node_checks.with_tpu_cloud(asked, spec))
        values = {
            "cloud": place.cloud,
            "region": place.region,
            "zone": place.zone,
            "instance_type": place.instance_type,
            "disk_size": sizes.DEFAULT_DISK_GIB if disk_size is None else sizes.disk_gib(disk_size),
            "disk_tier": tiers.parse(DiskTier, disk_tier, "disk_tier"),
            "network_tier": tiers.parse(NetworkTier, network_tier, "network_tier"),
            "local_disk": tiers.local_disk_text(local_disk),
            "max_hourly_cost": node_checks.hourly_cost(max_hourly_cost),
            "autostop": idle_stop.parse(autostop),
            "priority": node_checks.priority(priority),
            "arch": node_checks.arch(arch),
            "allow_burstable": node_checks.flag(allow_burstable, "allow_burstable") or False,
            "allow_bare_metal": node_checks.flag(allow_bare_metal, "allow_bare_metal") or False,
            "allow_restricted_regions": node_checks.flag(allow_restricted_regions, "allow_restricted_regions")
            or False,
            "is_image_managed": _is_image_managed,
            "requires_fuse": bool(_requires_fuse),
            "_cpus": sizes.cpus_text(cpus),
            "_memory": sizes.memory_text(memory),
            "_accelerators": spec,
            "_accelerator_args": _frozen(accelerator_args),
            "_use_spot": node_checks.flag(use_spot, "use_spot"),
            "_job_recovery": recovery.parse(job_recovery),
            "_images": images.parse(image_id, place),
            "_ports": merged_ports(ports),
            "_labels": parse_labels(labels, place.cloud),
            "_volumes": _frozen(node_checks.volumes(volumes)),
            "_docker_login_config": _docker_login_config,
            "_cluster_config_overrides": _frozen(_cluster_config_overrides),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        node_checks.check_instance_type(place, self._cpus, self._memory)
        node_checks.check_features(place.cloud, self.get_required_cloud_features(), self.disk_tier)

    @property
    def cpus(self) -> str | None:
        """vCPUs as ``"4"`` or ``"4+"``; those of the instance type when only that was given."""
        shape = None if self._cpus else where.shape(self.cloud, self.instance_type)
        return sizes.cpus_text(shape.vcpus_milli / MILLI) if shape and shape.vcpus_milli else self._cpus

    @property
    def memory(self) -> str | None:
        """GiB as ``"32"``, ``"32+"``, or ``"2x"`` for each vCPU; the instance type's when unset."""
        shape = None if self._memory else where.shape(self.cloud, self.instance_type)
        return (
            sizes.memory_text(shape.memory_mib / MIB_PER_GIB) if shape and shape.memory_mib else self._memory
        )

    @property
    def accelerators(self) -> dict[str, Count] | None:
        """``{name: count}``, inferred from the instance type when unset; ``None`` where several would do."""
        if self._accelerators is not None:
            return self._accelerators.plain
        return dict(self._inferred_accelerators()) or None

    @property
    def accelerator_options(self) -> tuple[tuple[str, Count], ...]:
        """Every accepted (name, count); empty when no accelerator was asked for."""
        return self._inferred_accelerators() if self._accelerators is None else self._accelerators.options

    def _inferred_accelerators(self) -> tuple[tuple[str, Count], ...]:
        shape = where.shape(self.cloud, self.instance_type)
        if shape is None or not shape.accelerator:
            return ()
        whole, part = divmod(shape.accelerator_count_milli, MILLI)
        return ((shape.accelerator, shape.accelerator_count_milli / MILLI if part else whole),)

    @property
    def accelerator_text(self) -> str | None:
        """What was asked for as a task file says it: ``"A100:8"``, ``"80GB+:8"``."""
        return None if self._accelerators is None else self._accelerators.text

    @property
    def accelerator_args(self) -> dict[str, Any] | None:
        """Arguments of the accelerator (TPU runtime version, name, VM)."""
        args: dict[str, Any] | None = _thawed(self._accelerator_args)
        return args

    @property
    def use_spot(self) -> bool:
        """Whether spot was asked for."""
        return bool(self._use_spot)

    @property
    def use_spot_specified(self) -> bool:
        """Whether the market was chosen at all; a block that does not say matches both."""
        return self._use_spot is not None

    @property
    def job_recovery(self) -> dict[str, Any] | None:
        """Strategy and restarts of a managed job."""
        return None if self._job_recovery is None else self._job_recovery.to_yaml_config()

    @property
    def image_id(self) -> dict[str | None, str] | None:
        """``{region: image}``, the region ``None`` for any."""
        return dict(self._images) or None

    @property
    def ports(self) -> list[str] | None:
        """Ports to open, merged into the fewest ranges."""
        return list(self._ports) or None

    @property
    def labels(self) -> dict[str, str] | None:
        """Labels to put on the nodes."""
        return dict(self._labels) or None

    @property
    def volumes(self) -> list[dict[str, Any]] | None:
        """Volumes to attach to the node."""
        volumes: list[dict[str, Any]] | None = _thawed(self._volumes)
        return volumes

    @property
    def cluster_config_overrides(self) -> dict[str, Any]:
        """Configuration that applies to clusters of these resources alone."""
        return _thawed(self._cluster_config_overrides) or {}

    @property
    def docker_login_config(self) -> DockerLogin | None:
        """Login of the container image's registry."""
        return self._docker_login_config

    @property
    def infra(self) -> str | None:
        """The place as ``cloud/region/zone``."""
        return where.infra_text(self.cloud, self.region, self.zone)

    @property
    def sort_key(self) -> str:
        """A text that equal values share and others do not; its order is arbitrary but fixed."""
        return repr(self.given)

    @property
    def repr_with_region_zone(self) -> str:
        """The repr with the region and zone in it."""
        return compare.described(self, with_place=True)

    def __repr__(self) -> str:
        return compare.described(self, with_place=False)

    @property
    def given(self) -> dict[str, Any]:
        """Constructor arguments that make an equal value: what was asked for."""
        same = (
            *(
                "cloud",
                "region",
                "zone",
                "instance_type",
                "disk_size",
                "disk_tier",
                "network_tier",
                "local_disk",
            ),
            *("max_hourly_cost", "autostop", "priority", "arch", "allow_burstable", "allow_bare_metal"),
            *(
                "allow_restricted_regions",
                "accelerator_args",
                "job_recovery",
                "image_id",
                "ports",
                "labels",
                "volumes",
            ),
        )
        return {name: getattr(self, name) for name in same} | {
            "cpus": self._cpus,
            "memory": self._memory,
            "accelerators": self.accelerator_text,
            "use_spot": self._use_spot,
            "_docker_login_config": self._docker_login_config,
            "_is_image_managed": self.is_image_managed,
            "_requires_fuse": self.requires_fuse,
            "_cluster_config_overrides": self.cluster_config_overrides,
        }

    def is_launchable(self) -> bool:
        """Return whether cloud and instance type are both set."""
        return self.cloud is not None and self.instance_type is not None

    def is_empty(self) -> bool:
        """Return whether nothing was asked for."""
        return self == Resources()

    def copy(self, **override: Any) -> Resources:
        """Return these resources with constructor arguments replaced, validated again.

        ``infra`` replaces cloud, region and zone together.
        """
        kept = self.given
        if "infra" in override:
            kept.update(cloud=None, region=None, zone=None)
        return Resources(**{**kept, **override})

    def get_cost(self, seconds: float) -> float:
        """Return the lowest price in USD of one node for that time, in the region and market asked for.

        Opens the catalog. Raises ``MisuseError`` unless launchable, ``ResourcesUnavailableError``.
        """
        from sky.price import hourly_micro_usd

        return hourly_micro_usd(self) * seconds / 3_600 / 1_000_000

    def less_demanding_than(
        self, other: Resources | Sequence[Resources], requested_num_nodes: int = 1, check_ports: bool = False
    ) -> bool:
        """Return whether a cluster of ``other`` (one value, or one for each node) can run what these ask for.

        vCPUs, memory and disk size are not compared.
        """
        if isinstance(other, Resources):
            return compare.fits(self, other, check_ports=check_ports)
        return sum(compare.fits(self, node, check_ports=check_ports) for node in other) >= requested_num_nodes

    def should_be_blocked_by(self, blocked: Resources) -> bool:
        """Return whether ``blocked`` covers these: what it leaves unset matches anything, the market too."""
        return compare.covers(blocked, self)

    def get_valid_regions_for_launchable(self) -> list[Region]:
        """Return the regions, with their zones, that offer this; opens the catalog.

        Raises ``MisuseError`` unless launchable.
        """
        from sky.price import regions

        return regions(self)

    def valid_on_region_zones(self, region: str, zones: Iterable[str] | None = None) -> bool:
        """Return whether that region offers this in all those zones. Opens the catalog."""
        found = {
            each.name: {zone.name for zone in each.zones} for each in self.get_valid_regions_for_launchable()
        }
        return region in found and found[region].issuperset(zones or ())

    def get_required_cloud_features(self) -> set[CloudImplementationFeatures]:
        """Return what a cloud must be able to do for these."""
        return node_checks.required_features(
            spot=self.use_spot, tier=self.disk_tier, images=self._images, ports=self._ports
        )

    def extract_docker_image(self) -> str | None:
        """Return the container image of ``docker:IMAGE``, or ``None``."""
        return images.docker_image(self._images)

    def get_accelerators_str(self) -> str:
        """Return ``"V100:1"``, or ``"-"`` without one."""
        plain = self.accelerators
        if plain is None:
            return self.accelerator_text or "-"
        return ", ".join(f"{name}:{count}" for name, count in plain.items())

    def get_spot_str(self) -> str:
        """Return ``"[Spot]"`` or ``""``."""
        return "[Spot]" if self.use_spot else ""

    @classmethod
    def from_yaml_config(cls, config: Mapping[str, Any] | None) -> set[Resources] | list[Resources]:
        """Return the candidates of a ``resources:`` section: a set of any, or a list by preference."""
        from sky.resources_yaml import from_config

        return from_config(config)

    def to_yaml_config(self) -> dict[str, Any]:
        """Return the ``resources:`` section that reads back as this."""
        from sky.resources_yaml import to_config

        return to_config(self)


def _refuse_change(_: Resources, name: str, *_value: object) -> None:
    raise FrozenInstanceError(f"Resources never change; write resources.copy({name}=...)")


# What dataclass puts here for a class with slots knows the fields, and fails on a property such as cpus.
Resources.__setattr__ = Resources.__delattr__ = _refuse_change  # type: ignore[assignment, method-assign]


def _frozen(value: object) -> str:
    """Return ``value`` as JSON with sorted keys, ``""`` for nothing: hashable, and equal by value."""
    return json.dumps(value, sort_keys=True) if value else ""


def _thawed(text: str) -> Any:
    return json.loads(text) if text else None
