"""Private registries: pods get the login of the task's, and it does not stay in the cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.errors import UserError
from executors import kubernetes
from executors.api import Handle, NodeRequest
from executors.docker_login import DockerLogin
from tests.integration.command import sky
from tests.k8s import programs
from tests.k8s.fixtures import Cluster
from tests.k8s.kubelet import Node

pytestmark = pytest.mark.needs("kubernetes")

SERVER, NAME = "127.0.0.1:5000", "team/app:1"
IMAGE = f"{SERVER}/{NAME}"
USER, PASSWORD = "ada", "hunter2"
HASHED = "$2b$04$Bh.UTQozbTsQLshs2m2Dye4CVFIMMB3.4T6yVYUfFYBK6rT0nrnhe"


@pytest.fixture
def registry(k8s: Cluster, real_node: Node, tmp_path: Path) -> Iterator[None]:
    """A registry with the image that nodes have, whose nodes do not have it under its name there."""
    passwords, config, client = tmp_path / "htpasswd", tmp_path / "registry.yml", tmp_path / "docker"
    passwords.write_text(f"{USER}:{HASHED}\n")
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(programs.folder() / "registry")}},
        "http": {"addr": SERVER},
        "auth": {"htpasswd": {"realm": "test", "path": str(passwords)}},
    }
    config.write_text(json.dumps(settings))
    client.mkdir()
    (client / "config.json").write_text(DockerLogin(USER, PASSWORD, SERVER).config)
    served = k8s.plane.run("docker-registry", "serve", str(config))
    real_node.push(IMAGE, client)
    k8s.configure(pod_config={})
    yield
    real_node.forget(IMAGE)
    served.terminate()
    served.wait()
    k8s.plane.children.remove(served)


@pytest.mark.usefixtures("registry")
def test_a_task_runs_in_a_private_image_and_its_login_does_not_stay(k8s: Cluster, tmp_path: Path) -> None:
    task = {
        "resources": {"infra": "k8s", "cpus": "1", "image_id": f"docker:{NAME}"},
        "envs": {"SKYPILOT_DOCKER_USERNAME": USER, "SKYPILOT_DOCKER_SERVER": SERVER},
        "secrets": {"SKYPILOT_DOCKER_PASSWORD": PASSWORD},
        "run": "echo inside",
    }
    file = tmp_path / "task.yaml"
    file.write_text(json.dumps(task))
    launched = sky("launch", "-y", "-c", "kube", str(file))
    assert launched.out == "inside\n"
    assert PASSWORD not in launched.err
    (name,) = k8s.plane.names("pods")
    pod = k8s.plane.call("GET", f"/api/v1/namespaces/default/pods/{name}")
    assert pod["spec"]["containers"][0]["image"] == IMAGE
    assert PASSWORD not in json.dumps(pod)
    assert k8s.plane.names("secrets") == []
    sky("down", "-y", "kube")


@pytest.mark.usefixtures("registry")
def test_a_wrong_login_is_told_in_the_registrys_words(k8s: Cluster) -> None:
    k8s.log_in_with_documented_rights()
    login = DockerLogin(USER, "wrong", SERVER)
    request = NodeRequest("c-1", "c", k8s.offer("001cpu"), image_id=f"docker:{NAME}", docker_login=login)
    with pytest.raises(UserError, match=rf"the image {IMAGE} cannot be had there .*unauthorized"):
        kubernetes.executor().provisioner.create(request)
    assert k8s.plane.names("secrets") == []
    kubernetes.executor().provisioner.delete(Handle("kubernetes", "c-1", "c"))
