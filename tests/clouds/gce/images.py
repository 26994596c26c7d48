"""Images of the project: made of the disk of an instance that is off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.clouds.gce import filters, places
from tests.clouds.gce.answers import exists, not_found, refusal
from tests.clouds.gce.faults import Fault
from tests.clouds.gce.instances import Instances, Machines
from tests.clouds.gce.operations import Errors, Operations

Json = dict[str, Any]


class Images:
    """The images; instances know them by ``known``. The caller holds the project's lock."""

    def __init__(
        self, project: str, operations: Operations, instances: Instances, machines: Machines
    ) -> None:
        self._prefix = f"projects/{project}/"
        self._operations = operations
        self._instances = instances
        self._machines = machines
        self._all: dict[str, Json] = {}
        instances.own_image = self.known

    def known(self, address: str) -> tuple[str, int] | None:
        """Return the architecture and the least GiB of the image at that address, if it is one of these."""
        image = self._all.get(_name(address))
        if image is None or image["status"] != "READY" or "global/images/" not in address:
            return None
        return image["architecture"], int(image["diskSizeGb"])

    def insert(self, body: Json, request_id: str | None, fault: Fault) -> Json:
        name = body["name"]
        if name in self._all:
            raise exists(f"{self._prefix}global/images/{name}")
        vm = self._instances.by_disk(body.get("sourceDisk", ""))
        if vm is None:
            raise not_found(f"{self._prefix}{body.get('sourceDisk', '')}")
        if vm.status != "TERMINATED":
            words = f"The disk resource '{body['sourceDisk']}' is already being used by '{vm.path}'"
            raise refusal(400, "resourceInUseByAnotherResource", words)
        disk = vm.body["disks"][0]["initializeParams"]
        self._all[name] = {
            **body,
            "kind": "compute#image",
            "id": self._operations.number(),
            "status": "PENDING",
            "architecture": places.architecture(_name(vm.body["machineType"])),
            "diskSizeGb": disk["diskSizeGb"],
        }

        def work() -> Errors:
            if fault.operation:
                self._all.pop(name, None)
                return fault.operation
            self._machines.save_disk(vm.number, name)
            self._all[name]["status"] = "READY"
            return []

        return self._begin("insert", name, work, request_id, fault)

    def get(self, name: str) -> Json:
        if name not in self._all:
            raise not_found(f"{self._prefix}global/images/{name}")
        return self._all[name]

    def listed(self, condition: str) -> list[Json]:
        return [image for image in self._all.values() if filters.matches(condition, image)]

    def delete(self, name: str, request_id: str | None, fault: Fault) -> Json:
        self.get(name)

        def work() -> Errors:
            if not fault.operation:
                self._machines.forget_disk(name)
                self._all.pop(name, None)
            return fault.operation

        return self._begin("delete", name, work, request_id, fault)

    def clear(self) -> None:
        """Take every image away."""
        for name in self._all:
            self._machines.forget_disk(name)
        self._all.clear()

    def _begin(
        self, kind: str, name: str, work: Callable[[], Errors], request_id: str | None, fault: Fault
    ) -> Json:
        target = f"global/images/{name}"
        return self._operations.begin(
            kind, "global", target, work, request_id=request_id, delay_s=fault.delay_s
        )


def _name(address: str) -> str:
    return address.rpartition("/")[2]
