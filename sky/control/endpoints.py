"""Where the ports that a cluster opened are reached."""

from __future__ import annotations

from sky.control.connection import up
from sky.control.state import open_store
from sky.exceptions import PortDoesNotExistError


def endpoints(cluster_name: str, port: int | None = None) -> dict[int, str]:
    """Return ``host:port`` of every port that the cluster opened, or of ``port`` alone.

    Raises ``ClusterDoesNotExist``, ``ClusterNotUpError``, and ``PortDoesNotExistError`` where there is none.
    """
    record = up(open_store(), cluster_name, "endpoints")
    opened: list[str] = list(record.resources.get("ports") or ())
    if not opened:
        raise PortDoesNotExistError(
            f"cluster {cluster_name} opened no port; ports are named at launch: resources.ports, or --ports"
        )
    numbers = [number for each in opened for number in _numbers(each)]
    if port is not None and port not in numbers:
        raise PortDoesNotExistError(f"cluster {cluster_name} opened {', '.join(opened)}, not {port}")
    return {number: f"{record.head_ip}:{number}" for number in (numbers if port is None else [port])}


def _numbers(ports: str) -> range:
    first, _, last = ports.partition("-")
    return range(int(first), int(last or first) + 1)
