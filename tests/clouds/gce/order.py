"""What an order of an instance has to be, beyond its schema; the words are Google's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.clouds.gce import places
from tests.clouds.gce.answers import invalid, not_found

Json = dict[str, Any]

_KEY, _VALUE = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_METADATA_LIMIT = 256 * 1024


OwnImage = Callable[[str], "tuple[str, int] | None"]
"""Address -> the architecture and the least GiB of an image of the project's own; ``None`` for none."""


def check(project: str, zone: str, body: Json, own_image: OwnImage) -> None:
    """Raise the refusal that the order would get."""
    if not _NAME.fullmatch(body.get("name", "")):
        raise invalid(f"Invalid value for field 'resource.name': '{body.get('name', '')}'")
    kind = _in_zone(body.get("machineType", ""), zone, "machineTypes", "resource.machineType")
    if not places.has_type(zone, kind):
        raise invalid(
            f"Invalid value for field 'resource.machineType': '{body['machineType']}'. "
            f"Machine type with name '{kind}' does not exist in zone '{zone}'."
        )
    _check_labels(body.get("labels", {}))
    _check_metadata(body.get("metadata", {}))
    _check_gpus(zone, kind, body)
    _check_scheduling(body.get("scheduling", {}))
    _check_disks(zone, kind, body.get("disks", []), own_image)
    _check_network(project, body)


def _check_labels(labels: Json) -> None:
    for key, value in labels.items():
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise invalid(f"Invalid value for field 'resource.labels': '{key}: {value}'.")


def _check_metadata(metadata: Json) -> None:
    keys = [item["key"] for item in metadata.get("items", [])]
    if len(keys) != len(set(keys)):
        raise invalid("Invalid value for field 'resource.metadata': Duplicate metadata keys")
    for item in metadata.get("items", []):
        if len(item["value"]) > _METADATA_LIMIT:
            raise invalid(f"Value for metadata key '{item['key']}' is too large")


def _check_gpus(zone: str, kind: str, body: Json) -> None:
    attached = body.get("guestAccelerators", [])
    for each in attached:
        name = _in_zone(each["acceleratorType"], zone, "acceleratorTypes", "resource.guestAccelerators")
        if not places.has_gpu(name) or places.family(kind) != "n1":
            raise invalid(f"[{kind}, {name}] features are not compatible for creating instance.")
    with_gpus = attached or places.built_in_gpus(kind)
    if with_gpus and body.get("scheduling", {}).get("onHostMaintenance", "MIGRATE") == "MIGRATE":
        raise invalid("Instances with guest accelerators do not support live migration.")


def _check_scheduling(scheduling: Json) -> None:
    if scheduling.get("provisioningModel") == "SPOT":
        if scheduling.get("automaticRestart", False):
            raise invalid("Scheduling must have automaticRestart be false when provisioningModel is SPOT.")
        if scheduling.get("onHostMaintenance", "TERMINATE") != "TERMINATE":
            raise invalid("Scheduling must have onHostMaintenance be TERMINATE for SPOT.")
    elif "instanceTerminationAction" in scheduling:
        raise invalid("instanceTerminationAction is for SPOT and limited run time only.")


def _check_disks(zone: str, kind: str, disks: list[Json], own_image: OwnImage) -> None:
    if sum(bool(disk.get("boot")) for disk in disks) != 1:
        raise invalid("Invalid value for field 'resource.disks': a boot disk must be specified.")
    for disk in disks:
        params = disk.get("initializeParams", {})
        image = params.get("sourceImage", "").removeprefix("https://www.googleapis.com/compute/v1/")
        known = places.IMAGES.get(image) or own_image(image)
        if known is None:
            raise not_found(image)
        architecture, least_gib = known
        if architecture != places.architecture(kind):
            raise invalid(f"The image is {architecture} and {kind} is {places.architecture(kind)}.")
        if int(params.get("diskSizeGb", least_gib)) < least_gib:
            raise invalid(f"Requested disk size cannot be smaller than the image size ({least_gib} GB)")
        type_ = _in_zone(
            params.get("diskType", f"zones/{zone}/diskTypes/pd-standard"), zone, "diskTypes", "disk"
        )
        if not places.takes_disk(kind, type_):
            raise invalid(f"[{kind}, {type_}] features are not compatible for creating instance.")
        _check_labels(params.get("labels", {}))


def _check_network(project: str, body: Json) -> None:
    interfaces = body.get("networkInterfaces", [])
    if not interfaces:
        raise invalid("Invalid value for field 'resource.networkInterfaces': At least one is required.")
    for each in interfaces:
        if not each.get("network", "global/networks/default").endswith("global/networks/default"):
            raise not_found(f"projects/{project}/{each['network']}")
        if each.get("subnetwork", "/default").rpartition("/")[2] != "default":
            raise not_found(f"projects/{project}/{each['subnetwork']}")
    for tag in body.get("tags", {}).get("items", []):
        if not _NAME.fullmatch(tag):
            raise invalid(f"Invalid value for field 'resource.tags.items': '{tag}'")


def _in_zone(address: str, zone: str, collection: str, field: str) -> str:
    """Return the last part of an address that has to be of the zone."""
    found = re.search(rf"zones/([^/]+)/{collection}/([^/]+)$", address)
    if found is None or found[1] != zone:
        raise invalid(f"Invalid value for field '{field}': '{address}'. The URL is malformed.")
    return found[2]
