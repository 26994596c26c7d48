"""The handle of a cluster that users get: what was launched, and where its head is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalog.offer import Market, Offer
from catalog.units import MILLI, format_milli
from sky.control.placement import LOCAL
from sky.control.records import ClusterRecord

if TYPE_CHECKING:
    from sky.resources import Resources

_CONFIG = "config"


@dataclass(frozen=True, slots=True)
class ClusterHandle:
    """A launched cluster: its name, its tag, its nodes and the infra that runs it. Holds no secret."""

    cluster_name: str
    cluster_id: str
    executor: str
    launched_nodes: int
    offer: Offer
    head_ip: str | None = None

    @property
    def launched_resources(self) -> Resources:
        """The resources of one node, as launched."""
        return launched_resources(self.offer)

    def get_cluster_name(self) -> str:
        """Return the cluster's name."""
        return self.cluster_name


def handle_of(record: ClusterRecord) -> ClusterHandle:
    """Return the handle of ``record``."""
    return ClusterHandle(
        cluster_name=record.name,
        cluster_id=record.cluster_id,
        executor=record.executor,
        launched_nodes=record.num_nodes,
        offer=record.offer,
        head_ip=record.head_ip or None,
    )


def request_of(resources: Resources, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``requested`` reads of a record: the request, and beside it the cluster's ``config``."""
    return {**resources.to_yaml_config(), **({_CONFIG: config} if config else {})}


def requested(record: ClusterRecord) -> Resources:
    """Return the request that the cluster was launched for, narrowed to its offer.

    Its ``cluster_config_overrides`` are the configuration of the cluster alone.
    """
    from sky.resources import Resources

    section = dict(record.resources)
    config = section.pop(_CONFIG, None)
    (resources,) = Resources.from_yaml_config(section)
    return resources.copy(_cluster_config_overrides=config)


def launched_resources(offer: Offer) -> Resources:
    """Return ``offer`` as a fully specified ``Resources``."""
    from sky.resources import Resources

    key = offer.key
    accelerators = {key.accelerator: key.accelerator_count_milli / MILLI} if key.accelerator else None
    if key.cloud == LOCAL:
        return Resources(cloud=key.cloud, accelerators=accelerators)
    return Resources(
        cloud=key.cloud,
        region=key.region,
        zone=key.zone or None,
        instance_type=key.instance_type,
        accelerators=accelerators,
        use_spot=key.market is Market.SPOT,
    )


def offer_text(offer: Offer, num_nodes: int = 1) -> str:
    """Return what a table shows for nodes of ``offer``: ``2x aws(p4d.24xlarge[Spot], A100:8)``."""
    key = offer.key
    spot = "[Spot]" if key.market is Market.SPOT else ""
    accelerators = (
        f", {key.accelerator}:{format_milli(key.accelerator_count_milli)}" if key.accelerator else ""
    )
    if key.cloud == LOCAL:
        return f"{num_nodes}x {key.cloud}{accelerators}"
    return f"{num_nodes}x {key.cloud}({key.instance_type}{spot}{accelerators})"
