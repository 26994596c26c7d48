"""TPU VMs of the project: nodes of Cloud TPU, which machines stand for as they do for instances."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.clouds.gce import places
from tests.clouds.gce.answers import Refusal
from tests.clouds.gce.discovery import Method
from tests.clouds.gce.faults import Fault
from tests.clouds.gce.instances import Machines
from tests.clouds.gce.operations import now

Json = dict[str, Any]
_GENERATIONS = ("v2", "v3", "v4", "v5litepod", "v5p", "v6e")
_OF_ONE_HOST = 8
_OF_EACH_HOST = {"v5litepod": 4, "v6e": 4}
"""Generation -> how much of the number in a pod's name each of its hosts has, where it is not 8."""


@dataclass
class Node:
    """A node as ordered, and how it is."""

    name: str
    body: Json
    number: str
    state: str = "CREATING"
    created_at: str = field(default_factory=now)

    @property
    def zone(self) -> str:
        return self.name.split("/")[3]

    @property
    def hosts(self) -> list[str]:
        """The ids of its machines."""
        generation, _, size = self.body["acceleratorType"].partition("-")
        count = 1 if int(size) <= _OF_ONE_HOST else int(size) // _OF_EACH_HOST.get(generation, 8)
        return [self.number, *(f"{self.number}-{worker}" for worker in range(1, count))]


class Tpus:
    """``handle`` answers what the discovery document of ``tpu.v2`` allows; the caller holds the lock."""

    def __init__(self, project: str, machines: Machines, number: Callable[[], str]) -> None:
        self._project = project
        self._machines = machines
        self._number = number
        self._all: dict[str, Node] = {}
        self._operations: dict[str, Json] = {}
        self._workers = ThreadPoolExecutor(8, thread_name_prefix="tpu")
        self._handlers: dict[str, Callable[[Json, Json, Fault], Json]] = {
            "projects.locations.nodes.create": self._create,
            "projects.locations.nodes.get": lambda parameters, _body, _fault: self.show(
                self._find(parameters)
            ),
            "projects.locations.nodes.list": self._list,
            "projects.locations.nodes.start": self._start,
            "projects.locations.nodes.stop": self._stop,
            "projects.locations.nodes.delete": self._delete,
            "projects.locations.operations.get": self._operation,
        }

    def facts(self, parameters: Json, body: Json) -> Json:
        """Return what faults can be told apart by."""
        spot = body.get("schedulingConfig", {}).get("spot")
        return {
            "zone": str(parameters.get("parent") or parameters["name"]).split("/")[3],
            "accelerator": body.get("acceleratorType", ""),
            "market": "spot" if spot else "on-demand",
        }

    def handle(self, method: Method, parameters: Json, body: Json, fault: Fault) -> Json:
        """Answer. Raises ``Refusal``."""
        if method.name not in self._handlers:
            raise _refusal(400, "INVALID_ARGUMENT", f"this server does not know {method.name} yet")
        return self._handlers[method.name](parameters, body, fault)

    def show(self, node: Node) -> Json:
        """Return the node as the API has it."""
        if node.state == "READY" and not all(map(self._machines.on, node.hosts)):
            node.state = "STOPPED"
        shown = {**node.body, "name": node.name, "id": node.number, "state": node.state, "apiVersion": "V2"}
        if node.state in {"READY", "STOPPED", "STOPPING"}:
            shown["networkEndpoints"] = [self._endpoint(host, node.state) for host in node.hosts]
        return {**shown, "createTime": node.created_at}

    def preempt(self, zone: str, name: str) -> None:
        """Take a spot node away: what was on it is lost, its name stays."""
        node = self._all[f"projects/{self._project}/locations/{zone}/nodes/{name}"]
        assert node.body["schedulingConfig"]["spot"]
        self._terminate(node)
        node.state = "PREEMPTED"

    def by_number(self, number: str) -> Node | None:
        return next((node for node in self._all.values() if number in node.hosts), None)

    def clear(self) -> None:
        """Take every node away."""
        for node in self._all.values():
            self._terminate(node)
        self._all.clear()

    def all(self) -> list[Node]:
        return list(self._all.values())

    def _endpoint(self, host: str, state: str) -> Json:
        endpoint: Json = {"ipAddress": self._machines.private_address(host), "port": 8470}
        if state == "READY":
            endpoint["accessConfig"] = {"externalIp": self._machines.public_address(host)}
        return endpoint

    def _terminate(self, node: Node) -> None:
        for host in node.hosts:
            self._machines.terminate(host)

    def _create(self, parameters: Json, body: Json, fault: Fault) -> Json:
        name = f"{parameters['parent']}/nodes/{parameters['nodeId']}"
        if name in self._all:
            raise _refusal(409, "ALREADY_EXISTS", f"Resource '{name}' already exists")
        generation = body.get("acceleratorType", "").partition("-")[0]
        zone = name.split("/")[3]
        if generation not in _GENERATIONS or not places.has_tpu(zone, generation):
            words = f"Accelerator type '{body.get('acceleratorType')}' was not found in zone '{zone}'"
            raise _refusal(404, "NOT_FOUND", words)
        if not body.get("runtimeVersion"):
            raise _refusal(400, "INVALID_ARGUMENT", "runtimeVersion is required")
        node = Node(name, body, self._number())
        self._all[name] = node

        def work() -> Json | None:
            if fault.operation:
                self._all.pop(name, None)
                return dict(fault.operation[0])
            for host in node.hosts:
                self._machines.create_with_script(host, body["metadata"]["startup-script"])
            node.state = "READY"
            return None

        return self._begin(node, work, fault)

    def _list(self, parameters: Json, _body: Json, _fault: Fault) -> Json:
        zone = parameters["parent"].split("/")[3]
        found = [self.show(node) for node in self._all.values() if zone in {"-", node.zone}]
        first, size = int(parameters.get("pageToken") or 0), int(parameters.get("pageSize", 500))
        more = {"nextPageToken": str(first + size)} if first + size < len(found) else {}
        return {"nodes": found[first : first + size], **more}

    def _start(self, parameters: Json, _body: Json, fault: Fault) -> Json:
        node = self._find(parameters)
        self._require(node, "STOPPED", "start")

        def work() -> Json | None:
            if fault.operation:
                return dict(fault.operation[0])
            node.state = "STARTING"
            self._machines.start(node.number)
            node.state = "READY"
            return None

        return self._begin(node, work, fault)

    def _stop(self, parameters: Json, _body: Json, fault: Fault) -> Json:
        node = self._find(parameters)
        self._require(node, "READY", "stop")
        if len(node.hosts) > 1:
            raise _refusal(400, "INVALID_ARGUMENT", "stop is not supported for TPU pods")
        node.state = "STOPPING"

        def work() -> Json | None:
            self._machines.stop(node.number)
            node.state = "STOPPED"
            return None

        return self._begin(node, work, fault)

    def _delete(self, parameters: Json, _body: Json, fault: Fault) -> Json:
        node = self._find(parameters)
        if node.state == "CREATING":
            raise _refusal(400, "FAILED_PRECONDITION", "delete is not supported while in state CREATING")

        def work() -> Json | None:
            if fault.operation:
                return dict(fault.operation[0])
            self._terminate(node)
            self._all.pop(node.name, None)
            return None

        return self._begin(node, work, fault)

    def _operation(self, parameters: Json, _body: Json, _fault: Fault) -> Json:
        if parameters["name"] not in self._operations:
            raise _refusal(404, "NOT_FOUND", f"{parameters['name']} was not found")
        return dict(self._operations[parameters["name"]])

    def _require(self, node: Node, state: str, verb: str) -> None:
        if node.state != state:
            words = f"{verb} is not supported while in state {node.state}"
            raise _refusal(400, "FAILED_PRECONDITION", f"Cloud TPU received a bad request. {words}")

    def _find(self, parameters: Json) -> Node:
        if parameters["name"] not in self._all:
            raise _refusal(404, "NOT_FOUND", f"Resource '{parameters['name']}' was not found")
        return self._all[parameters["name"]]

    def _begin(self, node: Node, work: Callable[[], Json | None], fault: Fault) -> Json:
        place = node.name.partition("/nodes/")[0]
        operation: Json = {"name": f"{place}/operations/operation-{uuid.uuid4()}", "done": False}
        self._operations[operation["name"]] = operation

        def run() -> None:
            time.sleep(fault.delay_s)
            error = work()
            operation.update({"error": error} if error else {"response": {}}, done=True)

        self._workers.submit(run)
        return dict(operation)


def _refusal(code: int, status: str, message: str) -> Refusal:
    return Refusal(code, {"code": code, "message": message, "status": status})
