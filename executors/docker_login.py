"""The login of a private container registry."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

_HUB, _HUB_KEY = "docker.io", "https://index.docker.io/v1/"
"""Docker's own registry as names of images begin with it, and as credentials are kept for it."""
_HUB_HOSTS = {_HUB, "index.docker.io", "registry-1.docker.io"}


@dataclass(frozen=True, slots=True)
class DockerLogin:
    """Who one is to a registry; ``server`` is its address (``docker.io``). The password is in no repr."""

    username: str
    password: str = field(repr=False)
    server: str

    @property
    def registry(self) -> str:
        """The server as names of images begin with it: without scheme and last slash."""
        name = self.server.partition("://")[2].rstrip("/") or self.server.rstrip("/")
        return _HUB if name.partition("/")[0] in _HUB_HOSTS else name

    def full_name(self, image: str) -> str:
        """Return the name of ``image`` with its registry in front, which it may have already."""
        return image if image.startswith(f"{self.registry}/") else f"{self.registry}/{image}"

    @property
    def config(self) -> str:
        """The login as Docker's ``config.json`` and Kubernetes' ``.dockerconfigjson`` hold it: a secret."""
        host = self.registry.partition("/")[0]
        auth = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return json.dumps({"auths": {_HUB_KEY if host == _HUB else host: {"auth": auth}}})
