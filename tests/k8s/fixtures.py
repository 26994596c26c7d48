"""What tests use of the session's Kubernetes: ``api``, and ``k8s`` with a node that runs pods.

One runs at a time on a machine, and for one session: a second session waits for the first one's end.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from catalog.errors import ExecutorError
from catalog.home import sky_home
from catalog.offer import Offer
from executors.api import Handle
from executors.kubernetes import offers, owned_offers
from executors.kubernetes.client import client_of
from executors.kubernetes.settings import read_with
from executors.kubernetes.transport import PodTransport
from sky.control import kubernetes_config
from tests.hosts import ability
from tests.hosts.record import locked
from tests.k8s import programs
from tests.k8s.control_plane import ADMIN, ControlPlane
from tests.k8s.kubelet import IMAGE, NAME, Node

_MANIFESTS = Path(__file__).parents[2] / "docs" / "kubernetes"
AUTODOWN = _MANIFESTS / "autodown.yaml"
POD_CONFIG = {"spec": {"containers": [{"image": IMAGE}]}}
"""The image that is there, in the place of the usual one, which no registry here gives."""

IN_NAMESPACE = (
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "get", "list", "watch", "delete"]},
    {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "create"]},
)
NODES = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}


@dataclass
class Cluster:
    """The session's Kubernetes as one test has it."""

    plane: ControlPlane
    home: Path

    def configure(self, pod_config: Mapping[str, object] = POD_CONFIG, **section: object) -> None:
        """Write the user's configuration."""
        file = sky_home() / "config.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"kubernetes": {"pod_config": dict(pod_config), **section}}))

    def log_in(self, *users: str, namespace: str = "default") -> None:
        """Write the user's kubeconfig, one context for each user; the first is current."""
        kubeconfig = self.home / ".kube" / "config"
        kubeconfig.parent.mkdir(exist_ok=True)
        kubeconfig.write_text(self.plane.kubeconfig(*users, namespace=namespace).read_text())
        self.forget()

    def log_in_with_documented_rights(self) -> None:
        """Log in as somebody who has what ``rights.yaml`` grants, and nothing else."""
        granted = yaml.safe_load_all((_MANIFESTS / "rights.yaml").read_text())
        self.plane.grant("dev", [rule for each in granted for rule in each.get("rules", ())], user="dev")
        self.log_in("dev")

    def forget(self) -> None:
        """Let the next call of this process look anew."""
        client_of.cache_clear()
        offers.shares.forget()

    def offer(self, part: str) -> Offer:
        """Return the first share that is there now with that in its name."""
        self.forget()
        return next(each.offer for each in owned_offers() if part in each.offer.key.instance_type)

    @contextmanager
    def taken(self, gpus: int) -> Iterator[None]:
        """Let somebody else have so many GPUs, in another namespace, during the block."""
        base = "/api/v1/namespaces/kube-system"
        account = {"metadata": {"name": "default"}}
        container = {"name": "x", "image": "x", "resources": {"limits": {"nvidia.com/gpu": str(gpus)}}}
        spec = {"containers": [container], "automountServiceAccountToken": False}
        self.plane.call("POST", f"{base}/serviceaccounts", account)
        self.plane.call("POST", f"{base}/pods", {"metadata": {"name": "other"}, "spec": spec})
        self.plane.wait_for(f"{base}/pods/other", "nodeName")
        try:
            yield
        finally:
            self.plane.delete(f"{base}/pods/other")
            self.plane.delete(f"{base}/serviceaccounts/default")

    @contextmanager
    def applied(self, manifest: Path) -> Iterator[None]:
        """Have what a manifest describes in the default namespace, during the block."""
        made = []
        try:
            for each in yaml.safe_load_all(manifest.read_text()):
                api = "/api/v1" if each["apiVersion"] == "v1" else f"/apis/{each['apiVersion']}"
                path = f"{api}/namespaces/default/{each['kind'].lower()}s"
                self.plane.call("POST", path, each)
                made.append(f"{path}/{each['metadata']['name']}")
            yield
        finally:
            for path in reversed(made):
                self.plane.delete(path)

    def alive(self, handle: Handle, pid: int) -> bool:
        """Return whether the process runs in the cluster's first pod."""
        pod = json.loads(handle.data["pods"])[0]
        transport = PodTransport(client_of(handle.data["context"]), "default", pod)
        try:
            return transport.run(["sh", "-c", f"kill -0 {pid}"]).returncode == 0
        except ExecutorError:
            return False


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """The session's control plane; it has no nodes but those that tests add."""
    if reason := ability.why_not(ability.KUBERNETES):
        pytest.skip(f"not run, needs {ability.KUBERNETES}: {reason}")
    with (
        locked(programs.folder() / "in-use"),
        tempfile.TemporaryDirectory(prefix="sky-kubernetes-", ignore_cleanup_errors=True) as folder,
    ):
        plane = ControlPlane.start(Path(folder))
        yield plane
        plane.stop()


@pytest.fixture(scope="session")
def real_node(control_plane: ControlPlane) -> Iterator[Node]:
    """A node of it that runs pods."""
    node = Node(control_plane)
    node.start()
    yield node
    node.stop()


@pytest.fixture
def api(control_plane: ControlPlane, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """The control plane for one test, whose user is its administrator; nothing is left there after it."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    cluster = Cluster(control_plane, home)
    cluster.configure()
    cluster.log_in(ADMIN)
    read_with(kubernetes_config.read)
    yield cluster
    for pod in control_plane.call("GET", "/api/v1/namespaces/default/pods")["items"]:
        control_plane.delete(f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}")
    for node in control_plane.call("GET", "/api/v1/nodes")["items"]:
        if node["metadata"]["name"] != NAME:
            control_plane.delete(f"/api/v1/nodes/{node['metadata']['name']}")
    cluster.forget()


@pytest.fixture
def k8s(real_node: Node, api: Cluster) -> Iterator[Cluster]:
    """The control plane with a node that runs pods, for one test; none of its pods is left after it."""
    yield api
    assert api.plane.names("pods") == []


@pytest.fixture
def k8s_with_autodown(k8s: Cluster) -> Iterator[Cluster]:
    """The same, whose pods may delete themselves."""
    with k8s.applied(AUTODOWN):
        yield k8s
