"""TPU VMs: slices made by the Cloud TPU API, version 2, each host of which is an instance like others.

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
_LARGEST_OF_ONE_HOST = 8
"""In every generation the number in the name of the largest slice that one host has."""
_EVERYWHERE = "-"


def is_tpu(key: OfferKey) -> bool:
    """Return whether the offer is a TPU VM."""
    return key.instance_type == errors.TPU_VM


def has_several_hosts(accelerator: str) -> bool:
    """Return whether a slice, ``tpu-v5litepod-16`` say, is a pod: made and deleted as one, never stopped."""
    generation, _, size = accelerator.removeprefix("tpu-").partition("-")
    return generation in _RUNTIMES and int(size) > _LARGEST_OF_ONE_HOST


def check(request: NodeRequest) -> None:
    """Raise ``Unsupported`` for what a TPU VM cannot have."""
    generation = _generation(request.offer.key)
    if generation not in _RUNTIMES and not request.accelerator_args.get("runtime_version"):
        raise Unsupported(
            f"the software of TPU {generation} is not known here; name it: "
            "accelerator_args: {runtime_version: ...}"
        )
    if request.image_id:
        raise Unsupported(
            "a TPU VM boots no image_id; choose its software: accelerator_args: {runtime_version: ...}"
        )


def wanted(request: NodeRequest, rank: int, startup_script: str) -> Json:
    """Return the body of ``nodes.create`` for the node of that rank."""
    key, cluster_id = request.offer.key, request.cluster_id
    runtime = request.accelerator_args.get("runtime_version") or _RUNTIMES[_generation(key)]
    account = os.environ.get(instances.SERVICE_ACCOUNT_VARIABLE)
    return {
        "acceleratorType": key.accelerator.removeprefix("tpu-"),
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
    """Return the hosts of the cluster's TPU VMs in every zone of the project, head first."""
    return sorted(_labelled(rest, names.CLUSTER_LABEL, names.tag(cluster_id)), key=lambda each: each.position)


def find_where_allowed(rest: Rest, cluster_id: str) -> list[Instance]:
    """Return what ``find`` does; nothing for a user who may not look, and so can have made none."""
    try:
        return find(rest, cluster_id)
    except AuthError:
        return []


def find_all(rest: Rest) -> list[Instance]:
    """Return all TPU VMs that this user made; nothing for one who may not look."""
    try:
        return list(_labelled(rest, names.OWNER_LABEL, names.owner()))
    except AuthError:
        return []


def read(found: Json) -> list[Instance]:
    """Read the API's representation of a slice: its hosts, one for as long as it has no addresses."""
    endpoints = found.get("networkEndpoints") or [{}]
    return [_host(found, worker, endpoint) for worker, endpoint in enumerate(endpoints)]


def _host(found: Json, worker: int, endpoint: Json) -> Instance:
    """Return one host of the slice ``projects/P/locations/ZONE/nodes/NAME``."""
    *_, zone, _, name = found["name"].split("/")
    labels, notes = found.get("labels", {}), found.get("metadata", {})
    scheduling = found.get("schedulingConfig", {})
    return Instance(
        name=name,
        zone=zone,
        status=found.get("state", "CREATING"),
        cluster_id=notes.get(instances.CLUSTER_ID, ""),
        rank=int(labels.get(names.RANK_LABEL, 0)),
        worker=worker,
        num_nodes=int(labels.get(names.NODES_LABEL, 1)),
        machine_type=errors.TPU_VM,
        spot=bool(scheduling.get("spot") or scheduling.get("preemptible")),
        internal_ip=endpoint.get("ipAddress", ""),
        external_ip=endpoint.get("accessConfig", {}).get("externalIp", ""),
        created_at=instances.epoch_s(found.get("createTime", "")),
        why=found.get("healthDescription", ""),
    )


def _labelled(rest: Rest, label: str, value: str) -> Iterator[Instance]:
    """Yield the hosts with the label; the service has no filter."""
    for page in rest.pages(f"locations/{_EVERYWHERE}/nodes"):
        for node in page.get("nodes", ()):
            if node.get("labels", {}).get(label) == value:
                yield from read(node)


def _generation(key: OfferKey) -> str:
    return key.accelerator.removeprefix("tpu-").partition("-")[0]


def _network() -> Json:
    """Return the network, by its name, with addresses outside."""
    network = os.environ.get(instances.NETWORK_VARIABLE, "default")
    config: dict[str, Any] = {"network": network, "enableExternalIps": True}
    if subnetwork := os.environ.get(instances.SUBNETWORK_VARIABLE):
        config["subnetwork"] = subnetwork
    return config
