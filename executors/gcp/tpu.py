"""TPU VMs: slices of one host, made by the Cloud TPU API, version 2, and instances like others from then on.

https://cloud.google.com/tpu/docs/reference/rest/v2/projects.locations.nodes
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from catalog.offer import Market, OfferKey
from executors.api import NodeRequest
from executors.errors import AuthError, Unsupported
from executors.gcp import errors, instances, names
from executors.gcp.instances import Instance
from executors.gcp.rest import Json, Rest

_RUNTIMES = {
    "v2": "tpu-ubuntu2204-base",
    "v3": "tpu-ubuntu2204-base",
    "v4": "tpu-ubuntu2204-base",
    "v5litepod": "v2-alpha-tpuv5-lite",
    "v5p": "v2-alpha-tpuv5",
    "v6e": "v2-alpha-tpuv6e",
}
"""Generation -> the software that JAX and PyTorch are installed on: cloud.google.com/tpu/docs/runtimes."""
_SIZES = {"v2": (8,), "v3": (8,), "v4": (8,), "v5litepod": (1, 4, 8), "v5p": (8,), "v6e": (1, 4, 8)}
"""Generation -> the slices that one host has, as their names count them."""
_EVERYWHERE = "-"


def is_tpu(key: OfferKey) -> bool:
    """Return whether the offer is a TPU VM."""
    return key.instance_type == errors.TPU_VM


def check(request: NodeRequest) -> None:
    """Raise ``Unsupported`` for slices of several hosts, and for what a TPU VM cannot have."""
    name = request.offer.key.accelerator
    known = [f"tpu-{generation}-{size}" for generation, sizes in _SIZES.items() for size in sizes]
    if name not in known:
        raise Unsupported(
            f"{name} has several hosts, which cannot be launched yet; slices of one host can: "
            f"{', '.join(known)}. Ask for one of these, on several nodes (num_nodes) if need be"
        )
    if request.image_id:
        raise Unsupported(
            "a TPU VM boots no image_id; choose its software: accelerator_args: {runtime_version: ...}"
        )


def wanted(request: NodeRequest, rank: int, startup_script: str) -> Json:
    """Return the body of ``nodes.create`` for the node of that rank."""
    key, cluster_id = request.offer.key, request.cluster_id
    kind = key.accelerator.removeprefix("tpu-")
    runtime = request.accelerator_args.get("runtime_version") or _RUNTIMES[kind.partition("-")[0]]
    account = os.environ.get(instances.SERVICE_ACCOUNT_VARIABLE)
    return {
        "acceleratorType": kind,
        "runtimeVersion": runtime,
        "description": f"node {rank} of the cluster {request.cluster_name}",
        "labels": {**request.labels, **names.labels(cluster_id, rank, request.num_nodes)},
        "tags": [names.group(cluster_id)],
        "metadata": {
            "startup-script": startup_script,
            "enable-oslogin": "FALSE",
            **instances.notes(request),
        },
        "networkConfig": _network(),
        "schedulingConfig": {"spot": True} if key.market is Market.SPOT else {},
        "serviceAccount": {"scope": [instances.SCOPE], **({"email": account} if account else {})},
    }


def find(rest: Rest, cluster_id: str) -> list[Instance]:
    """Return the cluster's TPU VMs in every zone of the project, head first."""
    tag = names.tag(cluster_id)
    found = [each for each in _nodes(rest) if each.get("labels", {}).get(names.CLUSTER_LABEL) == tag]
    return sorted(map(read, found), key=lambda each: each.rank)


def find_where_allowed(rest: Rest, cluster_id: str) -> list[Instance]:
    """Return what ``find`` does; nothing for a user who may not look, and so can have made none."""
    try:
        return find(rest, cluster_id)
    except AuthError:
        return []


def find_all(rest: Rest) -> list[Instance]:
    """Return all TPU VMs that this user made; nothing for one who may not look."""
    try:
        nodes = list(_nodes(rest))
    except AuthError:
        return []
    mine = [each for each in nodes if each.get("labels", {}).get(names.OWNER_LABEL) == names.owner()]
    return [read(each) for each in mine]


def read(found: Json) -> Instance:
    """Read the API's representation: ``projects/P/locations/ZONE/nodes/NAME`` and how it is."""
    *_, zone, _, name = found["name"].split("/")
    labels, notes = found.get("labels", {}), found.get("metadata", {})
    endpoint: Json = next(iter(found.get("networkEndpoints", ())), {})
    scheduling = found.get("schedulingConfig", {})
    return Instance(
        name=name,
        zone=zone,
        status=found.get("state", "CREATING"),
        cluster_id=notes.get(instances.CLUSTER_ID, ""),
        rank=int(labels.get(names.RANK_LABEL, 0)),
        num_nodes=int(labels.get(names.NODES_LABEL, 1)),
        machine_type=errors.TPU_VM,
        spot=bool(scheduling.get("spot") or scheduling.get("preemptible")),
        internal_ip=endpoint.get("ipAddress", ""),
        external_ip=endpoint.get("accessConfig", {}).get("externalIp", ""),
        created_at=instances.epoch_s(found.get("createTime", "")),
        why=found.get("healthDescription", ""),
    )


def _nodes(rest: Rest) -> Iterator[Json]:
    for page in rest.pages(f"locations/{_EVERYWHERE}/nodes"):
        yield from page.get("nodes", ())


def _network() -> Json:
    """Return the network, by its name, with addresses outside."""
    network = os.environ.get(instances.NETWORK_VARIABLE, "default")
    config: dict[str, Any] = {"network": network, "enableExternalIps": True}
    if subnetwork := os.environ.get(instances.SUBNETWORK_VARIABLE):
        config["subnetwork"] = subnetwork
    return config
