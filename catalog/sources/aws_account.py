"""What EC2 tells an account: shapes, the zones that have them, and spot prices of now by zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from catalog.accelerators import canonical
from catalog.sources.shapes import Accelerators, Shape
from catalog.units import MIB_PER_GIB

if TYPE_CHECKING:
    from catalog.sources.work import Work

CREDENTIALS = (
    "Prices need none; with an AWS account's (ec2:DescribeRegions, ec2:DescribeInstanceTypes,"
    " ec2:DescribeInstanceTypeOfferings, ec2:DescribeSpotPriceHistory) zones, new types and true spot prices"
    " are read, too."
)
_REGIONS_AT_ONCE = 8
_LARGE = {"A100": ("A100-80GB", 60), "V100": ("V100-32GB", 24)}
"""Models that come with two sizes of memory under one name: the larger one's name, and from how many GiB."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A spot price in USD an hour, and its day."""

    price: float
    as_of: date


@dataclass(slots=True)
class Account:
    """What the account sees: shapes by type, zones by (region, type), spot by (region, zone, type)."""

    shapes: dict[str, Shape] = field(default_factory=dict)
    zones: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    spots: dict[tuple[str, str, str], Spot] = field(default_factory=dict)


def read(work: Work, wanted: Sequence[str]) -> Account | None:
    """Return what an account sees of the ``wanted`` regions that it has enabled.

    ``None`` without boto3 or credentials. Raises ``SourceError`` when EC2 refuses.
    """
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return None
    session = boto3.Session()
    if session.get_credentials() is None:
        return None
    account = Account()
    try:
        home = session.client("ec2", region_name=session.region_name or "us-east-1")
        enabled = {each["RegionName"] for each in home.describe_regions()["Regions"]}
        regions = [name for name in wanted if name in enabled]
        clients = {name: session.client("ec2", region_name=name) for name in regions}
        with ThreadPoolExecutor(_REGIONS_AT_ONCE, "catalog-aws") as pool:
            seen = pool.map(lambda name: _of_region(clients[name], name, work.stop.is_set), regions)
            for done, part in enumerate(seen, 1):
                account.shapes |= part.shapes
                account.zones |= part.zones
                account.spots |= part.spots
                work.progress(done, len(regions), "regions of the account")
    except (BotoCoreError, ClientError) as error:
        raise work.fail(
            f"EC2 refused ({error}); mend the credentials, or unset them to read the prices alone"
        ) from error
    return account


def _of_region(client: Any, region: str, stopped: Callable[[], bool]) -> Account:
    part = Account()
    for each in _pages(client, "describe_instance_types", "InstanceTypes", stopped):
        part.shapes[each["InstanceType"]] = shape_of(each)
    for each in _pages(
        client,
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        stopped,
        LocationType="availability-zone",
    ):
        part.zones.setdefault((region, each["InstanceType"]), []).append(each["Location"])
    now = datetime.now(timezone.utc)
    newest: dict[tuple[str, str, str], datetime] = {}
    for each in _pages(
        client,
        "describe_spot_price_history",
        "SpotPriceHistory",
        stopped,
        StartTime=now,
        ProductDescriptions=["Linux/UNIX"],
    ):
        key = (region, each["AvailabilityZone"], each["InstanceType"])
        if key not in newest or each["Timestamp"] > newest[key]:
            newest[key] = each["Timestamp"]
            part.spots[key] = Spot(float(each["SpotPrice"]), each["Timestamp"].date())
    return part


def _pages(
    client: Any, call: str, key: str, stopped: Callable[[], bool], **request: Any
) -> Iterator[Mapping[str, Any]]:
    for page in client.get_paginator(call).paginate(**request):
        if stopped():
            return
        yield from page[key]


def shape_of(described: Mapping[str, Any]) -> Shape:
    """Return the shape in one entry of DescribeInstanceTypes."""
    architectures = described["ProcessorInfo"]["SupportedArchitectures"]
    accelerators = [
        *_gpus(described.get("GpuInfo", {})),
        *(_plain(each) for each in described.get("NeuronInfo", {}).get("NeuronDevices", ())),
        *(_plain(each) for each in described.get("FpgaInfo", {}).get("Fpgas", ())),
    ]
    if not accelerators:
        inference = described.get("InferenceAcceleratorInfo", {}).get("Accelerators", ())
        accelerators = [_plain(each) for each in inference]
    return Shape(
        arch="arm64" if "arm64" in architectures else "x86_64",
        vcpus=float(described["VCpuInfo"]["DefaultVCpus"]),
        memory_gib=described["MemoryInfo"]["SizeInMiB"] / MIB_PER_GIB,
        accelerators=tuple(accelerators[:1]),
    )


def _gpus(info: Mapping[str, Any]) -> Iterator[Accelerators]:
    for gpu in info.get("Gpus", ()):
        memory = gpu.get("MemoryInfo", {}).get("SizeInMiB", 0) / MIB_PER_GIB
        name = canonical(gpu["Name"])
        large, from_gib = _LARGE.get(name, (name, 0))
        count = gpu.get("GpuPartitionSize") or gpu["Count"]
        yield Accelerators(large if memory >= from_gib else name, float(count), memory or None)


def _plain(device: Mapping[str, Any]) -> Accelerators:
    memory = device.get("MemoryInfo", {}).get("SizeInMiB", 0) / MIB_PER_GIB
    return Accelerators(canonical(device["Name"]), float(device["Count"]), memory or None)
