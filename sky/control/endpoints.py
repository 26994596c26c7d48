"""Where the ports that a cluster opened are reached."""

from __future__ import annotations

from executors import registry
from executors.api import Exposing
from sky.control.connection import up
from sky.control.failures import describing
from sky.control.records import ClusterRecord
from sky.control.state import open_store
from sky.exceptions import PortDoesNotExistError


def endpoints(cluster_name: str, port: int | None = None) -> dict[int, str]:
    """Return ``host:port`` of every port that the cluster opened, or of ``port`` alone.

    They are those that its provider gives the ports, else the head node's.

    Raises ``ClusterDoesNotExist``, ``ClusterNotUpError``, ``PortDoesNotExistError`` where there is none, and
    ``ClusterStatusFetchingError`` where the provider does not say.
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
    return _addresses(record, numbers if port is None else [port])


def _addresses(record: ClusterRecord, ports: list[int]) -> dict[int, str]:
    provisioner = registry.load(record.executor).provisioner
    if not isinstance(provisioner, Exposing):
        return {port: f"{record.head_ip}:{port}" for port in ports}
    with describing(record.name):
        found = provisioner.endpoints(record.executor_handle, ports)
    if missing := [str(port) for port in ports if port not in found]:
        raise PortDoesNotExistError(
            f"cluster {record.name}: {record.executor} has no address yet for {', '.join(missing)}: pending; "
            "try again"
        )
    return dict(found)


def _numbers(ports: str) -> range:
    first, _, last = ports.partition("-")
    return range(int(first), int(last or first) + 1)
