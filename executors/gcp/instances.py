"""The instances of a cluster: what is asked for, and what is there."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from catalog.offer import Market, OfferKey
from executors.api import ClusterView, NodeRequest, NodeState
from executors.gcp import accelerator, errors, image, names
from executors.gcp.rest import Json, Rest
from executors.transports.address import Address
from executors.vm.client_key import ClientKey
from executors.vm.user_data import LOGIN_USER

SERVICE_ACCOUNT_VARIABLE = "SKY_GCP_SERVICE_ACCOUNT"
"""The variable with the e-mail of the service account that nodes have; by default the project's own."""
NETWORK_VARIABLE = "SKY_GCP_NETWORK"
"""The variable with the VPC network of the nodes; by default ``default``."""
SUBNETWORK_VARIABLE = "SKY_GCP_SUBNETWORK"
"""The variable with the name of its subnetwork in every region; a network in auto mode needs none."""
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
CLUSTER_ID = "sky-cluster-id"
_CLUSTER_NAME = "sky-cluster-name"

_STATES = {
    "PROVISIONING": NodeState.PENDING,
    "STAGING": NodeState.PENDING,
    "RUNNING": NodeState.RUNNING,
    "REPAIRING": NodeState.DEGRADED,
    "STOPPING": NodeState.STOPPED,
    "SUSPENDING": NodeState.STOPPED,
    "SUSPENDED": NodeState.STOPPED,
    "TERMINATED": NodeState.STOPPED,
}
"""Google's state -> ours; a stopped instance is called TERMINATED there."""
_TPU_STATES = {
    "CREATING": NodeState.PENDING,
    "STARTING": NodeState.PENDING,
    "RESTARTING": NodeState.PENDING,
    "REIMAGING": NodeState.PENDING,
    "READY": NodeState.RUNNING,
    "STOPPING": NodeState.STOPPED,
    "STOPPED": NodeState.STOPPED,
}
_LOST = {"PREEMPTED", "TERMINATED"}
"""What a TPU VM is that was taken away: it cannot be started again, and stays until it is deleted."""

_FIXED = ("h3-", "h4d-", "z3-")
"""Types, besides those with accelerators, that do not move to another host while they run."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance, as far as it matters here; of a TPU slice, one of its hosts (``worker``)."""

    name: str
    zone: str
    status: str
    cluster_id: str
    rank: int
    num_nodes: int
    worker: int = 0
    machine_type: str = ""
    spot: bool = False
    local_disks: bool = False
    internal_ip: str = ""
    external_ip: str = ""
    created_at: int = 0
    since: int = 0
    why: str = field(default="", compare=False)

    @property
    def path(self) -> str:
        """The address in the API."""
        return f"{collection(self.machine_type, self.zone)}/{self.name}"

    @property
    def position(self) -> tuple[int, int]:
        """Its place among the cluster's instances, the head's first."""
        return self.rank, self.worker

    def verb(self, name: str) -> str:
        """Return the address of ``start`` or ``stop``."""
        return f"{self.path}{':' if self.is_tpu else '/'}{name}"

    @property
    def is_tpu(self) -> bool:
        """Whether it is a TPU VM, which another service makes."""
        return self.machine_type == errors.TPU_VM

    @property
    def state(self) -> NodeState:
        """Its state in our words."""
        return (_TPU_STATES if self.is_tpu else _STATES).get(self.status, NodeState.DEGRADED)

    @property
    def lost(self) -> bool:
        """Whether it was taken away for good, and only its name is left."""
        return self.is_tpu and self.status in _LOST

    def address(self, key: ClientKey) -> Address:
        """Return how it is reached, with the key that it lets in."""
        host = self.external_ip or self.internal_ip
        return Address(host, user=LOGIN_USER, identity_file=str(key.path), internal_ip=self.internal_ip)

    @classmethod
    def of(cls, found: Json) -> Instance:
        """Read the API's representation."""
        interface: Json = next(iter(found.get("networkInterfaces", ())), {})
        access: Json = next(iter(interface.get("accessConfigs", ())), {})
        notes = {each["key"]: each.get("value", "") for each in found.get("metadata", {}).get("items", ())}
        labels = found.get("labels", {})
        return cls(
            name=found["name"],
            zone=_last(found["zone"]),
            status=found.get("status", "PROVISIONING"),
            cluster_id=notes.get(CLUSTER_ID, ""),
            rank=int(labels.get(names.RANK_LABEL, 0)),
            num_nodes=int(labels.get(names.NODES_LABEL, 1)),
            machine_type=_last(found.get("machineType", "")),
            spot=found.get("scheduling", {}).get("provisioningModel") == "SPOT",
            local_disks=any(disk.get("type") == "SCRATCH" for disk in found.get("disks", ())),
            internal_ip=interface.get("networkIP", ""),
            external_ip=access.get("natIP", ""),
            created_at=epoch_s(found.get("creationTimestamp", "")),
            since=max(epoch_s(found.get(f"last{each}Timestamp", "")) for each in ("Start", "Stop")),
            why=found.get("statusMessage", ""),
        )


def wanted(request: NodeRequest, zone: str, rank: int, user_data: str) -> Json:
    """Return the body of ``instances.insert`` for the node of that rank."""
    key, cluster_id = request.offer.key, request.cluster_id
    labels = {**request.labels, **names.labels(cluster_id, rank, request.num_nodes)}
    metadata = {
        "user-data": user_data,
        "enable-oslogin": "FALSE",
        "block-project-ssh-keys": "TRUE",
        **notes(request),
    }
    return {
        "name": names.node(cluster_id, rank),
        "description": f"node {rank} of the cluster {request.cluster_name}",
        "machineType": f"zones/{zone}/machineTypes/{key.instance_type}",
        "labels": labels,
        "tags": {"items": [names.group(cluster_id)]},
        "metadata": {"items": [{"key": name, "value": value} for name, value in metadata.items()]},
        "disks": [image.boot_disk(request, zone, labels)],
        "guestAccelerators": accelerator.attached(key, zone),
        "scheduling": _scheduling(key),
        "networkInterfaces": [_interface(zone.rpartition("-")[0])],
        "serviceAccounts": [
            {"email": os.environ.get(SERVICE_ACCOUNT_VARIABLE, "default"), "scopes": [SCOPE]}
        ],
    }


def notes(request: NodeRequest) -> dict[str, str]:
    """Return the metadata by which an instance tells whole what its labels abbreviate."""
    return {CLUSTER_ID: request.cluster_id, _CLUSTER_NAME: request.cluster_name}


def collection(instance_type: str, zone: str) -> str:
    """Return where instances of that type are made."""
    return f"locations/{zone}/nodes" if instance_type == errors.TPU_VM else f"zones/{zone}/instances"


def network() -> str:
    """Return the network of the nodes, as the API names it."""
    named = os.environ.get(NETWORK_VARIABLE, "default")
    return named if "/" in named else f"global/networks/{named}"


def find(rest: Rest, cluster_id: str) -> list[Instance]:
    """Return the cluster's instances in every zone of the project, head first."""
    found = _labelled(rest, f"labels.{names.CLUSTER_LABEL}={names.tag(cluster_id)}")
    return sorted(found, key=lambda each: each.rank)


def find_all(rest: Rest) -> list[Instance]:
    """Return the instances of all clusters that this user made."""
    return _labelled(rest, f"labels.{names.OWNER_LABEL}={names.owner()}")


def by_cluster(found: Sequence[Instance]) -> dict[str, list[Instance]]:
    """Return instances by the id of their cluster, head first."""
    clusters: dict[str, list[Instance]] = {}
    for each in sorted(found, key=lambda each: (each.cluster_id, each.position)):
        clusters.setdefault(each.cluster_id, []).append(each)
    return clusters


def view(cluster_id: str, found: Sequence[Instance]) -> ClusterView:
    """Return the cluster that consists of these instances."""
    if not found:
        return ClusterView(cluster_id, NodeState.GONE)
    addresses = tuple(each.external_ip or each.internal_ip or each.name for each in found)
    states = (f"{each.name} is {each.status}" + (f" ({each.why})" if each.why else "") for each in found)
    shown = "; ".join(dict.fromkeys(states))
    missing = found[0].num_nodes - len({each.rank for each in found})
    state = NodeState.DEGRADED if missing > 0 else _together({each.state for each in found})
    whole = state in {NodeState.RUNNING, NodeState.STOPPED}
    lacking = f"{missing} nodes are missing; " if missing > 0 else ""
    return ClusterView(
        cluster_id,
        state,
        addresses,
        "" if whole else lacking + shown,
        created_at=min(each.created_at for each in found),
        since=max(each.since for each in found) if whole else 0,
        place=f"{found[0].zone.rpartition('-')[0]}/{found[0].zone}",
    )


def _together(states: Set[NodeState]) -> NodeState:
    """Return the state of a cluster whose nodes are in these."""
    if len(states) == 1:
        return next(iter(states))
    return NodeState.PENDING if states == {NodeState.PENDING, NodeState.RUNNING} else NodeState.DEGRADED


def offer_key(instance: Instance, capacity: Mapping[str, Any]) -> OfferKey:
    """Return the offer that an instance is of; ``capacity`` is its handle's."""
    return OfferKey(
        cloud=errors.CLOUD,
        region=instance.zone.rpartition("-")[0],
        zone=instance.zone,
        instance_type=instance.machine_type,
        accelerator=str(capacity.get("accelerator", "")),
        accelerator_count_milli=int(capacity.get("accelerators", 0)) * 1000,
        market=Market.SPOT if instance.spot else Market.ON_DEMAND,
    )


def _interface(region: str) -> Json:
    """Return the one network interface: on the network, and reachable from outside."""
    interface: dict[str, Any] = {
        "network": network(),
        "accessConfigs": [{"type": "ONE_TO_ONE_NAT", "name": "External NAT"}],
    }
    if subnetwork := os.environ.get(SUBNETWORK_VARIABLE):
        interface["subnetwork"] = f"regions/{region}/subnetworks/{subnetwork}"
    return interface


def _scheduling(key: OfferKey) -> Json:
    """Return what happens when the host is maintained or, of spot, taken away: a stop, its disk kept."""
    if key.market is Market.SPOT:
        return {
            "provisioningModel": "SPOT",
            "instanceTerminationAction": "STOP",
            "onHostMaintenance": "TERMINATE",
            "automaticRestart": False,
        }
    fixed = key.accelerator or key.instance_type.startswith(_FIXED) or key.instance_type.endswith("-metal")
    return {"onHostMaintenance": "TERMINATE" if fixed else "MIGRATE", "automaticRestart": True}


def _labelled(rest: Rest, condition: str) -> list[Instance]:
    return [
        Instance.of(instance)
        for page in rest.pages("aggregated/instances", filter=condition)
        for place in page.get("items", {}).values()
        for instance in place.get("instances", ())
    ]


def epoch_s(text: str) -> int:
    """Return a time as the API writes it, in whole seconds since the epoch; 0 for none."""
    whole = re.sub(r"\.\d+", "", text).replace("Z", "+00:00")
    return int(datetime.fromisoformat(whole).timestamp()) if text else 0


def _last(address: str) -> str:
    return address.rpartition("/")[2]
