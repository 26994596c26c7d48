"""What the nodes of a cluster of rented machines are: the machines themselves, or a container on each."""

from __future__ import annotations

from collections.abc import Sequence

from executors.api import Handle, NodeRequest
from executors.container import machine
from executors.container.machine import Container
from executors.docker_login import DockerLogin
from executors.fanout import on_each
from executors.transports import ssh
from executors.transports.address import Address


def begun(nodes: Sequence[Address], request: NodeRequest) -> dict[str, str]:
    """Have each machine run the container that ``request`` names; returns what its handle holds of that.

    Nothing where it names none. Raises what ``machine.run`` raises.
    """
    if not request.container_image:
        return {}
    image, options = request.container_image, request.docker_run_options
    return _run(nodes, request.cluster_id, image, options, request.docker_login)


def resumed(nodes: Sequence[Address], handle: Handle) -> None:
    """Have machines that were started again run their containers again, where they have some."""
    container = Container.read(handle.data)
    if container is not None:
        _run(nodes, handle.cluster_id, container.image, container.run_options, None)


def _run(
    nodes: Sequence[Address],
    cluster_id: str,
    image: str,
    run_options: Sequence[str],
    login: DockerLogin | None,
) -> dict[str, str]:
    ways = [ssh.connect(node) for node in nodes]
    try:
        ran = on_each(
            range(len(nodes)),
            lambda rank: machine.run(ways[rank], cluster_id, image, run_options, login),
            step="starting the container",
            cancel=lambda rank: ways[rank].close(),
        )
    finally:
        for way in ways:
            way.close()
    return ran[0].write()
