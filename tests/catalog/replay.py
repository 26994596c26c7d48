"""The snapshot in use as its providers would list it: real HTTP servers in each provider's format.

What is served is made of the snapshot's rows, so an honest refresh finds nothing new. A test that plants a
lie changes the lists before they are served. ``publish_few`` makes a small catalog the one in use.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow as pa

from catalog.query import mask_equal, mask_in
from catalog.snapshot import EMBEDDED, Snapshot, read_snapshot
from catalog.sources.gcp import UNTOLD
from catalog.sources.gcp_skus import family_of
from catalog.sources.spot_advisor import MONTHLY_RATE
from catalog.store import open_snapshot, publish
from tests.catalog.price_lists import azure_item, ec2_files, ec2_offer_file, ec2_product, ec2_term, gcp_sku
from tests.catalog.provider import Asked, Provider, serving

Row = dict[str, Any]
_AZURE_PAGE = 5_000
_GCP_PAGE = 5_000
_USD = 1_000_000


FEW = {
    "aws": ("us-east-1", "us-west-2", "eu-west-1"),
    "azure": ("eastus", "westeurope", "westus2"),
    "gcp": ("us-central1", "europe-west4", "us-west1"),
}
"""Regions of a small catalog that still has something to compare each of them with."""


def publish_few() -> Snapshot:
    """Publish the embedded snapshot's offers of ``FEW`` regions, and return that snapshot."""
    table = read_snapshot(EMBEDDED).table
    kept = sum(
        mask_equal(table, "cloud", cloud) & mask_in(table, "region", regions)
        for cloud, regions in FEW.items()
    )
    return publish(table.filter(pa.array(kept.astype(bool))))


def rows_of(cloud: str) -> list[Row]:
    """The rows of one cloud in the snapshot in use."""
    table = open_snapshot().table
    found: list[Row] = table.filter(pa.array(mask_equal(table, "cloud", cloud))).to_pylist()
    return found


@dataclass
class Ec2List:
    """EC2's prices by (region, type), as product and term; ``extra`` come beside them.

    A list that changed has another ``version``.
    """

    entries: dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    extra: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = field(default_factory=dict)
    advice: dict[str, Any] = field(default_factory=dict)
    version: int = 1

    @classmethod
    def honest(cls) -> Ec2List:
        made = cls()
        advice: dict[str, Any] = defaultdict(lambda: {"Linux": {}})
        for number, row in enumerate(rows_of("aws")):
            region, name, price = row["region"], row["instance_type"], row["price_micro_usd"] / _USD
            if row["spot_price_micro_usd"] is not None and row["interruption_ppm"] is not None:
                savings = round(100 * (1 - row["spot_price_micro_usd"] / row["price_micro_usd"]))
                bucket = int(np.argmin(np.abs(np.array(MONTHLY_RATE) - row["interruption_ppm"] / 1e6)))
                advice[region]["Linux"][name] = {"s": savings, "r": bucket}
            if (region, name) not in made.entries:
                sku = f"SKU{number:013}"
                shape = {
                    "vcpu": f"{row['vcpus_milli'] / 1_000:g}",
                    "memory": f"{row['memory_mib'] / 1_024:,g} GiB",
                    "gpu": f"{row['accelerator_count_milli'] / 1_000:g}",
                    "physicalProcessor": "AWS Graviton3" if row["arch"] == "arm64" else "Intel Xeon",
                }
                made.entries[region, name] = (
                    ec2_product(sku, name, region, **shape),
                    ec2_term(sku, f"{price:.10f}"),
                )
        made.advice = dict(advice)
        return made

    def serve(self, provider: Provider) -> None:
        regions: dict[str, list[Any]] = defaultdict(list)
        for (region, _), entry in self.entries.items():
            regions[region].append(entry)
        for region, entries in self.extra.items():
            regions[region] += entries
        bodies = {region: ec2_offer_file(*entries) for region, entries in sorted(regions.items())}
        files = ec2_files(bodies, f"version{self.version}")
        provider.files = {
            **files,
            "/spot-advisor-data.json": json.dumps({"spot_advisor": self.advice}).encode(),
        }


@dataclass
class AzureList:
    """Azure's meters in order."""

    items: list[dict[str, Any]]

    @classmethod
    def honest(cls) -> AzureList:
        items = []
        for row in rows_of("azure"):
            size, region = row["instance_type"].removeprefix("Standard_"), row["region"]
            whole = {"armSkuName": row["instance_type"]}
            items.append(azure_item(size, row["price_micro_usd"] / _USD, region, **whole))
            if row["spot_price_micro_usd"] is not None:
                spot = row["spot_price_micro_usd"] / _USD
                items.append(azure_item(size, spot, region, skuName=f"{size} Spot", **whole))
        return cls(items)

    def serve(self, provider: Provider) -> None:
        def answer(asked: Asked) -> Any:
            skip = int(parse_qs(urlsplit(asked.path).query).get("$skip", ["0"])[0])
            following = f"{provider.url}{asked.path.partition('&$skip')[0]}&$skip={skip + _AZURE_PAGE}"
            more = skip + _AZURE_PAGE < len(self.items)
            return {
                "Items": self.items[skip : skip + _AZURE_PAGE],
                "NextPageLink": following if more else None,
            }

        provider.answer = answer


@dataclass
class GcpList:
    """Google Cloud's SKUs: the part prices that the snapshot's machine prices are sums of."""

    skus: list[dict[str, Any]]

    @classmethod
    def honest(cls) -> GcpList:
        return cls([*_machine_skus(), *_whole_skus(), *_attached_skus()])

    def serve(self, provider: Provider) -> None:
        def answer(asked: Asked) -> Any:
            start = int(parse_qs(urlsplit(asked.path).query).get("pageToken", ["0"])[0])
            more = start + _GCP_PAGE < len(self.skus)
            token = str(start + _GCP_PAGE) if more else ""
            return {"skus": self.skus[start : start + _GCP_PAGE], "nextPageToken": token}

        provider.answer = answer


_MARKETS = (("price_micro_usd", "OnDemand"), ("spot_price_micro_usd", "Preemptible"))
"""The column of each market, and the usage type of its SKUs."""


_FAMILIES = {"c2": "Compute optimized", "m1": "Memory-optimized", "n1": "N1 Predefined", "a3-mega": "A3Plus"}
_MODELS = {
    "A100": "Tesla A100",
    "A100-80GB": "Tesla A100 80GB",
    "B200": "B200",
    "H100": "H100 80GB",
    "H100-MEGA": "H100 80GB Mega",
    "H200": "H200 141GB",
    "L4": "L4",
    "P100": "Tesla P100",
    "P4": "Tesla P4",
    "RTXPRO6000": "RTX 6000 96GB",
    "T4": "Tesla T4",
    "V100": "Tesla V100",
}


def _machine_skus() -> Iterator[dict[str, Any]]:
    """Yield the parts of each family and region, solved from the prices of its machines."""
    groups: dict[tuple[str, str, str], list[tuple[Row, str]]] = defaultdict(list)
    for row in rows_of("gcp"):
        name = row["instance_type"]
        attached = name.startswith("n1-") and row["accelerator"]
        if (
            not UNTOLD.match(name)
            and name not in {*_WHOLE, "e2-micro", "e2-small", "e2-medium"}
            and not attached
        ):
            for column, market in _MARKETS:
                if row[column] is not None:
                    groups[family_of(name), row["region"], market].append((row, column))
    for (family, region, market), machines in sorted(groups.items(), key=lambda group: group[0]):
        models = sorted({row["accelerator"] for row, _ in machines} - {""})
        amounts = np.array([_amounts(row, models) for row, _ in machines])
        prices = np.array([row[column] / _USD for row, column in machines])
        core, ram, *gpus = (float(price) for price in np.linalg.lstsq(amounts, prices, rcond=None)[0])
        spot = "Spot Preemptible " if market == "Preemptible" else ""
        called = _FAMILIES.get(family, family.upper())
        instance = "" if family == "c2" else " Instance"
        for what, usd, unit in (("Core", core, "h"), ("Ram", ram, "GiBy.h")):
            yield gcp_sku(
                f"{spot}{called}{instance} {what} running in {region}", usd, unit, market, (region,)
            )
        for model, usd in zip(models, gpus, strict=True):
            yield _gpu_sku(model, usd, market, region)


def _amounts(row: Row, models: list[str]) -> list[float]:
    gpus = [row["accelerator_count_milli"] / 1_000 * (row["accelerator"] == model) for model in models]
    return [row["vcpus_milli"] / 1_000, row["memory_mib"] / 1_024, *gpus]


def _gpu_sku(model: str, usd: float, market: str, region: str) -> dict[str, Any]:
    where = "attached to Spot Preemptible VMs running in" if market == "Preemptible" else "running in"
    return gcp_sku(f"Nvidia {_MODELS[model]} GPU {where} {region}", usd, "h", market, (region,))


_WHOLE = {"f1-micro": "Micro Instance with burstable CPU", "g1-small": "Small Instance with 1 VCPU"}


def _whole_skus() -> Iterator[dict[str, Any]]:
    done = set()
    for row in rows_of("gcp"):
        name, region = row["instance_type"], row["region"]
        if name in _WHOLE and (name, region) not in done:
            done.add((name, region))
            for column, market in _MARKETS:
                if row[column] is not None:
                    yield gcp_sku(
                        f"{_WHOLE[name]} running in {region}", row[column] / _USD, "h", market, (region,)
                    )


def _attached_skus() -> Iterator[dict[str, Any]]:
    """Yield the GPUs that are attached to N1: what the machine with them costs beyond the one without."""
    bare = {
        (row["region"], row["instance_type"]): row
        for row in rows_of("gcp")
        if row["instance_type"].startswith("n1-") and not row["accelerator"]
    }
    done = set()
    for row in rows_of("gcp"):
        base = bare.get((row["region"], row["instance_type"]))
        if not row["accelerator"] or base is None or (row["accelerator"], row["region"]) in done:
            continue
        done.add((row["accelerator"], row["region"]))
        for column, market in _MARKETS:
            if row[column] is not None and base[column] is not None:
                one = (row[column] - base[column]) / (row["accelerator_count_milli"] / 1_000) / _USD
                yield _gpu_sku(row["accelerator"], one, market, row["region"])


@dataclass
class Replay:
    """The lists of all providers, and the environment that leads to them once they are ``served``."""

    aws: Ec2List = field(default_factory=Ec2List.honest)
    azure: AzureList = field(default_factory=AzureList.honest)
    gcp: GcpList = field(default_factory=GcpList.honest)

    servers: dict[str, Provider] = field(default_factory=dict)

    @contextmanager
    def served(self) -> Iterator[dict[str, str]]:
        """Serve the lists as they are now; yields the variables that point the sources at them."""
        with ExitStack() as stack:
            self.servers = {name: stack.enter_context(serving()) for name in ("aws", "azure", "gcp")}
            self.serve()
            yield {
                "SKY_CATALOG_AWS_URL": self.servers["aws"].url,
                "SKY_CATALOG_AWS_SPOT_ADVISOR_URL": self.servers["aws"].url,
                "SKY_CATALOG_AZURE_URL": self.servers["azure"].url,
                "SKY_CATALOG_GCP_BILLING_URL": self.servers["gcp"].url,
                "SKY_GCP_API_KEY": "replayed",
                "NO_GCE_CHECK": "true",
                "AWS_EC2_METADATA_DISABLED": "true",
            }

    def serve(self) -> None:
        """Let the servers answer with the lists as they are now."""
        for name, provider in self.servers.items():
            getattr(self, name).serve(provider)
