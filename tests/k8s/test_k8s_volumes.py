"""Volumes that ``pod_config`` mounts: a claim's files outlive clusters, and one that is missing is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from executors import kubernetes
from executors.api import NodeRequest
from executors.errors import OutOfCapacity
from tests.k8s.fixtures import Cluster
from tests.k8s.kubelet import IMAGE

pytestmark = pytest.mark.needs("kubernetes")

EXECUTOR = kubernetes.executor()
VOLUMES = "/api/v1/persistentvolumes"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
MERGE = "application/merge-patch+json"
MOUNTED = {
    "spec": {
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        "containers": [{"image": IMAGE, "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
    }
}


@pytest.fixture
def claim(k8s: Cluster, tmp_path: Path) -> Iterator[Path]:
    """Have a claim ``data``, bound as the controller-manager would; its files are in the folder it yields."""
    folder, size = tmp_path / "volume", {"storage": "1Gi"}
    folder.mkdir()
    common = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    bound = {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}, "name": "data"}
    wanted = {"metadata": bound, "spec": {**common, "resources": {"requests": size}, "volumeName": "data"}}
    uid = k8s.plane.call("POST", CLAIMS, wanted)["metadata"]["uid"]
    owner = {"namespace": "default", "name": "data", "uid": uid}
    given = {**common, "capacity": size, "hostPath": {"path": str(folder)}, "claimRef": owner}
    k8s.plane.call("POST", VOLUMES, {"metadata": {"name": "data"}, "spec": given})
    for path in (VOLUMES, CLAIMS):
        k8s.plane.call("PATCH", f"{path}/data/status", {"status": {"phase": "Bound"}}, MERGE)
    yield folder
    for path in (CLAIMS, VOLUMES):
        k8s.plane.call("PATCH", f"{path}/data", {"metadata": {"finalizers": None}}, MERGE)
        k8s.plane.delete(f"{path}/data")


def test_files_in_a_claim_outlive_their_cluster(k8s: Cluster, claim: Path) -> None:
    k8s.configure(MOUNTED)
    seen = []
    for cluster_id in ("c-1", "c-2"):
        handle = EXECUTOR.provisioner.create(NodeRequest(cluster_id, cluster_id, k8s.offer("001cpu")))
        done = EXECUTOR.connect(handle).run(["sh", "-c", "echo $0 >>/data/log; cat /data/log", cluster_id])
        seen.append(done.stdout)
        EXECUTOR.provisioner.delete(handle)
    assert seen == ["c-1\n", "c-1\nc-2\n"]
    assert (claim / "log").read_text() == seen[1]


def test_a_claim_that_is_missing_is_named(api: Cluster) -> None:
    api.plane.add_node("cpu-1", {}, {})
    api.configure(MOUNTED, provision_timeout=1)
    request = NodeRequest("c-1", "c", api.offer("001cpu"))
    with pytest.raises(OutOfCapacity, match=r'found no node .*persistentvolumeclaim "data" not found'):
        EXECUTOR.provisioner.create(request)
    assert api.plane.names("pods") == []
