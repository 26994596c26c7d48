"""Clouds as values: their names, what they can do, and the limits of their names and labels.

Nothing here connects to a cloud. Which clouds have offers is asked of ``catalog.names``; which of them an
account may use is asked of the executors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from sky.exceptions import NotSupportedError, SpecError
from sky.fields.suggest import did_you_mean


class CloudImplementationFeatures(Enum):
    """What a cloud may be unable to do; the value is how a message names it."""

    STOP = "stop"
    MULTI_NODE = "multi-node"
    CLONE_DISK_FROM_CLUSTER = "clone_disk_from_cluster"
    IMAGE_ID = "image_id"
    DOCKER_IMAGE = "docker_image"
    SPOT_INSTANCE = "spot_instance"
    CUSTOM_DISK_TIER = "custom_disk_tier"
    OPEN_PORTS = "open_ports"
    STORAGE_MOUNTING = "storage_mounting"
    HOST_CONTROLLERS = "host_controllers"
    AUTO_TERMINATE = "auto_terminate"


_F = CloudImplementationFeatures
_ALL = frozenset(CloudImplementationFeatures)
_BASIC = _ALL - {_F.CLONE_DISK_FROM_CLUSTER, _F.CUSTOM_DISK_TIER}
_RENTED = _BASIC - {_F.SPOT_INSTANCE, _F.IMAGE_ID, _F.HOST_CONTROLLERS}
_NODES = frozenset({_F.MULTI_NODE, _F.OPEN_PORTS, _F.STORAGE_MOUNTING, _F.AUTO_TERMINATE})


@dataclass(frozen=True, slots=True)
class LabelRule:
    """What a label's key and value must fully match, and how a message says so."""

    key: str
    value: str
    meaning: str

    def problem(self, key: str, value: str) -> str | None:
        """Return why ``key: value`` is refused, or ``None``."""
        if re.fullmatch(self.key, key) is None:
            return f"label key {key!r} is not allowed: {self.meaning}"
        if re.fullmatch(self.value, value) is None:
            return f"label value {value!r} is not allowed: {self.meaning}"
        return None


_AWS_LABELS = LabelRule(
    r"(?!aws:)[\w .:/=+@-]{1,128}",
    r"[\w .:/=+@-]{0,256}",
    "AWS tags have keys of 1-128 and values of up to 256 letters, digits, spaces or _.:/=+-@, "
    "and no key starts with aws:",
)
_GCP_LABELS = LabelRule(
    r"[a-z][a-z0-9_-]{0,62}",
    r"[a-z0-9_-]{0,63}",
    "GCP labels have up to 63 lower-case letters, digits, _ or -, and keys start with a letter",
)
_KUBERNETES_LABELS = LabelRule(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?",
    r"([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?",
    "Kubernetes labels have up to 63 letters, digits, _ . or -, begin and end with a letter or digit, "
    "and keys may carry a DNS prefix/",
)
_AZURE_LABELS = LabelRule(
    r"[^<>%&\\?/]{1,512}",
    r".{0,256}",
    "Azure tags have keys of 1-512 characters without <>%&\\?/ and values of up to 256",
)


class Cloud:
    """A cloud by name. Two of the same class are equal; ``str`` gives the display name."""

    display_name: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    features: ClassVar[frozenset[CloudImplementationFeatures]] = _RENTED
    max_cluster_name_length: ClassVar[int | None] = None
    has_zones: ClassVar[bool] = False
    label_rule: ClassVar[LabelRule | None] = None

    @classmethod
    def canonical_name(cls) -> str:
        """Return the name in catalogs, state and YAML: lower case."""
        return cls.display_name.lower()

    def is_same_cloud(self, other: Cloud | None) -> bool:
        """Return whether ``other`` is this cloud."""
        return self == other

    def check_features_are_supported(self, requested: Iterable[CloudImplementationFeatures]) -> None:
        """Raise ``NotSupportedError`` naming every requested feature that this cloud does not have."""
        missing = sorted(feature.value for feature in set(requested) - self.features)
        if missing:
            raise NotSupportedError(f"{self} does not support {', '.join(missing)}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) if isinstance(other, Cloud) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.display_name)

    def __str__(self) -> str:
        return self.display_name

    __repr__ = __str__


class AWS(Cloud):
    """Amazon Web Services."""

    display_name = "AWS"
    features = _ALL
    max_cluster_name_length = 248
    has_zones = True
    label_rule = _AWS_LABELS


class Azure(Cloud):
    """Microsoft Azure."""

    display_name = "Azure"
    features = _ALL
    max_cluster_name_length = 42
    label_rule = _AZURE_LABELS


class GCP(Cloud):
    """Google Cloud Platform."""

    display_name = "GCP"
    features = _ALL
    max_cluster_name_length = 35
    has_zones = True
    label_rule = _GCP_LABELS


class Kubernetes(Cloud):
    """A Kubernetes cluster; its region is the context."""

    display_name = "Kubernetes"
    aliases = ("k8s",)
    features = _BASIC - {_F.STOP}
    max_cluster_name_length = 42
    label_rule = _KUBERNETES_LABELS


K8s = Kubernetes


class Lambda(Cloud):
    """Lambda Cloud."""

    display_name = "Lambda"
    features = _RENTED - {_F.STOP}
    max_cluster_name_length = 57


class Nebius(Cloud):
    """Nebius AI Cloud."""

    display_name = "Nebius"
    features = _BASIC
    max_cluster_name_length = 42


class Local(Cloud):
    """This machine."""

    display_name = "Local"
    features = frozenset({_F.STOP, _F.OPEN_PORTS, _F.AUTO_TERMINATE})


class SSH(Cloud):
    """A pool of machines reached by SSH; its region is the pool."""

    display_name = "SSH"
    features = _NODES


class Slurm(Cloud):
    """A Slurm cluster; its region is the cluster, its zone the partition."""

    display_name = "Slurm"
    features = _NODES
    has_zones = True


class Cudo(Cloud):
    """Cudo Compute."""

    display_name = "Cudo"
    features = _RENTED - {_F.DOCKER_IMAGE}
    max_cluster_name_length = 60


class DO(Cloud):
    """DigitalOcean."""

    display_name = "DO"
    aliases = ("digitalocean",)
    max_cluster_name_length = 255


class Fluidstack(Cloud):
    """Fluidstack."""

    display_name = "Fluidstack"
    features = _RENTED - {_F.STOP}
    max_cluster_name_length = 57


class Hyperbolic(Cloud):
    """Hyperbolic."""

    display_name = "Hyperbolic"
    features = _RENTED - {_F.STOP, _F.MULTI_NODE}


class IBM(Cloud):
    """IBM Cloud."""

    display_name = "IBM"
    features = (_RENTED | {_F.IMAGE_ID}) - {_F.DOCKER_IMAGE}
    max_cluster_name_length = 20
    has_zones = True


class Mithril(Cloud):
    """Mithril."""

    display_name = "Mithril"
    features = _RENTED | {_F.SPOT_INSTANCE}


class OCI(Cloud):
    """Oracle Cloud Infrastructure."""

    display_name = "OCI"
    features = _BASIC | {_F.CUSTOM_DISK_TIER}
    max_cluster_name_length = 200
    has_zones = True


class Paperspace(Cloud):
    """Paperspace."""

    display_name = "Paperspace"
    max_cluster_name_length = 120


class PrimeIntellect(Cloud):
    """Prime Intellect."""

    display_name = "PrimeIntellect"
    features = _RENTED - {_F.STOP, _F.MULTI_NODE}


class RunPod(Cloud):
    """RunPod."""

    display_name = "RunPod"
    features = (_RENTED | {_F.SPOT_INSTANCE, _F.IMAGE_ID}) - {_F.STOP}
    max_cluster_name_length = 120
    has_zones = True


class SCP(Cloud):
    """Samsung Cloud Platform."""

    display_name = "SCP"
    features = _RENTED - {_F.MULTI_NODE, _F.DOCKER_IMAGE}


class Seeweb(Cloud):
    """Seeweb."""

    display_name = "Seeweb"


class Shadeform(Cloud):
    """Shadeform."""

    display_name = "Shadeform"
    features = _RENTED - {_F.STOP}


class Vast(Cloud):
    """Vast.ai."""

    display_name = "Vast"
    features = (_RENTED | {_F.SPOT_INSTANCE, _F.IMAGE_ID}) - {_F.MULTI_NODE}


class Verda(Cloud):
    """Verda."""

    display_name = "Verda"
    features = _RENTED | {_F.SPOT_INSTANCE}


class Vsphere(Cloud):
    """VMware vSphere; its region is the vCenter."""

    display_name = "vSphere"
    features = _RENTED - {_F.OPEN_PORTS, _F.DOCKER_IMAGE}
    max_cluster_name_length = 80
    has_zones = True


class Yotta(Cloud):
    """Yotta."""

    display_name = "Yotta"
    features = _RENTED - {_F.STOP}


ALL_CLOUDS: tuple[type[Cloud], ...] = tuple(
    sorted(Cloud.__subclasses__(), key=lambda cloud: cloud.canonical_name())
)
_BY_NAME = {name: cloud for cloud in ALL_CLOUDS for name in (cloud.canonical_name(), *cloud.aliases)}


_FEATURES_OF = {
    "stop": _F.STOP,
    "multi-node": _F.MULTI_NODE,
    "spot": _F.SPOT_INSTANCE,
    "ports": _F.OPEN_PORTS,
    "image": _F.IMAGE_ID,
    "autostop": _F.AUTO_TERMINATE,
    "autodown": _F.AUTO_TERMINATE,
}
"""An executor's capability -> the feature of its cloud."""
_classes_brought: dict[str, type[Cloud]] = {}


def _brought(name: str) -> type[Cloud] | None:
    """Return the class of a cloud whose executor another package brings; ``None`` for no such name."""
    from executors import registry

    if name not in registry.names():
        return None
    if name not in _classes_brought:
        from catalog.names import names

        known = names()
        can = {_FEATURES_OF[each.value] for each in registry.load(name).capabilities}
        zoned = any(known.zones(name, region) for region in known.regions(name))
        fields = {"display_name": name, "features": frozenset(can), "has_zones": zoned}
        _classes_brought[name] = type(name, (Cloud,), fields)
    return _classes_brought[name]


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone of a region."""

    name: str


@dataclass(frozen=True, slots=True)
class Region:
    """A region, and those of its zones that qualify (empty where the cloud has none)."""

    name: str
    zones: tuple[Zone, ...] = ()


def from_str(name: str, field: str = "cloud") -> Cloud:
    """Return the cloud of that name or alias, case ignored: one of these, or one that a package brings.

    Raises ``SpecError`` with a hint.
    """
    folded = name.strip().lower()
    cloud = _BY_NAME.get(folded) or _brought(folded)
    if cloud is None:
        shown = [cloud.display_name for cloud in ALL_CLOUDS]
        hint = did_you_mean(name, [*shown, "k8s"]) or f" Known clouds: {', '.join(shown)}."
        raise SpecError(f"{name!r} is not a cloud.{hint}", *(field and [field]))
    return cloud()
