"""The login of a private container registry."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DockerLogin:
    """Who one is to a registry; ``server`` is its address (``docker.io``). The password is in no repr."""

    username: str
    password: str = field(repr=False)
    server: str

    @property
    def registry(self) -> str:
        """The server as names of images begin with it: without scheme and last slash."""
        return self.server.partition("://")[2].rstrip("/") or self.server.rstrip("/")

    def full_name(self, image: str) -> str:
        """Return the name of ``image`` with its registry in front, which it may have already."""
        return image if image.startswith(f"{self.registry}/") else f"{self.registry}/{image}"
