"""Offers of gcp, and a provisioner that waits for no login, as instances on paper have none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from catalog.offer import Market, Offer, OfferKey
from executors.api import NodeRequest
from executors.gcp import fleet
from executors.gcp.provisioner import GcpProvisioner
from executors.gcp.rest import Rest
from executors.vm import ready
from tests.clouds.gce.gce import Gce

Order = Callable[..., NodeRequest]


def offer(
    instance_type: str = "e2-small",
    zone: str = "us-east1-b",
    *,
    market: Market = Market.ON_DEMAND,
    accelerator: str = "",
    count: int = 0,
    arch: str = "x86_64",
    region: str = "",
) -> Offer:
    key = OfferKey(
        "gcp", region or zone.rpartition("-")[0], zone, instance_type, accelerator, count * 1000, market
    )
    return Offer(key, 2_000, 2_048, 0, arch, 16_753)


def order(cluster_id: str = "dev-0a1b2c3d", **fields: object) -> NodeRequest:
    return NodeRequest(cluster_id, "dev", **{"offer": offer(), "disk_size_gib": 50, **fields})  # type: ignore[arg-type]


@pytest.fixture
def pauses() -> list[float]:
    """How long each pause before another try was."""
    return []


@pytest.fixture
def provisioner(gce: Gce, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> GcpProvisioner:
    def open_rest(project: str) -> Rest:
        rest = Rest.open(project)
        rest._pause = pauses.append
        return rest

    monkeypatch.setattr(ready, "wait_until_ready", lambda *_, **__: None)
    monkeypatch.setattr(fleet, "_PAUSE_S", 0.01)
    return GcpProvisioner(open_rest)
