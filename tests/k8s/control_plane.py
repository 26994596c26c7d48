"""A Kubernetes of this run: etcd, the API server and the scheduler, in a network of their own."""

from __future__ import annotations

import json
import secrets
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hosts.command import environment, run
from tests.hosts.network import Bridge, Wire
from tests.k8s import programs

ADMIN = "admin"
SERVICE_IP = "10.96.0.1"
_API_PORT, _ETCD_PORT, _PEER_PORT = 6443, 2379, 2380
_READY_S = 120.0
_GATES = "BoundServiceAccountTokenVolume=true"
# What the controller-manager would take away again; it is not here.
_LEFT_OUT = "TaintNodesByCondition,Priority"


@dataclass
class ControlPlane:
    """A running one. ``tokens`` are those of its users; ``admin`` may do everything, others nothing yet."""

    folder: Path
    wire: Wire
    tokens: Mapping[str, str] = field(repr=False)
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def start(cls, folder: Path, users: Sequence[str] = ("dev",)) -> ControlPlane:
        """Start one with its data below ``folder``; returns when it takes calls."""
        bridge = next(bridge for bridge in Bridge.candidates() if bridge.claim())
        wire = Wire(bridge, 1)
        wire.connect()
        plane = cls(folder, wire, {name: secrets.token_hex(16) for name in (ADMIN, *users)})
        try:
            plane._start_api()
            plane._prepare("default")
            plane.run("kube-scheduler", f"--kubeconfig={plane.kubeconfig(ADMIN)}", "--leader-elect=false")
        except BaseException:
            plane.stop()
            raise
        return plane

    @property
    def server(self) -> str:
        """The API server's address."""
        return f"https://{self.wire.ip}:{_API_PORT}"

    @property
    def authority(self) -> Path:
        """The certificate that its own is checked by."""
        return self.folder / "certs" / "apiserver.crt"

    def run(self, program: str, *argv: str, log: str = "") -> subprocess.Popen[bytes]:
        """Run a program inside the network, until ``stop`` or this process's end."""
        built = programs.folder() / "bin" / program
        words = ["setpriv", "--pdeathsig", "TERM", "nsenter", f"--net=/run/netns/{self.wire.namespace}"]
        words.append(str(built if built.exists() else program))
        with (self.folder / f"{log or program}.log").open("wb") as output:
            child = subprocess.Popen(
                [*words, *argv],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.children.append(child)
        return child

    def stop(self) -> None:
        """End all of it, the last first, and take away its network and what it mounted."""
        for child in reversed(self.children):
            child.terminate()
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for path in reversed(mounted):
            if self.folder in Path(path).parents:
                run("umount", "--lazy", path, check=False)
        self.wire.remove()
        self.wire.bridge.remove()

    def call(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Any:
        """Ask the API server as its administrator. Raises ``HTTPError``."""
        request = urllib.request.Request(
            f"{self.server}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.tokens[ADMIN]}", "Content-Type": kind},
            method=method,
        )
        tls = ssl.create_default_context(cafile=str(self.authority))
        with urllib.request.urlopen(request, context=tls, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text[:1] == b"{" else text.decode()

    def kubeconfig(self, *users: str, namespace: str = "default") -> Path:
        """Write a kubeconfig with one context for each user, named after that one; the first is current."""
        path = self.folder / f"kubeconfig-{'-'.join(users)}-{namespace}"
        cluster = {"server": self.server, "certificate-authority": str(self.authority)}
        contexts = [
            {"name": user, "context": {"cluster": "here", "user": user, "namespace": namespace}}
            for user in users
        ]
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": users[0],
            "clusters": [{"name": "here", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}} for user in users],
            "contexts": contexts,
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        return path

    def add_node(self, name: str, labels: Mapping[str, str], allocatable: Mapping[str, str]) -> None:
        """Add a node that takes pods and runs none."""
        amounts = {"cpu": "8", "memory": "32Gi", "pods": "110", **allocatable}
        ready = {"type": "Ready", "status": "True", "reason": "Fake", "message": ""}
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": dict(labels)},
            "status": {"capacity": amounts, "allocatable": amounts, "conditions": [ready]},
        }
        self.call("POST", "/api/v1/nodes", node)

    def delete(self, path: str) -> None:
        """Delete what is at ``path``, at once; gone already is success."""
        try:
            self.call("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise

    def names(self, kind: str, namespace: str = "default") -> list[str]:
        """Return the names of what there is of a kind (``pods``) in a namespace; what goes away is not."""
        listed = [
            each["metadata"] for each in self.call("GET", f"/api/v1/namespaces/{namespace}/{kind}")["items"]
        ]
        return sorted(each["name"] for each in listed if "deletionTimestamp" not in each)

    def grant(self, role: str, rules: Sequence[Mapping[str, object]], *, user: str) -> None:
        """Give a user rights in the whole cluster, in the place of what ``role`` gave before."""
        api = "/apis/rbac.authorization.k8s.io/v1"
        for kind in ("clusterrolebindings", "clusterroles"):
            self.delete(f"{api}/{kind}/{role}")
        group = "rbac.authorization.k8s.io"
        version = f"{group}/v1"
        self.call(
            "POST",
            f"{api}/clusterroles",
            {"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": role}, "rules": list(rules)},
        )
        binding = {
            "apiVersion": version,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": role},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        }
        self.call("POST", f"{api}/clusterrolebindings", binding)

    def wait_for(self, path: str, text: str) -> None:
        """Wait until what is at ``path`` can be read and holds ``text``."""
        deadline = time.monotonic() + _READY_S
        while True:
            try:
                if text in json.dumps(self.call("GET", path)):
                    return
            except (OSError, ssl.SSLError):
                pass
            dead = [child for child in self.children if child.poll() is not None]
            assert not dead, f"{dead[0].args} ended; see {self.folder}"
            assert time.monotonic() < deadline, f"no {text!r} at {path}; see {self.folder}"
            time.sleep(0.1)

    def _start_api(self) -> None:
        ip, folder = self.wire.ip, self.folder
        clients, peers = f"http://127.0.0.1:{_ETCD_PORT}", f"http://127.0.0.1:{_PEER_PORT}"
        self.run(
            "etcd",
            *(f"--data-dir={folder}/etcd", "--unsafe-no-fsync"),
            *(f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}"),
            *(f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}"),
            f"--initial-cluster=default={peers}",
        )
        key, tokens = folder / "service-accounts.key", folder / "tokens.csv"
        run("openssl", "genrsa", "-out", str(key), "2048")
        groups = {ADMIN: "system:masters"}
        tokens.touch(mode=0o600)
        tokens.write_text(
            "".join(
                f'{token},{user},{user},"{groups.get(user, "")}"\n' for user, token in self.tokens.items()
            )
        )
        self.run(
            "kube-apiserver",
            *(f"--etcd-servers={clients}", f"--bind-address={ip}", f"--advertise-address={ip}"),
            *(f"--secure-port={_API_PORT}", f"--cert-dir={folder}/certs", f"--token-auth-file={tokens}"),
            *("--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/24"),
            *("--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={key}"),
            *(f"--service-account-signing-key-file={key}", f"--feature-gates={_GATES}"),
            *(f"--disable-admission-plugins={_LEFT_OUT}", "--kubelet-preferred-address-types=InternalIP"),
        )
        deadline = time.monotonic() + _READY_S
        while not self.authority.exists():
            assert time.monotonic() < deadline, f"the API server does not start; see {folder}"
            time.sleep(0.1)
        self.wait_for("/readyz", "ok")
        self.wait_for("/api/v1/namespaces/default", "Active")

    def _prepare(self, namespace: str) -> None:
        """Make what the controller-manager would make in a namespace."""
        base = f"/api/v1/namespaces/{namespace}"
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        self.call("POST", f"{base}/serviceaccounts", account)
        authority = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "kube-root-ca.crt"},
            "data": {"ca.crt": self.authority.read_text()},
        }
        self.call("POST", f"{base}/configmaps", authority)
