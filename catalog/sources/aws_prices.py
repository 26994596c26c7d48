"""EC2's public price list: offer files of gigabytes, read as streams and boiled down to a row a type.

The format is that of the AWS Price List Bulk API ("Reading the service price list file for an Amazon Web
Services service"): ``products`` by SKU, and ``terms.OnDemand`` by SKU. Kept is Linux on shared hardware,
without licence or software, used now and paid by the hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from catalog.errors import SourceError
from catalog.facts import USD

_READ_BYTES = 1 << 20

_WANTED = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "locationType": "AWS Region",
}
_FAMILIES = ("Compute Instance", "Compute Instance (bare metal)")


@dataclass(frozen=True, slots=True)
class Listed:
    """An instance type at its price in ``currency`` an hour, with what the list says of its shape."""

    region: str
    instance_type: str
    price: float
    currency: str
    arch: str
    vcpus: float | None
    memory_gib: float | None
    accelerators: float
    as_of: date | None


def read(path: Path, source: str) -> Iterator[Listed]:
    """Yield the on-demand prices of an offer file, several of one type where the list has several.

    Reads the file twice and keeps only what is wanted of it. Raises ``SourceError`` when it is no offer file.
    """
    import ijson

    products: dict[str, Mapping[str, Any]] = {}
    priced = 0
    try:
        with path.open("rb") as file:
            for sku, product in ijson.kvitems(file, "products", buf_size=_READ_BYTES):
                if _is_wanted(product):
                    products[sku] = _kept(product["attributes"])
        with path.open("rb") as file:
            for sku, terms in ijson.kvitems(file, "terms.OnDemand", buf_size=_READ_BYTES):
                attributes = products.get(sku)
                if attributes is None:
                    continue
                for price in _prices(terms):
                    priced += 1
                    yield _listed(attributes, *price)
    except (ijson.JSONError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(
            source, f"{path.name} is not an EC2 offer file as known here ({error!r}); nothing of it was taken"
        ) from error
    if not priced:
        raise SourceError(source, f"{path.name} prices no Linux instance; nothing of it was taken")


def _is_wanted(product: Mapping[str, Any]) -> bool:
    if product.get("productFamily") not in _FAMILIES:
        return False
    attributes = product["attributes"]
    return (
        all(attributes.get(name) == value for name, value in _WANTED.items())
        and attributes.get("marketoption", "OnDemand") == "OnDemand"
        and attributes.get("licenseModel", "No License required") == "No License required"
    )


def _kept(attributes: Mapping[str, Any]) -> dict[str, Any]:
    names = ("regionCode", "instanceType", "vcpu", "memory", "physicalProcessor", "gpu")
    return {name: attributes[name] for name in names if name in attributes}


def _prices(terms: Mapping[str, Any]) -> Iterator[tuple[float, str, str]]:
    """Yield price, currency and date of each rate by the hour that is not nothing."""
    for term in terms.values():
        for rate in term["priceDimensions"].values():
            if rate["unit"] != "Hrs":
                continue
            units = rate["pricePerUnit"]
            currency = USD if USD in units else min(units)
            if float(units[currency]):
                yield float(units[currency]), currency, term.get("effectiveDate", "")


def _listed(attributes: Mapping[str, Any], price: float, currency: str, effective: str) -> Listed:
    memory = attributes.get("memory", "NA").removesuffix(" GiB").replace(",", "")
    vcpus = attributes.get("vcpu", "NA")
    return Listed(
        region=attributes["regionCode"],
        instance_type=attributes["instanceType"],
        price=price,
        currency=currency,
        arch="arm64" if "Graviton" in attributes.get("physicalProcessor", "") else "x86_64",
        vcpus=None if vcpus == "NA" else float(vcpus),
        memory_gib=None if memory == "NA" else float(memory),
        accelerators=float(attributes.get("gpu") or 0),
        as_of=date.fromisoformat(effective[:10]) if effective else None,
    )
