"""The login of a registry: whose images are its own, and that its password is not shown."""

from __future__ import annotations

import base64
import json

import pytest

from executors.docker_login import DockerLogin


@pytest.mark.parametrize(
    ("server", "image", "full_name"),
    [
        ("docker.io", "me/app:1", "docker.io/me/app:1"),
        ("https://index.docker.io/v1/", "me/app:1", "docker.io/me/app:1"),
        ("r.example.com:5000", "r.example.com:5000/app", "r.example.com:5000/app"),
        ("https://r.example.com/", "app@sha256:00", "r.example.com/app@sha256:00"),
        ("r.example.com", "r.example.com.org/app", "r.example.com/r.example.com.org/app"),
    ],
)
def test_an_image_has_its_registry_in_front_once(server: str, image: str, full_name: str) -> None:
    login = DockerLogin("me", "hunter2", server)
    assert login.full_name(image) == full_name
    assert login.full_name(full_name) == full_name
    assert "hunter2" not in repr(login)


@pytest.mark.parametrize(
    ("server", "key"),
    [
        ("docker.io", "https://index.docker.io/v1/"),
        ("https://index.docker.io/v1/", "https://index.docker.io/v1/"),
        ("r.example.com:5000/team", "r.example.com:5000"),
    ],
)
def test_docker_finds_the_credentials_by_the_registrys_host(server: str, key: str) -> None:
    (found,) = json.loads(DockerLogin("me", "hunter:2", server).config)["auths"].items()
    assert found == (key, {"auth": base64.b64encode(b"me:hunter:2").decode()})
