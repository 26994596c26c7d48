"""A rented machine's container that is the node: pulled, run, and entered. Needs docker there, or apt-get."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.errors import UserError
from executors.container.contents import INIT, prepared
from executors.container.pull import PullOutput
from executors.container.transport import ContainerTransport
from executors.docker_login import DockerLogin
from executors.errors import Unsupported

if TYPE_CHECKING:
    from executors.transports.ssh import SshTransport

_log = logging.getLogger("sky.executors")

NAME = "sky"
"""What the container is called on its machine."""
EXAMPLE = "python:3.12-slim-bookworm"

_RUN = Path(__file__).with_name("docker.sh")
_KEY = "container"
_NO_DOCKER, _NO_IMAGE = 3, 4


@dataclass(frozen=True, slots=True)
class Container:
    """The containers of a cluster: their image, how docker is called on their machines, their Python.

    ``run_options`` are the user's words among those of ``docker run``.
    """

    image: str
    docker: str
    python: str
    run_options: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, str]) -> Container | None:
        """Return what a handle's ``data`` says of them, ``None`` where machines are the nodes themselves."""
        if _KEY not in data:
            return None
        fields = json.loads(data[_KEY])
        return cls(**{**fields, "run_options": tuple(fields.get("run_options", ()))})

    def write(self) -> dict[str, str]:
        """Return what ``read`` finds in a handle's ``data``."""
        return {_KEY: json.dumps(asdict(self))}

    @property
    def shell(self) -> str:
        """The command by which somebody at a terminal on the machine enters its container."""
        return f"{self.docker} exec -it {NAME} sh -c 'cd; exec bash -l'"

    def enter(self, machine: SshTransport) -> ContainerTransport:
        """Return the transport into the container that ``machine`` runs, as its image's user."""
        return ContainerTransport(machine, [*self.docker.split(), "exec", "-i", NAME], self.python)


def run(
    machine: SshTransport,
    cluster_id: str,
    image: str,
    run_options: Sequence[str],
    login: DockerLogin | None,
) -> Container:
    """Have ``machine`` run the cluster's container, with what the agent needs; running already is success.

    One that is there keeps the options that it was made with. Raises ``UserError`` with the registry's words
    where the image cannot be pulled, ``Unsupported`` where there is no docker, docker refuses the options,
    or the image cannot be a node.
    """
    output = PullOutput(lambda standing: _log.info("%s: %s", machine.address, standing))
    script = ["sh", "-c", _RUN.read_text("utf-8"), "sh", NAME, cluster_id, image, INIT, *run_options]
    code = machine.stream(script, output.take, stdin=login.config.encode() if login else b"")
    said = output.complaint
    if code == _NO_IMAGE:
        raise UserError(
            f"image_id: {image} cannot be pulled to {machine.address}: {said}. Is it right, and for a "
            f"private registry, are SKYPILOT_DOCKER_USERNAME, _PASSWORD and _SERVER?"
        )
    if code == _NO_DOCKER:
        raise Unsupported(
            f"{machine.address} cannot run containers: {said}. Take an image of machines with docker, or none"
        )
    if code:
        raise Unsupported(f"{machine.address}: the container of {image} does not start: {said}")
    docker = output.last.removeprefix("docker: ")
    as_root = ContainerTransport(machine, [*docker.split(), "exec", "-i", "-u", "0", NAME])
    return Container(image, docker, prepared(as_root, EXAMPLE), tuple(run_options))
