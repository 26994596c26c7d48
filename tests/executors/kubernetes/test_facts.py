"""What the API says of nodes, read: quantities, accelerators by their labels, classes, shares, offers."""

from __future__ import annotations

from typing import Any

import pytest

from executors.kubernetes.contexts import Context
from executors.kubernetes.labels import accelerators
from executors.kubernetes.nodes import Amount, classify
from executors.kubernetes.offers import of_context
from executors.kubernetes.quantities import cpus_milli, memory_mib
from executors.kubernetes.settings import Settings, read_with
from executors.kubernetes.share import shares_of

GIB = 1024


@pytest.mark.parametrize(
    ("text", "milli"), [("4", 4000), (2, 2000), ("1930m", 1930), ("0.5", 500), ("1k", 1_000_000), ("900u", 0)]
)
def test_cpus(text: str | int, milli: int) -> None:
    assert cpus_milli(text) == milli


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("1Gi", 1024),
        ("1048576Ki", 1024),
        ("1073741824", 1024),
        ("1G", 953),
        ("1.5Gi", 1536),
        ("1e9", 953),
        ("100", 0),
    ],
)
def test_memory(text: str, mib: int) -> None:
    assert memory_mib(text) == mib


@pytest.mark.parametrize("text", ["", "4x", "Gi", "one"])
def test_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="quantity"):
        cpus_milli(text)


@pytest.mark.parametrize(
    ("label", "value", "name"),
    [
        ("skypilot.co/accelerator", "h100", "H100"),
        ("cloud.google.com/gke-accelerator", "nvidia-tesla-t4", "T4"),
        ("cloud.google.com/gke-accelerator", "nvidia-a100-80gb", "A100-80GB"),
        ("cloud.google.com/gke-accelerator", "nvidia-h100-80gb", "H100"),
        ("gpu.nvidia.com/class", "H100_NVLINK_80GB", "H100"),
        ("karpenter.k8s.aws/instance-gpu-name", "a10g", "A10G"),
        ("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB", "A100-80GB"),
        ("nvidia.com/gpu.product", "Tesla-V100-SXM2-16GB", "V100"),
        ("nvidia.com/gpu.product", "NVIDIA-L4-SHARED", "L4"),
        ("unknown/label", "b200", "GPU"),
    ],
)
def test_labels_name_accelerators(label: str, value: str, name: str) -> None:
    found = accelerators({label: value}, {"nvidia.com/gpu": "8"})
    assert found is not None
    assert (found.name, found.count, found.resource) == (name, 8, "nvidia.com/gpu")
    assert accelerators({label: value}, {"cpu": "8"}) is None


def node(name: str, *, cpu: str = "8", gpus: int = 0, label: str = "", **spec: Any) -> dict[str, Any]:
    amounts = {"cpu": cpu, "memory": "33Gi", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
    return {
        "metadata": {"name": name, "labels": {"skypilot.co/accelerator": label} if label else {}},
        "spec": spec,
        "status": {"allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def pod(on: str, *, owner: str = "", **requests: str) -> dict[str, Any]:
    named = {key.replace("gpu", "nvidia.com/gpu"): value for key, value in requests.items()}
    meta: dict[str, Any] = {"ownerReferences": [{"kind": owner}]} if owner else {}
    return {"metadata": meta, "spec": {"nodeName": on, "containers": [{"resources": {"requests": named}}]}}


def test_equal_nodes_are_one_class_and_what_daemons_take_is_nobodys() -> None:
    daemons = [pod(name, owner="DaemonSet", cpu="300m", memory="600Mi") for name in ("a", "b")]
    (found,) = classify([node("a"), node("b")], [*daemons, pod("a", cpu="2", memory="4Gi")])
    assert found.whole == Amount(7_000, 32 * GIB)
    assert found.free == (Amount(5_700, 29 * GIB - 600), Amount(7_700, 33 * GIB - 600))


def test_nodes_that_take_no_pods_are_left_out() -> None:
    tainted = node("t", taints=[{"key": "team", "effect": "NoSchedule"}])
    preferred = node("p", taints=[{"key": "team", "effect": "PreferNoSchedule"}])
    gpus = node("g", gpus=4, label="a100", taints=[{"key": "nvidia.com/gpu", "effect": "NoSchedule"}])
    down = node("d")
    down["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    every = [tainted, preferred, gpus, down, node("c", unschedulable=True)]
    assert [len(each.free) for each in classify(every, [])] == [1, 1]
    read_with(lambda: Settings(pod_config={"spec": {"tolerations": [{"key": "team", "operator": "Exists"}]}}))
    try:
        assert [len(each.free) for each in classify(every, [])] == [2, 1]
    finally:
        read_with(Settings)


def test_shares_of_nodes_are_offers_with_what_is_free() -> None:
    nodes = [node("a", gpus=4, label="a100"), node("b", gpus=4, label="a100")]
    context = Context("lab", "https://x", "default", {}, {})
    found = {
        each.offer.key.instance_type: each
        for each in of_context(context, classify(nodes, [pod("a", gpu="3", cpu="4")]))
    }
    assert list(found) == [
        *("001cpu-4gb", "002cpu-8gb", "004cpu-16gb", "008cpu-33gb"),
        *("A100x1-002cpu-8gb", "A100x2-004cpu-16gb", "A100x4-008cpu-33gb"),
    ]
    assert [each.free for each in found.values()] == [12, 6, 3, 1, 5, 2, 1]
    whole = found["A100x4-008cpu-33gb"]
    key = whole.offer.key
    assert (key.cloud, key.region, key.accelerator, key.accelerator_count_milli) == (
        "kubernetes",
        "lab",
        "A100",
        4000,
    )
    assert whole.offer.accelerator_memory_mib == 40 * GIB
    assert whole.room == "2 node(s) have A100x4-008cpu-33gb, with room for 1 pod(s) of it now"


def test_a_node_that_keeps_others_off_its_gpus_is_shared_by_them_alone() -> None:
    taint = {"key": "nvidia.com/gpu", "effect": "NoSchedule"}
    (found,) = classify([node("a", gpus=2, label="t4", taints=[taint])], [])
    assert [share.name for share in shares_of(found)] == ["T4x1-004cpu-16gb", "T4x2-008cpu-33gb"]
