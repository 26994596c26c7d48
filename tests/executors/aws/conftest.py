"""Requests and offers of EC2, and a provisioner that takes running machines for reachable ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from catalog.offer import Market, Offer, OfferKey
from executors.api import NodeRequest
from executors.aws import instances, network, power, provisioner, search
from executors.aws.provisioner import AwsProvisioner

KEY = OfferKey("aws", "us-east-1", "us-east-1b", "m5.large", "", 0, Market.ON_DEMAND)


def offer(**fields: Any) -> Offer:
    """An offer of one machine; ``fields`` change its key."""
    return Offer(replace(KEY, **fields), 2_000, 8_192, 0, "x86_64", 96_000)


def request(
    cluster_id: str = "dev-1", num_nodes: int = 1, *, ports: tuple[str, ...] = (), **key: Any
) -> NodeRequest:
    return NodeRequest(cluster_id, "dev", offer(**key), num_nodes, ports=ports)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once."""
    for module, name in (
        (instances, "_FIRST_PAUSE_S"),
        (instances, "_LONGEST_PAUSE_S"),
        (instances, "_POLL_S"),
        (network, "_PAUSE_S"),
        (search, "_PAUSE_S"),
    ):
        monkeypatch.setattr(module, name, 0.02)
    monkeypatch.setattr(power, "SWITCH_S", 20.0)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> AwsProvisioner:
    """A provisioner for instances that have no host behind them."""
    monkeypatch.setattr(provisioner, "wait_until_ready", lambda *_: None)
    return AwsProvisioner()
