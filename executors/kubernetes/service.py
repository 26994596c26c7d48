"""The Service that leads to the ports of a cluster's head, and where that is reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from executors.api import Handle, NodeRequest
from executors.errors import AuthError
from executors.kubernetes import parts, pods
from executors.kubernetes.client import Client
from executors.kubernetes.errors import AlreadyThere
from executors.kubernetes.settings import LOADBALANCER, NODEPORT, PODIP, current
from executors.kubernetes.waiting import Pod

_TYPES = {LOADBALANCER: "LoadBalancer", NODEPORT: "NodePort"}


def expose(client: Client, request: NodeRequest, head: Pod) -> str:
    """Make the Service of the request's ports, as the configuration says; returns how they are reached.

    It belongs to the head's pod: who deletes that one deletes it, and a head that was made again has a new
    one. Without ports nothing is made, and ``""`` is returned. Idempotent.
    """
    if not request.ports:
        return ""
    mode, namespace = current().ports, client.context.namespace
    name = _name(request.cluster_id, head)
    earlier = parts.found(client, namespace, request.cluster_id, [parts.SERVICES])
    parts.delete(client, [part for part in earlier if part.name != name])
    if mode in _TYPES:
        with suppress(AlreadyThere):
            made = _service(request, name, head, _TYPES[mode])
            client.post(parts.collection(parts.SERVICES, namespace), made)
    return mode


def endpoints(client: Client, handle: Handle, head: Pod, ports: Sequence[int]) -> Mapping[int, str]:
    """Return ``host:port`` for each of ``ports`` that has one: a load balancer has none for some minutes."""
    mode = handle.data.get("ports", "")
    if mode == PODIP:
        return {port: _at(head["status"]["podIP"], port) for port in ports}
    path = parts.collection(parts.SERVICES, handle.data["namespace"])
    found = client.get(path, labelSelector=pods.selector(handle.cluster_id))["items"]
    name = _name(handle.cluster_id, head)
    service = next((each for each in found if each["metadata"]["name"] == name), None)
    if service is None:
        return {}
    opened = {each["port"]: each for each in service["spec"]["ports"] if each["port"] in ports}
    if mode == NODEPORT:
        host = _node_address(client, head)
        return {port: _at(host, each["nodePort"]) for port, each in opened.items()}
    ways = service["status"].get("loadBalancer", {}).get("ingress") or [{}]
    host = ways[0].get("hostname") or ways[0].get("ip")
    return {port: _at(host, port) for port in opened} if host else {}


def _name(cluster_id: str, head: Pod) -> str:
    """Return the name of the Service of that very pod: one that was made again has another."""
    return pods.name(cluster_id, head["metadata"]["uid"][:8])


def _service(request: NodeRequest, name: str, head: Pod, kind: str) -> dict[str, Any]:
    owner = {"apiVersion": "v1", "kind": "Pod", **{key: head["metadata"][key] for key in ("name", "uid")}}
    own = pods.labels(request.cluster_id, request.cluster_name)
    numbers = sorted({number for each in request.ports for number in _numbers(each)})
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {**request.labels, **own}, "ownerReferences": [owner]},
        "spec": {
            "type": kind,
            "selector": {pods.CLUSTER_ID: own[pods.CLUSTER_ID], pods.RANK: "0"},
            "ports": [{"name": f"port-{number}", "port": number} for number in numbers],
        },
    }


def _numbers(ports: str) -> range:
    first, _, last = ports.partition("-")
    return range(int(first), int(last or first) + 1)


def _node_address(client: Client, head: Pod) -> str:
    """Return where the head's node is reached: from outside if it has such an address, else inside."""
    by_type: dict[str, str] = {}
    with suppress(AuthError):
        listed = client.get("/api/v1/nodes", fieldSelector=f"metadata.name={head['spec']['nodeName']}")
        for node in listed["items"]:
            by_type = {each["type"]: each["address"] for each in node["status"].get("addresses", ())}
    return by_type.get("ExternalIP") or by_type.get("InternalIP") or str(head["status"]["hostIP"])


def _at(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
