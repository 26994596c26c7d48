"""What is known of a cluster: the record, the states it may move through, and what went wrong on the way.

A record is written before the first effect on a provider and names everything that is needed to find and
remove what that effect made. It is JSON in the database, and an immutable value here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.errors import SkyError
from catalog.offer import Market, Offer, OfferKey
from catalog.scope import Scope
from executors.api import Handle
from sky.statuses import ClusterStatus

NO_AUTOSTOP = -1

ASIDE = "~"
"""What parts a cluster's name from that of a thing made on its way, with a record of its own; no user's name
holds it."""
RACER = f"{ASIDE}race-"
"""What joins a cluster's name and the number of one that races to become it."""
DISK_COPY = f"{ASIDE}disk"
"""What follows a cluster's name for the copy of another one's disk that it starts from."""

TRANSITIONS: dict[ClusterStatus, frozenset[ClusterStatus]] = {
    ClusterStatus.INIT: frozenset({ClusterStatus.INIT, ClusterStatus.UP, ClusterStatus.STOPPED}),
    ClusterStatus.UP: frozenset({ClusterStatus.UP, ClusterStatus.INIT, ClusterStatus.STOPPED}),
    ClusterStatus.STOPPED: frozenset({ClusterStatus.STOPPED, ClusterStatus.INIT}),
}
"""Which status may follow which. A stopped cluster comes back only through INIT: its start is an effect
that can be interrupted. A cluster that is gone has no status; its record is closed instead."""


class IllegalTransition(SkyError):
    """A status may not follow another; a bug in the caller, refused before it is stored."""


@dataclass(frozen=True, slots=True)
class ClusterRecord:
    """One cluster, as last committed. Times are whole seconds since the epoch.

    ``cluster_id`` is the tag that everything made for the cluster carries; it is never used again.
    ``handle`` is the executor's own JSON, ``None`` until its first answer. ``offer`` is one node as it was
    priced when the cluster was launched, ``resources`` the request as YAML configuration.
    ``reason`` is why it is not UP, as its provider told. ``version`` counts commits: an update names the
    version it was made from, and loses if that is old.
    """

    name: str
    cluster_id: str
    executor: str
    offer: Offer
    status: ClusterStatus = ClusterStatus.INIT
    version: int = 0
    num_nodes: int = 1
    intent_at: int = 0
    launched_at: int = 0
    status_at: int = 0
    ever_up: bool = False
    last_use: str = ""
    autostop_minutes: int = NO_AUTOSTOP
    to_down: bool = False
    owner: str = ""
    config_hash: str = ""
    head_ip: str = ""
    resources: Mapping[str, Any] = field(default_factory=dict)
    handle: Mapping[str, str] | None = None
    plan: Mapping[str, Any] | None = None
    reason: str = ""

    def check_transition(self, status: ClusterStatus) -> None:
        """Raise ``IllegalTransition`` unless ``status`` may follow this record's."""
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"cluster {self.name}: {self.status.name} cannot become {status.name}")

    @property
    def cluster_name(self) -> str:
        """The name that its nodes are made under: a racer's is that of the cluster that it may become."""
        return self.name.partition(ASIDE)[0]

    @property
    def executor_handle(self) -> Handle:
        """The handle its executor knows it by; with no data yet, the tag alone finds what exists."""
        return Handle(self.executor, self.cluster_id, self.cluster_name, dict(self.handle or {}))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that failed, and for which offers, how many nodes and how long that is expected to hold.

    Nothing of it is ever edited but ``ttl_s``, which shrinks when it turns out to be over sooner.
    """

    cluster_name: str
    cluster_id: str
    at: int
    kind: str
    scope: Scope
    ttl_s: int
    message: str
    num_nodes: int = 1


@dataclass(frozen=True, slots=True)
class UsageInterval:
    """A stretch of time in which a cluster's nodes were paid for; ``ended_at`` is ``None`` while it lasts."""

    cluster_id: str
    cluster_name: str
    started_at: int
    ended_at: int | None
    num_nodes: int
    price_micro_usd: int
    offer: Offer

    def seconds(self, now: int) -> int:
        """Return how long it has lasted until ``now``, or its end."""
        return max(0, (now if self.ended_at is None else self.ended_at) - self.started_at)

    def cost_micro_usd(self, now: int) -> int:
        """Return what it cost, at the price that was paid when it began."""
        return self.price_micro_usd * self.num_nodes * self.seconds(now) // 3_600


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A cluster from its first intent to its end, kept for good.

    ``closed_at`` is ``None`` while it has a record; ``offer`` is one node as it was priced at launch.
    """

    cluster_id: str
    name: str
    owner: str
    created_at: int
    closed_at: int | None
    num_nodes: int
    offer: Offer
    last_use: str


def offer_to_json(offer: Offer) -> str:
    """Return ``offer`` as JSON text with sorted keys."""
    key = offer.key
    return json.dumps(
        {
            "cloud": key.cloud,
            "region": key.region,
            "zone": key.zone,
            "instance_type": key.instance_type,
            "accelerator": key.accelerator,
            "accelerator_count_milli": key.accelerator_count_milli,
            "market": key.market.value,
            "vcpus_milli": offer.vcpus_milli,
            "memory_mib": offer.memory_mib,
            "accelerator_memory_mib": offer.accelerator_memory_mib,
            "arch": offer.arch,
            "price_micro_usd": offer.price_micro_usd,
        },
        sort_keys=True,
    )


def offer_from_json(text: str) -> Offer:
    """Return the offer that ``offer_to_json`` wrote."""
    fields = json.loads(text)
    fields["market"] = Market(fields["market"])
    return Offer(OfferKey(**{name: fields.pop(name) for name in OfferKey.__slots__}), **fields)


def scope_to_dict(scope: Scope) -> dict[str, Any]:
    """Return ``scope`` as plain values, unset fields left out."""
    fields = {name: getattr(scope, name) for name in Scope.__slots__}
    if scope.market is not None:
        fields["market"] = scope.market.value
    return {name: value for name, value in fields.items() if value is not None}


def scope_to_json(scope: Scope) -> str:
    """Return ``scope`` as JSON text, unset fields left out."""
    return json.dumps(scope_to_dict(scope), sort_keys=True)


def scope_from_json(text: str) -> Scope:
    """Return the scope that ``scope_to_json`` wrote."""
    fields = json.loads(text)
    if "market" in fields:
        fields["market"] = Market(fields["market"])
    return Scope(**fields)
