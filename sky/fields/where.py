"""Where: cloud, region, zone and instance type, completed and checked against the catalog's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from catalog import names as catalog_names
from catalog.names import InstanceType, Names
from sky import clouds, config
from sky.exceptions import SpecError
from sky.fields.infra import parse as parse_infra
from sky.fields.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Where:
    """A place and a kind of machine; ``None`` restricts nothing."""

    cloud: clouds.Cloud | None
    region: str | None
    zone: str | None
    instance_type: str | None


def resolve(asked: Where) -> Where:
    """Return ``asked`` with the cloud that its names imply, and the region of its zone. Raises ``SpecError``.

    A region that several clouds have leaves the cloud open. Clouds without catalog rows (Kubernetes, SSH,
    Slurm, this machine) accept any region and instance type.
    """
    if asked.region is None and asked.zone is None and asked.instance_type is None:
        return asked
    known = catalog_names.names()
    cloud = asked.cloud or _implied_cloud(asked, known)
    if cloud is None:
        return asked
    name = cloud.canonical_name()
    if asked.zone is not None and not cloud.has_zones:
        raise SpecError(f"{cloud} has no zones; name a region only", "zone")
    if name not in known.clouds:
        return Where(cloud, asked.region, asked.zone, asked.instance_type)
    if asked.region is not None and asked.region not in known.regions(name):
        _refuse("region", asked.region, cloud, known.regions(name))
    region = (
        _region_of_zone(asked.zone, asked.region, cloud, known) if asked.zone is not None else asked.region
    )
    if asked.instance_type is not None and known.instance_type(name, asked.instance_type) is None:
        _refuse("instance_type", asked.instance_type, cloud, known.instance_types(name))
    return Where(cloud, region, asked.zone, asked.instance_type)


@contextmanager
def written_as(infra: str | None) -> Iterator[None]:
    """Blame ``infra`` for what is wrong with its parts, when the place was written so."""
    try:
        yield
    except SpecError as error:
        if infra is not None and error.path in {("cloud",), ("region",), ("zone",)}:
            error.path = ("infra",)
        raise


def shape(cloud: clouds.Cloud | None, instance_type: str | None) -> InstanceType | None:
    """Return what a node of that instance type holds, ``None`` where the catalog does not say."""
    if cloud is None or instance_type is None:
        return None
    return catalog_names.names().instance_type(cloud.canonical_name(), instance_type)


def _implied_cloud(asked: Where, known: Names) -> clouds.Cloud | None:
    """Return the one cloud that has every name asked for, ``None`` where several have the place."""
    tests: list[tuple[str, str | None, Callable[[str], Sequence[str]], Callable[[str], Iterable[str]]]] = [
        ("instance_type", asked.instance_type, known.clouds_with_instance_type, known.instance_types),
        ("zone", asked.zone, known.clouds_with_zone, lambda cloud: _all_zones(cloud, known)),
        ("region", asked.region, known.clouds_with_region, known.regions),
    ]
    allowed = [cloud for cloud in known.clouds if cloud in (config.allowed_clouds() or known.clouds)]
    left = allowed
    for field, name, having, listing in tests:
        if name is None:
            continue
        found = set(having(name))
        if not found.intersection(allowed):
            everything = [each for cloud in allowed for each in listing(cloud)]
            raise SpecError(f"no cloud has {_words(field)} {name!r}.{did_you_mean(name, everything)}", field)
        left = [cloud for cloud in left if cloud in found]
        if not left:
            raise SpecError(
                f"no cloud has {_words(field)} {name!r} together with the other names given", field
            )
    if len(left) > 1 and asked.instance_type is not None:
        shown = ", ".join(str(clouds.from_str(cloud)) for cloud in left)
        raise SpecError(
            f"ambiguous instance type {asked.instance_type!r}: {shown} have it; name the cloud too",
            "instance_type",
        )
    return clouds.from_str(left[0]) if len(left) == 1 else None


def _region_of_zone(zone: str, region: str | None, cloud: clouds.Cloud, known: Names) -> str:
    name = cloud.canonical_name()
    found = known.region_of_zone(name, zone)
    if found is None:
        _refuse("zone", zone, cloud, known.zones(name, region) if region else _all_zones(name, known))
    if region is not None and found != region:
        raise SpecError(f"zone {zone!r} lies in region {found!r}, not in {region!r}", "zone")
    return found


def _all_zones(cloud: str, known: Names) -> list[str]:
    return [zone for region in known.regions(cloud) for zone in known.zones(cloud, region)]


def _refuse(field: str, name: str, cloud: clouds.Cloud, listed: Iterable[str]) -> NoReturn:
    raise SpecError(f"invalid {_words(field)} {name!r} for {cloud}.{did_you_mean(name, listed)}", field)


def _words(field: str) -> str:
    return field.replace("_", " ")


def asked(
    cloud: clouds.Cloud | str | None,
    region: str | None,
    zone: str | None,
    infra: str | None,
    instance_type: str | None,
) -> Where:
    """Return the place that was written, by parts or as ``infra``. Raises ``SpecError`` when both were."""
    if infra is not None:
        if cloud is not None or region is not None or zone is not None:
            raise SpecError("say where by infra, or by cloud, region and zone, not by both", "infra")
        return Where(*parse_infra(infra), instance_type)
    named = clouds.from_str(cloud) if isinstance(cloud, str) else cloud
    if named is not None and not isinstance(named, clouds.Cloud):
        raise SpecError(f"must be a cloud such as sky.AWS() or 'aws', not {named!r}", "cloud")
    for field, name in (("region", region), ("zone", zone), ("instance_type", instance_type)):
        if name is not None and not isinstance(name, str):
            raise SpecError(f"must be text, not {name!r}", field)
    return Where(named, region, zone, instance_type)


def infra_text(cloud: clouds.Cloud | None, region: str | None, zone: str | None) -> str | None:
    """Return the shortest infra text for that place, ``None`` when it is anywhere."""
    parts = [cloud.canonical_name() if cloud else "*", region or "*", zone or "*"]
    while parts and parts[-1] == "*":
        parts.pop()
    return "/".join(parts) or None
