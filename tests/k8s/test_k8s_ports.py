"""Ports of clusters: a Service for them, where it is reached, and that it goes with its cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from executors import kubernetes
from executors.api import Exposing, Handle, NodeRequest, NodeState
from executors.errors import AuthError
from executors.kubernetes import service
from executors.kubernetes.client import client_of
from tests.hosts.command import run
from tests.integration.command import sky
from tests.k8s.fixtures import IN_NAMESPACE, NODES, Cluster

pytestmark = pytest.mark.needs("kubernetes")

EXECUTOR = kubernetes.executor()
SERVICES = "/api/v1/namespaces/default/services"
MERGE = "application/merge-patch+json"


@pytest.fixture
def create(k8s: Cluster) -> Iterator[Callable[[], Handle]]:
    def one() -> Handle:
        request = NodeRequest("c-1", "c", k8s.offer("001cpu"), ports=("8080", "9000-9001"))
        return EXECUTOR.provisioner.create(request)

    yield one
    EXECUTOR.provisioner.delete(Handle("kubernetes", "c-1", "c"))
    assert k8s.plane.names("services") == ["kubernetes"]


def endpoints(handle: Handle, *ports: int) -> dict[int, str]:
    assert isinstance(EXECUTOR.provisioner, Exposing)
    return dict(EXECUTOR.provisioner.endpoints(handle, ports))


def service_of(k8s: Cluster) -> Any:
    (found,) = k8s.plane.call("GET", f"{SERVICES}?labelSelector=sky-cluster-id%3Dc-1")["items"]
    return found


def test_what_a_job_serves_is_reached_at_the_pod(k8s: Cluster) -> None:
    k8s.configure(ports="podip")
    serve = "python3 -m http.server 8080"
    sky("launch", "-y", "-d", "-c", "kube", "--infra", "k8s", "--cpus", "1", "--ports", "8080", serve)
    (name,) = k8s.plane.names("pods")
    ip = k8s.plane.call("GET", f"/api/v1/namespaces/default/pods/{name}")["status"]["podIP"]
    assert sky("status", "--endpoints", "kube").out == f"8080: {ip}:8080\n"
    fetch = f"import urllib.request as u; print(u.urlopen('http://{ip}:8080/', timeout=30).status)"
    inside = f"--net=/run/netns/{k8s.plane.wire.namespace}"
    ask = f'until python3 -c "{fetch}" 2>/dev/null; do sleep 0.1; done'
    assert run("timeout", "30", "nsenter", inside, "sh", "-c", ask).stdout == "200\n"
    sky("down", "-y", "kube")
    assert k8s.plane.names("services") == ["kubernetes"]


def test_a_load_balancer_is_pending_until_it_has_an_address(
    k8s: Cluster, create: Callable[[], Handle]
) -> None:
    k8s.log_in_with_documented_rights()
    handle = create()
    service = service_of(k8s)
    assert service["spec"]["type"] == "LoadBalancer"
    assert service["spec"]["selector"] == {"sky-cluster-id": "c-1", "sky-rank": "0"}
    assert [each["targetPort"] for each in service["spec"]["ports"]] == [8080, 9000, 9001]
    assert endpoints(handle, 8080, 9001) == {}
    path = f"{SERVICES}/{service['metadata']['name']}"
    for way, host in (({"ip": "203.0.113.7"}, "203.0.113.7"), ({"hostname": "lb.example"}, "lb.example")):
        balanced = {"status": {"loadBalancer": {"ingress": [way]}}}
        k8s.plane.call("PATCH", f"{path}/status", balanced, MERGE)
        assert endpoints(handle, 8080, 9001) == {8080: f"{host}:8080", 9001: f"{host}:9001"}
    assert create() == handle
    assert service_of(k8s)["metadata"]["uid"] == service["metadata"]["uid"]


def test_a_service_belongs_to_the_head_and_one_made_again_has_its_own(
    k8s: Cluster, create: Callable[[], Handle]
) -> None:
    create()
    first = service_of(k8s)
    (owner,) = first["metadata"]["ownerReferences"]
    pod = f"/api/v1/namespaces/default/pods/{owner['name']}"
    assert k8s.plane.call("GET", pod)["metadata"]["uid"] == owner["uid"]
    k8s.plane.delete(pod)
    view = EXECUTOR.provisioner.describe(Handle("kubernetes", "c-1", "c"))
    assert view.state is NodeState.DEGRADED
    assert f"there is still service {first['metadata']['name']}" in view.reason
    assert [each.cluster_id for each in EXECUTOR.provisioner.list()] == ["c-1"]
    handle = create()
    assert service_of(k8s)["metadata"]["name"] != first["metadata"]["name"]
    assert EXECUTOR.provisioner.describe(handle).state is NodeState.RUNNING


def test_a_node_port_is_reached_at_the_node_from_outside_where_it_can_be(api: Cluster) -> None:
    api.configure(ports="nodeport")
    api.plane.add_node("cpu-1", {}, {})
    request, client = NodeRequest("c-1", "c", api.offer("001cpu"), ports=("8080",)), client_of("admin")
    head = {
        "metadata": {"name": "sky-c-1-0", "uid": "0a1b2c3d-0"},
        "spec": {"nodeName": "cpu-1"},
        "status": {"hostIP": "10.0.0.9"},
    }
    handle = Handle("kubernetes", "c-1", "c", {"namespace": "default", "ports": "nodeport"})
    assert service.expose(client, request, head) == "nodeport"
    (opened,) = service_of(api)["spec"]["ports"]
    addresses: list[dict[str, str]] = []
    ways = {"Hostname": "10.0.0.9", "InternalIP": "10.0.0.1", "ExternalIP": "203.0.113.4"}
    for kind, address in ways.items():
        addresses.append({"type": kind, "address": address})
        api.plane.call("PATCH", "/api/v1/nodes/cpu-1/status", {"status": {"addresses": addresses}}, MERGE)
        found = service.endpoints(client, handle, head, [8080, 8081])
        assert found == {8080: f"{address}:{opened['nodePort']}"}
    bare = Handle("kubernetes", "c-1", "c")
    assert EXECUTOR.provisioner.describe(bare).state is NodeState.DEGRADED
    EXECUTOR.provisioner.delete(bare)
    assert api.plane.names("services") == ["kubernetes"]


def test_who_may_not_see_services_has_none_and_is_told_when_one_is_needed(k8s: Cluster) -> None:
    k8s.plane.grant("dev", [NODES, *IN_NAMESPACE], user="dev")
    k8s.log_in("dev")
    request = NodeRequest("c-1", "c", k8s.offer("001cpu"), ports=("8080",))
    with pytest.raises(AuthError, match=r"create services is missing; docs/kubernetes\.md"):
        EXECUTOR.provisioner.create(request)
    bare = Handle("kubernetes", "c-1", "c")
    EXECUTOR.provisioner.delete(bare)
    assert EXECUTOR.provisioner.describe(bare).state is NodeState.GONE
    assert list(EXECUTOR.provisioner.list()) == []
