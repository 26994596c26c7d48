"""A pod's manifest: names, labels, what it asks for, and what the user lays over it."""

from __future__ import annotations

import re

import pytest

from executors.api import NodeRequest
from executors.docker_login import DockerLogin
from executors.kubernetes import pods
from executors.kubernetes.labels import Accelerators
from executors.kubernetes.nodes import Amount
from executors.kubernetes.settings import Settings, read_with
from executors.kubernetes.share import Share

CPUS = Share(Amount(4_000, 8_192), None, "x86_64")
T4 = [
    Share(Amount(4_000, 8_192, 2), Accelerators("T4", "nvidia.com/gpu", 4, label), "x86_64")
    for label in (("skypilot.co/accelerator", "t4"), ("x/gke", "nvidia-tesla-t4"), ("x/gke", "tesla-t4"))
]


def request(**fields: object) -> NodeRequest:
    return NodeRequest("train-0a1b2c3d", "train", CPUS.offer("lab"), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("cluster_id", ["a", "Sky_1.x-0a1b", "x" * 80, "ä-1", "_", "a--b"])
def test_names_and_labels_are_what_kubernetes_takes_and_tell_clusters_apart(cluster_id: str) -> None:
    for each in (cluster_id, cluster_id + "0"):
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", pods.name(each, 12))
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", pods.label_value(each))
    assert pods.name(cluster_id, 0) != pods.name(cluster_id + "0", 0)
    assert pods.label_value(cluster_id) != pods.label_value(cluster_id + "0")
    assert pods.name("A-1", 0) != pods.name("a-1", 0)


def test_a_pod_asks_for_its_share_and_gets_no_token_of_its_own() -> None:
    made = pods.manifest(request(labels={"team": "x", pods.RANK: "no"}), 3, [CPUS], service_account=False)
    assert made["metadata"]["labels"] == {
        "team": "x",
        "sky-cluster-id": "train-0a1b2c3d",
        "sky-cluster-name": "train",
        "sky-rank": "3",
    }
    (container,) = made["spec"]["containers"]
    assert container["image"] == pods.IMAGE
    assert container["resources"] == {"requests": {"cpu": "4000m", "memory": "8192Mi"}}
    assert made["spec"]["automountServiceAccountToken"] is False
    assert "affinity" not in made["spec"]


def test_accelerators_are_asked_for_by_every_label_that_names_them() -> None:
    made = pods.manifest(request(image_id="docker:ghcr.io/x/y:1"), 0, T4, service_account=True)
    spec = made["spec"]
    assert spec["containers"][0]["image"] == "ghcr.io/x/y:1"
    assert spec["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "2"}
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [term["matchExpressions"][0] for term in required["nodeSelectorTerms"]] == [
        {"key": "skypilot.co/accelerator", "operator": "In", "values": ["t4"]},
        {"key": "x/gke", "operator": "In", "values": ["nvidia-tesla-t4", "tesla-t4"]},
    ]
    assert spec["serviceAccountName"] == pods.SERVICE_ACCOUNT


def test_a_private_image_has_its_registry_in_front_and_a_secret_to_pull_it_with() -> None:
    login = DockerLogin("me", "hunter2", "r.example.com")
    made = pods.manifest(
        request(image_id="docker:team/app:1", docker_login=login), 0, [CPUS], service_account=False
    )
    assert made["spec"]["containers"][0]["image"] == "r.example.com/team/app:1"
    assert made["spec"]["imagePullSecrets"] == [{"name": pods.login_name("train-0a1b2c3d")}]
    assert "hunter2" not in str(made)
    plain = pods.manifest(request(docker_login=login), 0, [CPUS], service_account=False)
    assert plain["spec"]["containers"][0]["image"] == pods.IMAGE


def test_the_configuration_is_laid_over_the_pod() -> None:
    config = {
        "metadata": {"annotations": {"a": "b"}},
        "spec": {
            "tolerations": [{"key": "team", "operator": "Exists"}],
            "volumes": [{"name": "data", "emptyDir": {}}],
            "containers": [{"image": "x:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
        },
    }
    read_with(lambda: Settings(pod_config=config))
    try:
        made = pods.manifest(request(), 0, T4, service_account=False)
    finally:
        read_with(Settings)
    spec = made["spec"]
    assert made["metadata"]["annotations"] == {"a": "b"}
    assert [each["key"] for each in spec["tolerations"]] == ["nvidia.com/gpu", "team"]
    assert [each["name"] for each in spec["volumes"]] == ["shared-memory", "data"]
    (container,) = spec["containers"]
    assert (container["name"], container["image"]) == (pods.CONTAINER, "x:1")
    assert [each["mountPath"] for each in container["volumeMounts"]] == ["/dev/shm", "/data"]
