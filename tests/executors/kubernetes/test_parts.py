"""What a cluster has besides pods, at an API of this process: made once, found by label, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from executors.api import Handle, NodeRequest
from executors.docker_login import DockerLogin
from executors.errors import AuthError, NotFound
from executors.kubernetes import parts, pods, pull_secret, service
from executors.kubernetes.client import Client
from executors.kubernetes.errors import AlreadyThere
from executors.kubernetes.nodes import Amount
from executors.kubernetes.settings import Settings, read_with
from executors.kubernetes.share import Share

OFFER = Share(Amount(4_000, 8_192), None, "x86_64").offer("lab")
HEAD = {
    "metadata": {"name": "sky-c-1-0", "uid": "0a1b2c3d-4e5f"},
    "spec": {"nodeName": "n"},
    "status": {"podIP": "10.1.0.7", "hostIP": "10.0.0.7"},
}


class Api:
    """Objects by path; lists by label; refuses what it is told to."""

    def __init__(self) -> None:
        self.context = SimpleNamespace(namespace="here")
        self.objects: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()

    def get(self, path: str, labelSelector: str = "", **_: str) -> dict[str, Any]:  # noqa: N803
        if path.rsplit("/", 1)[-1] in self.refused:
            raise AuthError(f"{path} is not yours", scope=None, ttl_s=1)  # type: ignore[arg-type]
        key, _, value = labelSelector.partition("=")
        listed = [each for at, each in self.objects.items() if at.startswith(f"{path}/")]
        labelled = [each for each in listed if each["metadata"].get("labels", {}).get(key)]
        return {"items": [each for each in labelled if value in {"", each["metadata"]["labels"][key]}]}

    def post(self, path: str, body: dict[str, Any]) -> None:
        at = f"{path}/{body['metadata']['name']}"
        if at in self.objects:
            raise AlreadyThere(at)
        self.objects[at] = {"status": {}, **body}

    def delete(self, path: str) -> None:
        if path not in self.objects:
            raise NotFound(path)
        del self.objects[path]


@pytest.fixture
def api() -> Iterator[Api]:
    yield Api()
    read_with(Settings)


def client(api: Api) -> Client:
    return cast("Client", api)


def request(**fields: object) -> NodeRequest:
    return NodeRequest("c-1", "c", OFFER, **fields)  # type: ignore[arg-type]


def opened(api: Api, head: dict[str, Any], mode: str, *ports: int) -> dict[int, str]:
    handle = Handle("kubernetes", "c-1", "c", {"namespace": "here", "ports": mode})
    return dict(service.endpoints(client(api), handle, head, ports))


def test_a_service_opens_the_ports_once_for_each_head(api: Api) -> None:
    wanted = request(ports=("9000-9001", "80", "9001"))
    assert service.expose(client(api), request(), HEAD) == ""
    assert api.objects == {}
    for _ in range(2):
        assert service.expose(client(api), wanted, HEAD) == "loadbalancer"
    ((path, first),) = api.objects.items()
    assert [each["port"] for each in first["spec"]["ports"]] == [80, 9000, 9001]
    assert first["metadata"]["ownerReferences"][0]["uid"] == HEAD["metadata"]["uid"]
    assert opened(api, HEAD, "loadbalancer", 80) == {}
    first["status"] = {"loadBalancer": {"ingress": [{"ip": "2001:db8::1"}]}}
    assert opened(api, HEAD, "loadbalancer", 80, 81) == {80: "[2001:db8::1]:80"}
    again = {**HEAD, "metadata": {"name": "sky-c-1-0", "uid": "ffffffff-0"}}
    assert opened(api, again, "loadbalancer", 80) == {}
    service.expose(client(api), wanted, again)
    assert len(api.objects) == 1
    assert path not in api.objects


def test_a_pods_own_address_takes_no_service(api: Api) -> None:
    read_with(lambda: Settings(ports="podip"))
    assert service.expose(client(api), request(ports=("80",)), HEAD) == "podip"
    assert api.objects == {}
    assert opened(api, HEAD, "podip", 80) == {80: "10.1.0.7:80"}


def test_a_node_port_is_at_the_node(api: Api) -> None:
    read_with(lambda: Settings(ports="nodeport"))
    assert service.expose(client(api), request(ports=("80",)), HEAD) == "nodeport"
    (made,) = api.objects.values()
    made["spec"]["ports"][0]["nodePort"] = 30080
    api.refused.add("nodes")
    assert opened(api, HEAD, "nodeport", 80) == {80: "10.0.0.7:30080"}


def test_a_login_is_there_while_pods_pull_and_no_longer(api: Api) -> None:
    login = DockerLogin("me", "hunter2", "r.example.com:5000")
    wanted = request(docker_login=login)

    def interrupted() -> None:
        with pull_secret.present(client(api), wanted):
            (made,) = api.objects.values()
            assert made["stringData"] == {".dockerconfigjson": login.config}
            assert made["metadata"]["name"] == pods.login_name("c-1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert api.objects == {}
    with pull_secret.present(client(api), request()):
        assert api.objects == {}


def test_parts_are_found_by_the_cluster_they_belong_to(api: Api) -> None:
    service.expose(client(api), request(ports=("80",)), HEAD)
    other = NodeRequest("c-2", "c", OFFER, docker_login=DockerLogin("me", "x", "r"))
    with pull_secret.present(client(api), other):
        assert {each.cluster_id for each in parts.found(client(api), "here")} == {"c-1", "c-2"}
        api.refused.add("secrets")
        (only,) = parts.found(client(api), "here")
        assert str(only) == f"service {pods.name('c-1', '0a1b2c3d')}"
        parts.delete(client(api), [only, only])
        assert [path.rsplit("/", 2)[1] for path in api.objects] == ["secrets"]
