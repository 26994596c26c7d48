"""Nodes that only the scheduler sees: offers, refusals in its words, rights, what a killed client left."""

from __future__ import annotations

import subprocess
import sys

import pytest

from executors import kubernetes
from executors.api import Handle, NodeRequest, NodeState
from executors.errors import AuthError, OutOfCapacity, QuotaExceeded
from executors.kubernetes import owned_offers
from tests.integration.command import sky
from tests.k8s.fixtures import IN_NAMESPACE, NODES, Cluster

pytestmark = pytest.mark.needs("kubernetes")

A100 = {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"}


def request(api: Cluster, part: str, num_nodes: int = 1, cluster_id: str = "c-1") -> NodeRequest:
    return NodeRequest(cluster_id, cluster_id, api.offer(part), num_nodes)


def test_nodes_are_offers_and_what_others_take_is_not_free(api: Cluster) -> None:
    api.plane.add_node("gpu-1", A100, {"nvidia.com/gpu": "4"})
    api.plane.add_node("gpu-2", A100, {"nvidia.com/gpu": "4"})

    def free() -> dict[str, int]:
        api.forget()
        offered = {each.offer.key.instance_type: each.free for each in owned_offers()}
        return {name: count for name, count in offered.items() if name.startswith("A100-80GB")}

    names = ["A100-80GBx1-002cpu-8gb", "A100-80GBx2-004cpu-16gb", "A100-80GBx4-008cpu-32gb"]
    assert free() == dict(zip(names, [8, 4, 2], strict=True))
    with api.taken(3):
        assert free() == dict(zip(names, [5, 2, 1], strict=True))
    plan = sky("optimize", "--infra", "k8s", "--gpus", "A100-80GB:4", "--", "true").out
    assert "kubernetes/admin A100-80GBx4-008cpu-32gb" in " ".join(plan.split())


def test_the_schedulers_no_is_out_of_capacity_in_its_words_and_nothing_stays(api: Cluster) -> None:
    api.plane.add_node("gpu-1", A100, {"nvidia.com/gpu": "4"})
    api.configure(provision_timeout=1)
    wanted = request(api, "A100-80GBx2", 3)
    with pytest.raises(
        OutOfCapacity, match=r"kubernetes/admin: A100.* found no node within \d s: 0/\d nodes"
    ) as caught:
        kubernetes.executor().provisioner.create(wanted)
    assert "Insufficient nvidia.com/gpu" in str(caught.value)
    assert caught.value.scope.matches(wanted.offer.key)
    assert api.plane.names("pods") == []
    assert kubernetes.executor().provisioner.list() == []


@pytest.mark.parametrize("call", range(1, 11))
def test_what_a_killed_client_left_is_found_and_deleted_by_the_id_alone(api: Cluster, call: int) -> None:
    api.plane.add_node("cpu-1", {}, {})
    name = api.offer("001cpu").key.instance_type
    script = str(__file__).replace("test_k8s_scheduling", "create_killed_at")
    killed = subprocess.run([sys.executable, script, str(call), "2", name], timeout=60, check=False)
    assert killed.returncode == -9
    bare = Handle("kubernetes", "c-killed", "killed")
    provisioner = kubernetes.executor().provisioner
    pods, logins = api.plane.names("pods"), api.plane.names("secrets")
    expected = NodeState.PENDING if pods else NodeState.DEGRADED if logins else NodeState.GONE
    assert provisioner.describe(bare).state is expected
    assert [view.cluster_id for view in provisioner.list()] == ["c-killed"][: len(pods + logins)]
    provisioner.delete(bare)
    provisioner.delete(bare)
    assert api.plane.names("pods") + api.plane.names("secrets") == []
    assert provisioner.describe(bare).state is NodeState.GONE


def test_missing_rights_are_named_with_what_grants_them(api: Cluster) -> None:
    api.plane.add_node("cpu-1", {}, {})
    api.plane.grant("dev", [NODES, {**IN_NAMESPACE[0], "verbs": ["get", "list", "watch"]}], user="dev")
    api.log_in("dev")
    provisioner = kubernetes.executor().provisioner
    access = provisioner.check()  # type: ignore[attr-defined]
    assert not access.enabled
    assert (
        "missing: create pods, delete pods, get pods/exec, create pods/exec; docs/kubernetes.md"
        in access.detail
    )
    with pytest.raises(AuthError, match=r"create pods is missing; docs/kubernetes\.md"):
        provisioner.create(request(api, "001cpu"))
    api.plane.grant("dev", [NODES, *IN_NAMESPACE], user="dev")
    access = provisioner.check()  # type: ignore[attr-defined]
    assert (access.enabled, access.identity) == (True, "dev (namespace default)")


def test_wrong_credentials_and_a_server_that_is_off_are_said(api: Cluster) -> None:
    kubeconfig = api.home / ".kube" / "config"
    right = kubeconfig.read_text()
    kubeconfig.write_text(right.replace(api.plane.tokens["admin"], "wrong"))
    done = sky("launch", "-y", "--infra", "k8s/admin", "-c", "x", "true", code=None)
    assert done.code
    assert "kubernetes/admin does not accept the credentials of its kubeconfig" in done.err
    kubeconfig.write_text(right.replace(":6443", ":6444"))
    done = sky("launch", "-y", "--infra", "k8s/admin", "-c", "x", "true", code=None)
    assert done.code
    assert "kubernetes/admin does not answer" in done.err


def test_a_quota_is_told_apart_from_a_missing_right(api: Cluster) -> None:
    api.plane.add_node("cpu-1", {}, {})
    path = "/api/v1/namespaces/default/resourcequotas"
    quota = {"metadata": {"name": "team"}, "spec": {"hard": {"pods": "0"}}, "status": {}}
    api.plane.call("POST", path, quota)
    status = {"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}}
    api.plane.call("PATCH", f"{path}/team/status", status, "application/merge-patch+json")
    try:
        with pytest.raises(QuotaExceeded, match=r"exceeded quota: team.*limited: pods=0"):
            kubernetes.executor().provisioner.create(request(api, "001cpu"))
    finally:
        api.plane.delete(f"{path}/team")
