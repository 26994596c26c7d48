"""Google Cloud: machine types by zone, and machine prices composed of the billing catalog's parts.

The Cloud Billing Catalog API prices a vCPU and a GiB of each family, and a GPU of each model, by region and
market; a machine costs what its parts cost ("All pricing", Compute Engine docs). Machine types come from the
Compute API's aggregated list. Both want credentials; the catalog of prices takes an API key as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from catalog.accelerators import lookup
from catalog.facts import facts_of_rows
from catalog.sources.base import endpoint
from catalog.sources.gcp_skus import Prices, read_skus
from catalog.sources.shapes import Accelerators, Known, known
from catalog.sources.work import Work
from catalog.units import MIB_PER_GIB

if TYPE_CHECKING:
    import pyarrow as pa

BILLING = "https://cloudbilling.googleapis.com"
COMPUTE = "https://compute.googleapis.com"
_COMPUTE_ENGINE = "6F81-5844-456A"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform.read-only"

_SSD_GIB = 375
"""A partition of local SSD ("About Local SSD disks")."""

_HAS_SSDS = re.compile(r"(a2-ultragpu|a3-|a4-|z3-)|.*lssd")
"""Machine types that come with local SSDs, as far as names tell."""

UNTOLD = re.compile(rf"TPU|tpu-|m[24]-|.*-metal|{_HAS_SSDS.pattern}")
"""Machine types that are not, or not always, priced here: their offers stay where this list has none."""

_ARM = frozenset({"c4a", "n4a", "t2a"})

_GPUS = {
    "nvidia-tesla-t4": "T4",
    "nvidia-tesla-v100": "V100",
    "nvidia-tesla-p100": "P100",
    "nvidia-tesla-p4": "P4",
    "nvidia-tesla-a100": "A100",
    "nvidia-a100-80gb": "A100-80GB",
    "nvidia-h100-80gb": "H100",
    "nvidia-h100-mega-80gb": "H100-MEGA",
    "nvidia-h200-141gb": "H200",
    "nvidia-b200": "B200",
    "nvidia-l4": "L4",
    "nvidia-rtx-pro-6000": "RTXPRO6000",
}
"""Compute Engine's names of accelerators ("GPU machine types") and the catalog's."""


class Gcp:
    """The source of Google Cloud's offers; TPUs are not among them."""

    name = "gcp"
    cloud = "gcp"
    untold = UNTOLD
    credentials = (
        "It needs Application Default Credentials with compute.machineTypes.list in a project"
        " (GOOGLE_CLOUD_PROJECT), or SKY_GCP_API_KEY for the prices of the machine types known already."
    )

    def fetch(self, work: Work) -> pa.Table:
        """Return the machine types whose parts are all priced. Raises ``SourceError``."""
        caller = _caller(work)
        prices = read_skus(
            work.pages(
                f"{endpoint('gcp_billing', BILLING)}/v1/services/{_COMPUTE_ENGINE}/skus",
                {"pageSize": "5000", "currencyCode": "USD"},
                name="skus",
                following=_next_page,
                headers=caller.headers,
            ),
            work,
        )
        before = known("gcp")
        machines = list(_listed(work, caller) if caller.logged_in else _known(before))
        rows = list(_rows(machines, prices, before))
        if not rows:
            raise work.fail("no machine type could be priced: the billing catalog has changed its form")
        return facts_of_rows(rows, "+".join(sorted(prices.currencies)))


def _next_page(page: Mapping[str, Any]) -> dict[str, str] | None:
    token = page.get("nextPageToken")
    return {"pageToken": token} if token else None


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who asks: logged in, for a project, or with an API key alone. Either goes into the headers."""

    headers: Mapping[str, str] = field(repr=False)
    logged_in: bool
    project: str = ""

    @classmethod
    def with_key(cls, key: str) -> _Caller:
        return cls({"X-Goog-Api-Key": key}, logged_in=False)


def _caller(work: Work) -> _Caller:
    key = os.environ.get("SKY_GCP_API_KEY", "")
    try:
        import google.auth
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request
    except ImportError:
        if key:
            return _Caller.with_key(key)
        raise work.fail("needs google-auth (the extra [gcp]), or an API key in SKY_GCP_API_KEY") from None
    try:
        credentials, project = google.auth.default(scopes=[_SCOPE])
        credentials.refresh(Request())  # type: ignore[no-untyped-call]
    except GoogleAuthError as error:
        if key:
            return _Caller.with_key(key)
        raise work.fail(
            f"no credentials ({error}): run `gcloud auth application-default login`, or set SKY_GCP_API_KEY"
        ) from error
    named = os.environ.get("GOOGLE_CLOUD_PROJECT") or os.environ.get("CLOUDSDK_CORE_PROJECT") or project or ""
    return _Caller({"Authorization": f"Bearer {credentials.token}"}, logged_in=True, project=named)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine type in one zone; ``gpus`` are built in, and there is a choice of them on N1."""

    region: str
    zone: str
    name: str
    vcpus: float
    memory_gib: float
    gpus: tuple[Accelerators, ...]
    ssd_gib: float


def _listed(work: Work, caller: _Caller) -> Iterator[Machine]:
    """Yield what the Compute API lists."""
    if not caller.project:
        raise work.fail("needs a project: set GOOGLE_CLOUD_PROJECT")
    pages = work.pages(
        f"{endpoint('gcp_compute', COMPUTE)}/compute/v1/projects/{caller.project}/aggregated/machineTypes",
        {"maxResults": "500"},
        name="machine-types",
        following=_next_page,
        headers=caller.headers,
    )
    try:
        for page in pages:
            for place, part in page.get("items", {}).items():
                for each in part.get("machineTypes", ()):
                    if each.get("deprecated", {}).get("state") not in {"OBSOLETE", "DELETED"}:
                        yield _machine(place.removeprefix("zones/"), each)
    except (AttributeError, KeyError, TypeError) as error:
        raise work.fail(f"the list of machine types has changed its form ({error!r})") from error


def _machine(zone: str, each: Mapping[str, Any]) -> Machine:
    gpus = [
        Accelerators(_GPUS.get(gpu["guestAcceleratorType"], ""), gpu["guestAcceleratorCount"], None)
        for gpu in each.get("accelerators", ())
    ]
    ssds = each.get("bundledLocalSsds", {}).get("partitionCount", 0)
    return Machine(
        region=zone.rpartition("-")[0],
        zone=zone,
        name=each["name"],
        vcpus=float(each["guestCpus"]),
        memory_gib=each["memoryMb"] / MIB_PER_GIB,
        gpus=tuple(gpus[:1]),
        ssd_gib=ssds * _SSD_GIB,
    )


def _known(before: Known) -> Iterator[Machine]:
    """Yield what the catalog knows already, without types whose local SSDs it does not know."""
    for (region, name), zones in sorted(before.zones.items()):
        shape = before.shapes[name]
        if shape.vcpus and shape.memory_gib and not _HAS_SSDS.match(name):
            gpus = () if name.startswith("n1-") else shape.accelerators
            for zone in zones or ("",):
                yield Machine(region, zone, name, shape.vcpus, shape.memory_gib, gpus, 0)


def _rows(machines: Sequence[Machine], prices: Prices, before: Known) -> Iterator[dict[str, Any]]:
    """Yield each machine whose parts are all priced; N1 also with the GPUs known to be attached there."""
    for machine in machines:
        yield from _priced(machine, machine.gpus[0] if machine.gpus else None, prices, before)
        for gpu in before.choices.get((machine.region, machine.zone, machine.name), ()):
            yield from _priced(machine, gpu, prices, before)


def _priced(
    machine: Machine, gpu: Accelerators | None, prices: Prices, before: Known
) -> Iterator[dict[str, Any]]:
    prices_of, spots_of = (
        prices.of_machine(
            machine.name, machine.region, machine.vcpus, machine.memory_gib, gpu, machine.ssd_gib, spot=market
        )
        for market in (False, True)
    )
    for number, price in enumerate(prices_of):
        spot = spots_of[min(number, len(spots_of) - 1)] if spots_of else None
        yield {
            "cloud": "gcp",
            "region": machine.region,
            "zone": machine.zone or None,
            "instance_type": machine.name,
            "arch": "arm64" if machine.name.partition("-")[0] in _ARM else "x86_64",
            "vcpus": machine.vcpus,
            "memory_gib": machine.memory_gib,
            "accelerator_name": gpu.name or None if gpu else None,
            "accelerator_count": gpu.count if gpu else None,
            "accelerator_memory_gib": _memory_of(gpu, machine.name, before) if gpu else None,
            "price": price.usd,
            "price_as_of": price.as_of,
            "spot_price": spot.usd if spot else None,
            "spot_as_of": spot.as_of if spot else None,
            "source": "gcp-billing",
        }


def _memory_of(gpu: Accelerators, name: str, before: Known) -> float | None:
    """Return the memory of a GPU, which the Compute API does not state."""
    shape = before.shapes.get(name)
    same = [each.memory_gib for each in (shape.accelerators if shape else ()) if each.name == gpu.name]
    model = lookup(gpu.name)
    return gpu.memory_gib or next(iter(same), None) or (model.memory_mib / MIB_PER_GIB if model else None)
