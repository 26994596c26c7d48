"""Small price lists in each provider's own format, to be served by ``provider``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def ec2_product(sku: str, instance_type: str, region: str = "us-east-1", **changed: str) -> dict[str, Any]:
    """One product of an EC2 offer file, with the attributes of the real ones that matter, and some others."""
    attributes = {
        "servicecode": "AmazonEC2",
        "location": "US East (N. Virginia)",
        "locationType": "AWS Region",
        "instanceType": instance_type,
        "vcpu": "8",
        "memory": "1,024 GiB",
        "physicalProcessor": "AMD EPYC 7R13",
        "tenancy": "Shared",
        "operatingSystem": "Linux",
        "licenseModel": "No License required",
        "usagetype": f"BoxUsage:{instance_type}",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "preInstalledSw": "NA",
        "regionCode": region,
    } | changed
    return {"sku": sku, "productFamily": "Compute Instance", "attributes": attributes}


def ec2_term(sku: str, price: str, currency: str = "USD", unit: str = "Hrs") -> dict[str, Any]:
    """The on-demand terms of one SKU."""
    code = f"{sku}.JRTCKXETXF"
    rate = {
        "rateCode": f"{code}.6YS6EN2CT7",
        "unit": unit,
        "beginRange": "0",
        "endRange": "Inf",
        "pricePerUnit": {currency: price},
        "appliesTo": [],
    }
    return {
        code: {
            "offerTermCode": "JRTCKXETXF",
            "sku": sku,
            "effectiveDate": "2026-11-01T00:00:00Z",
            "priceDimensions": {f"{code}.6YS6EN2CT7": rate},
            "termAttributes": {},
        }
    }


def ec2_offer_file(*entries: tuple[dict[str, Any], dict[str, Any]]) -> bytes:
    """A regional offer file of products and their terms, reserved ones beside them as in the real ones."""
    products = {product["sku"]: product for product, _ in entries}
    terms = {product["sku"]: term for product, term in entries}
    reserved = {sku: ec2_term(sku, "0.001") for sku in products}
    whole = {
        "formatVersion": "v1.0",
        "offerCode": "AmazonEC2",
        "publicationDate": "2026-11-02T00:00:00Z",
        "products": products,
        "terms": {"OnDemand": terms, "Reserved": reserved},
    }
    return json.dumps(whole).encode()


def ec2_files(regions: Mapping[str, bytes], version: str = "20261102") -> dict[str, bytes]:
    """The files of the Price List Bulk API by path, and the Spot Advisor's."""
    base = "/offers/v1.0/aws/AmazonEC2"
    index = {
        region: {"regionCode": region, "currentVersionUrl": f"{base}/{version}/{region}/index.json"}
        for region in regions
    }
    advisor = {
        "ranges": [{"index": 0, "label": "<5%", "max": 5}],
        "spot_advisor": {
            "us-east-1": {
                "Linux": {"m6a.2xlarge": {"s": 60, "r": 1}},
                "Windows": {"m6a.2xlarge": {"s": 10, "r": 4}},
            }
        },
    }
    return {
        f"{base}/current/region_index.json": json.dumps({"regions": index}).encode(),
        "/spot-advisor-data.json": json.dumps(advisor).encode(),
        **{f"{base}/{version}/{region}/index.json": body for region, body in regions.items()},
    }


def azure_item(size: str, price: float, region: str = "eastus", **changed: Any) -> dict[str, Any]:
    """One item of the Retail Prices API: the Linux meter of a size."""
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": region,
        "effectiveStartDate": "2026-10-01T00:00:00Z",
        "meterName": size,
        "productName": f"Virtual Machines {size} Series",
        "skuName": size,
        "serviceName": "Virtual Machines",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": f"Standard_{size}",
    } | changed


def gcp_sku(
    description: str,
    usd: float,
    unit: str = "h",
    market: str = "OnDemand",
    regions: tuple[str, ...] = ("us-central1",),
    currency: str = "USD",
) -> dict[str, Any]:
    """One SKU of the Cloud Billing Catalog API."""
    units, nanos = divmod(round(usd * 1e9), 10**9)
    rate = {
        "startUsageAmount": 0,
        "unitPrice": {"currencyCode": currency, "units": str(units), "nanos": nanos},
    }
    return {
        "description": description,
        "category": {"resourceFamily": "Compute", "resourceGroup": "CPU", "usageType": market},
        "serviceRegions": list(regions),
        "pricingInfo": [
            {
                "effectiveTime": "2026-11-20T00:00:00Z",
                "pricingExpression": {"usageUnit": unit, "tieredRates": [rate]},
            }
        ],
    }
