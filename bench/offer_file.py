"""An EC2 offer file of any size, in the proportions of the real ones: mostly reserved terms, little Linux."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

_FAMILIES = [
    f"{kind}{generation}{suffix}"
    for kind in "cmrtgpixz"
    for generation in "45678"
    for suffix in ("", "a", "i")
]
_SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "48xlarge")
_TENANCIES = ("Shared", "Dedicated", "Host")
_SYSTEMS = ("Linux", "Windows", "RHEL", "SUSE", "Ubuntu Pro")
_CAPACITIES = ("Used", "UnusedCapacityReservation", "AllocatedCapacityReservation")
_VARIANTS = tuple(itertools.product(_TENANCIES, _SYSTEMS, _CAPACITIES))
_TYPES = tuple(f"{family}.{size}" for family, size in itertools.product(_FAMILIES, _SIZES))
_RESERVED_OFFERS = 11
_SKU = "@SKU@"


def write_offer_file(path: Path, size_bytes: int) -> int:
    """Write at least ``size_bytes`` and return how many Linux prices on demand are among it."""
    on_demand, reserved = (json.dumps(_terms(_SKU, offers), indent=1) for offers in (1, _RESERVED_OFFERS))
    products = size_bytes // (len(json.dumps(_product(0), indent=1)) + len(on_demand) + len(reserved)) + 1
    with path.open("w", encoding="ascii") as file:
        file.write('{"formatVersion":"v1.0","offerCode":"AmazonEC2","products":{')
        _write_all(file, products, lambda number: json.dumps(_product(number), indent=1))
        file.write('},"terms":{"OnDemand":{')
        _write_all(file, products, lambda number: on_demand.replace(_SKU, _sku(number)))
        file.write('},"Reserved":{')
        _write_all(file, products, lambda number: reserved.replace(_SKU, _sku(number)))
        file.write("}}}\n")
    return sum(_variant(number) == ("Shared", "Linux", "Used") for number in range(products))


def _write_all(file: TextIO, products: int, text_of: Callable[[int], str]) -> None:
    for number in range(products):
        print(f'{"," if number else ""}"{_sku(number)}":{text_of(number)}', file=file)


def _sku(number: int) -> str:
    return f"{number:016X}"


def _variant(number: int) -> tuple[str, str, str]:
    return _VARIANTS[number // len(_TYPES) % len(_VARIANTS)]


def _product(number: int) -> dict[str, Any]:
    tenancy, system, capacity = _variant(number)
    instance_type = _TYPES[number % len(_TYPES)]
    return {
        "sku": _sku(number),
        "productFamily": "Compute Instance",
        "attributes": {
            "servicecode": "AmazonEC2",
            "location": "US East (N. Virginia)",
            "locationType": "AWS Region",
            "instanceType": instance_type,
            "currentGeneration": "Yes",
            "instanceFamily": "General purpose",
            "vcpu": "8",
            "physicalProcessor": "Intel Xeon Platinum 8175",
            "clockSpeed": "3.1 GHz",
            "memory": "32 GiB",
            "storage": "EBS only",
            "networkPerformance": "Up to 10 Gigabit",
            "processorArchitecture": "64-bit",
            "tenancy": tenancy,
            "operatingSystem": system,
            "licenseModel": "No License required",
            "usagetype": f"BoxUsage:{instance_type}",
            "operation": "RunInstances",
            "availabilityzone": "NA",
            "capacitystatus": capacity,
            "dedicatedEbsThroughput": "Up to 2120 Mbps",
            "enhancedNetworkingSupported": "Yes",
            "marketoption": "OnDemand",
            "normalizationSizeFactor": "16",
            "preInstalledSw": "NA",
            "processorFeatures": "Intel AVX; Intel AVX2; Intel AVX512; Intel Turbo",
            "regionCode": f"region-{number // (len(_TYPES) * len(_VARIANTS))}",
            "servicename": "Amazon Elastic Compute Cloud",
            "vpcnetworkingsupport": "true",
        },
    }


def _terms(sku: str, offers: int) -> dict[str, Any]:
    return {f"{sku}.T{offer}": _term(sku, f"{sku}.T{offer}", reserved=offers > 1) for offer in range(offers)}


def _term(sku: str, code: str, *, reserved: bool) -> dict[str, Any]:
    leases = {"LeaseContractLength": "1yr", "OfferingClass": "standard", "PurchaseOption": "No Upfront"}
    return {
        "offerTermCode": code.rpartition(".")[2],
        "sku": sku,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "priceDimensions": {
            f"{code}.6YS6EN2CT7": {
                "rateCode": f"{code}.6YS6EN2CT7",
                "description": "$0.384 per Instance Hour",
                "beginRange": "0",
                "endRange": "Inf",
                "unit": "Hrs",
                "pricePerUnit": {"USD": "0.3840000000"},
                "appliesTo": [],
            }
        },
        "termAttributes": leases if reserved else {},
    }
