"""The nodes of a Kubernetes cluster by what a pod can have there: classes of equal ones, and what is free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog.units import MIB_PER_GIB, MILLI
from executors.errors import AuthError
from executors.kubernetes.client import Client
from executors.kubernetes.labels import RESOURCES, Accelerators, accelerators
from executors.kubernetes.quantities import cpus_milli, memory_mib
from executors.kubernetes.settings import current

_ALIVE = "status.phase!=Succeeded,status.phase!=Failed"
_ARCHES = {"amd64": "x86_64"}


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of a node: CPUs in thousandths, MiB of memory, accelerators."""

    cpus_milli: int = 0
    memory_mib: int = 0
    accelerators: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.cpus_milli + other.cpus_milli,
            self.memory_mib + other.memory_mib,
            self.accelerators + other.accelerators,
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            self.cpus_milli - other.cpus_milli,
            self.memory_mib - other.memory_mib,
            self.accelerators - other.accelerators,
        )

    def times_in(self, room: Amount) -> int:
        """Return how many of this fit into ``room``."""
        pairs = (
            (self.cpus_milli, room.cpus_milli),
            (self.memory_mib, room.memory_mib),
            (self.accelerators, room.accelerators),
        )
        return max(0, min(have // want for want, have in pairs if want))


@dataclass(frozen=True, slots=True)
class NodeClass:
    """Equal nodes: what pods can have of one that runs its daemons only, and what each has free now.

    ``takes_plain_pods`` is whether pods that ask for no accelerators get there.
    """

    whole: Amount
    accelerators: Accelerators | None
    arch: str
    takes_plain_pods: bool = True
    free: tuple[Amount, ...] = ()


def classes(client: Client, timeout_s: float = 30.0) -> tuple[NodeClass, ...]:
    """Return the classes of nodes that take pods. Raises ``AuthError`` where nodes may not be listed.

    Where pods of all namespaces may not be listed, every node counts as free.
    """
    nodes = client.get("/api/v1/nodes", timeout_s=timeout_s)["items"]
    try:
        pods = client.get("/api/v1/pods", timeout_s=timeout_s, fieldSelector=_ALIVE)["items"]
    except AuthError:
        pods = []
    return classify(nodes, pods)


def classify(nodes: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> tuple[NodeClass, ...]:
    """Return the classes, in the order of the nodes, from what the API says of nodes and living pods."""
    on: dict[str, list[Mapping[str, Any]]] = {}
    for pod in pods:
        on.setdefault(pod["spec"].get("nodeName", ""), []).append(pod)
    found: dict[NodeClass, list[Amount]] = {}
    for node in nodes:
        if not _takes_pods(node):
            continue
        allocatable, meta = node["status"].get("allocatable", {}), node["metadata"]
        has = accelerators(meta.get("labels", {}), allocatable)
        total = Amount(
            cpus_milli(allocatable.get("cpu", 0)),
            memory_mib(allocatable.get("memory", 0)),
            has.count if has else 0,
        )
        here = on.get(meta["name"], [])
        whole = _rounded(total - _requested(pod for pod in here if _is_daemon(pod)))
        arch = node["status"].get("nodeInfo", {}).get("architecture") or "amd64"
        key = NodeClass(whole, has, _ARCHES.get(arch, arch), not any(map(_of_accelerators, _refusing(node))))
        if whole.cpus_milli >= MILLI and whole.memory_mib > 0:
            found.setdefault(key, []).append(total - _requested(here))
    return tuple(replace(key, free=tuple(free)) for key, free in found.items())


def _takes_pods(node: Mapping[str, Any]) -> bool:
    spec, conditions = node.get("spec", {}), node["status"].get("conditions", ())
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and not spec.get("unschedulable") and all(map(_tolerated, _refusing(node)))


def _refusing(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the taints of a node that keep pods off it."""
    taints = node.get("spec", {}).get("taints", ())
    return [taint for taint in taints if taint["effect"] in {"NoSchedule", "NoExecute"}]


def _of_accelerators(taint: Mapping[str, Any]) -> bool:
    """Return whether a taint keeps off those alone that ask for no accelerators."""
    return taint["key"] in RESOURCES


def _tolerated(taint: Mapping[str, Any]) -> bool:
    return _of_accelerators(taint) or any(
        each.get("key") in {None, taint["key"]} and each.get("effect") in {None, taint["effect"]}
        for each in configured_tolerations()
    )


def configured_tolerations() -> Sequence[Mapping[str, Any]]:
    """Return the tolerations in the user's ``pod_config``."""
    spec = current().pod_config.get("spec")
    found = spec.get("tolerations", ()) if isinstance(spec, Mapping) else ()
    return [each for each in found if isinstance(each, Mapping)]


def _is_daemon(pod: Mapping[str, Any]) -> bool:
    owners = pod["metadata"].get("ownerReferences", ())
    return any(owner["kind"] in {"DaemonSet", "Node"} for owner in owners)


def _requested(pods: Iterable[Mapping[str, Any]]) -> Amount:
    """Return what the pods' containers ask for, all together."""
    total = Amount()
    for pod in pods:
        for container in pod["spec"].get("containers", ()):
            asked = container.get("resources", {}).get("requests", {})
            total += Amount(
                cpus_milli(asked.get("cpu", 0)),
                memory_mib(asked.get("memory", 0)),
                sum(int(asked.get(resource, 0)) for resource in RESOURCES),
            )
    return total


def _rounded(amount: Amount) -> Amount:
    """Round down to whole CPUs and GiB, so that nodes of one kind are equal."""
    memory = amount.memory_mib
    return Amount(
        amount.cpus_milli // MILLI * MILLI,
        memory // MIB_PER_GIB * MIB_PER_GIB if memory >= MIB_PER_GIB else memory,
        amount.accelerators,
    )
