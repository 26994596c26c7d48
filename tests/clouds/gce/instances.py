"""Instances: ordered, booted on machines, stopped, started, deleted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.clouds.gce import filters, order, places
from tests.clouds.gce.answers import exists, not_found, refusal
from tests.clouds.gce.faults import Fault
from tests.clouds.gce.operations import Errors, Operations, now

Json = dict[str, Any]


class Machines(Protocol):
    """What instances run on; ids are theirs. See ``tests.clouds.machines``."""

    def create(self, instance_id: str, user_data: str, image: str = "") -> object: ...

    def save_disk(self, instance_id: str, image: str) -> None: ...

    def forget_disk(self, image: str) -> None: ...

    def create_with_script(self, instance_id: str, script: str) -> object: ...

    def start(self, instance_id: str) -> None: ...

    def stop(self, instance_id: str) -> None: ...

    def terminate(self, instance_id: str) -> None: ...

    def on(self, instance_id: str) -> bool: ...

    def private_address(self, instance_id: str) -> str: ...

    def public_address(self, instance_id: str) -> str: ...


@dataclass
class Vm:
    """An instance, as ordered, and how it is."""

    body: Json
    zone: str
    number: str
    status: str = "PROVISIONING"
    listed_from: float = 0.0
    times: dict[str, str] = field(default_factory=lambda: {"creationTimestamp": now()})

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def path(self) -> str:
        return f"zones/{self.zone}/instances/{self.name}"


class Instances:
    """The instances of one project; the caller holds the project's lock."""

    def __init__(self, project: str, base: str, operations: Operations, machines: Machines) -> None:
        self._project = project
        self._base = base
        self._operations = operations
        self._machines = machines
        self._all: dict[tuple[str, str], Vm] = {}
        self._deleted: list[tuple[float, Vm]] = []
        self.own_image: order.OwnImage = lambda _address: None
        """What an address means among the project's own images."""
        self.list_lag_s = 0.0
        self.notice_s = 0.0
        """How long a machine runs on after it was asked to be stopped or deleted."""

    def facts(self, zone: str, body: Json) -> dict[str, str]:
        """Return what faults can be told apart by."""
        accelerator = next(iter(body.get("guestAccelerators", [])), {}).get("acceleratorType", "")
        spot = body.get("scheduling", {}).get("provisioningModel") == "SPOT"
        return {
            "zone": zone,
            "region": zone.rpartition("-")[0],
            "machine_type": body.get("machineType", "").rpartition("/")[2],
            "market": "spot" if spot else "on-demand",
            "accelerator": accelerator.rpartition("/")[2],
        }

    def insert(self, zone: str, body: Json, request_id: str | None, fault: Fault) -> Json:
        order.check(self._project, zone, body, self.own_image)
        vm = Vm(body, zone, self._operations.number(), listed_from=time.monotonic() + self.list_lag_s)
        if (zone, vm.name) in self._all:
            raise exists(f"projects/{self._project}/{vm.path}")
        self._all[zone, vm.name] = vm

        def work() -> Errors:
            if fault.operation:
                self._all.pop((zone, vm.name), None)
                return fault.operation
            vm.status = "STAGING"
            image = body["disks"][0]["initializeParams"]["sourceImage"].rpartition("/")[2]
            self._machines.create(vm.number, _note(body, "user-data"), image)
            vm.status = "RUNNING"
            vm.times["lastStartTimestamp"] = now()
            return []

        return self._begin("insert", vm, work, request_id, fault)

    def start(self, vm: Vm, request_id: str | None, fault: Fault) -> Json:
        if vm.status == "STOPPING":
            raise refusal(400, "resourceNotReady", f"The resource '{vm.path}' is not ready")

        def work() -> Errors:
            if vm.status == "RUNNING" or fault.operation:
                return fault.operation
            vm.status = "STAGING"
            self._machines.start(vm.number)
            vm.status = "RUNNING"
            vm.times["lastStartTimestamp"] = now()
            return []

        return self._begin("start", vm, work, request_id, fault)

    def stop(self, vm: Vm, request_id: str | None, fault: Fault) -> Json:
        if vm.status != "TERMINATED" and not fault.operation:
            vm.status = "STOPPING"

        def work() -> Errors:
            if vm.status == "TERMINATED" or fault.operation:
                return fault.operation
            time.sleep(self.notice_s)
            self._machines.stop(vm.number)
            vm.status = "TERMINATED"
            vm.times["lastStopTimestamp"] = now()
            return []

        return self._begin("stop", vm, work, request_id, fault)

    def delete(self, vm: Vm, request_id: str | None, fault: Fault) -> Json:
        if not fault.operation:
            vm.status = "STOPPING"

        def work() -> Errors:
            if fault.operation:
                return fault.operation
            time.sleep(self.notice_s)
            self._machines.terminate(vm.number)
            self._all.pop((vm.zone, vm.name), None)
            self._deleted.append((time.monotonic() + self.list_lag_s, vm))
            return []

        return self._begin("delete", vm, work, request_id, fault)

    def preempt(self, vm: Vm) -> None:
        """Take a spot instance away, as Compute Engine does by itself."""
        assert vm.body.get("scheduling", {}).get("provisioningModel") == "SPOT"
        self._machines.stop(vm.number)
        vm.status = "TERMINATED"
        vm.times["lastStopTimestamp"] = now()

    def find(self, zone: str, name: str) -> Vm:
        if (zone, name) not in self._all:
            raise not_found(f"projects/{self._project}/zones/{zone}/instances/{name}")
        return self._all[zone, name]

    def by_disk(self, address: str) -> Vm | None:
        """Return the instance whose boot disk is at that address; it is called as the instance is."""
        return next((vm for vm in self._all.values() if address.endswith(_disk(vm))), None)

    def by_address(self, address: str) -> Vm | None:
        """Return the running instance with that private address."""
        running = (vm for vm in self._all.values() if vm.status in {"RUNNING", "STAGING"})
        return next((vm for vm in running if self._machines.private_address(vm.number) == address), None)

    def by_number(self, number: str) -> Vm:
        return next(vm for vm in self._all.values() if vm.number == number)

    def listed(self, zone: str, condition: str) -> list[Json]:
        """Return what a list shows, which may lag behind."""
        now_s = time.monotonic()
        vms = [vm for vm in self._all.values() if vm.listed_from <= now_s]
        vms += [vm for until, vm in self._deleted if until > now_s]
        shown = [self.show(vm) for vm in vms if vm.zone == zone]
        return [each for each in shown if filters.matches(condition, each)]

    def show(self, vm: Vm) -> Json:
        """Return the instance as the API has it."""
        if vm.status == "RUNNING" and not self._machines.on(vm.number):
            vm.status = "TERMINATED"
        running = vm.status == "RUNNING"
        interfaces = []
        for number, each in enumerate(vm.body["networkInterfaces"]):
            shown = {**each, "name": f"nic{number}", "kind": "compute#networkInterface"}
            shown["network"] = self._base + "global/networks/default"
            if vm.status not in {"PROVISIONING", "STAGING"}:
                shown["networkIP"] = self._machines.private_address(vm.number)
            public = {"natIP": self._machines.public_address(vm.number)} if running else {}
            shown["accessConfigs"] = [
                {**access, **public, "kind": "compute#accessConfig"}
                for access in each.get("accessConfigs", [])
            ]
            interfaces.append(shown)
        disks = [
            {
                **{name: value for name, value in disk.items() if name != "initializeParams"},
                "type": "PERSISTENT",
                "source": self._base + _disk(vm),
            }
            for disk in vm.body["disks"]
        ]
        if vm.body["machineType"].endswith("-lssd"):
            disks.append({"type": "SCRATCH"})
        return {
            **vm.body,
            "kind": "compute#instance",
            "id": vm.number,
            **vm.times,
            "selfLink": self._base + vm.path,
            "zone": f"{self._base}zones/{vm.zone}",
            "machineType": f"{self._base}{vm.body['machineType']}",
            "status": vm.status,
            "networkInterfaces": interfaces,
            "disks": disks,
        }

    def clear(self) -> None:
        """Take every instance away."""
        for vm in self.all():
            self._machines.terminate(vm.number)
        self._all.clear()

    def all(self) -> list[Vm]:
        return list(self._all.values())

    def _begin(self, kind: str, vm: Vm, work: Any, request_id: str | None, fault: Fault) -> Json:
        return self._operations.begin(
            kind, f"zones/{vm.zone}", vm.path, work, request_id=request_id, delay_s=fault.delay_s
        )


def _disk(vm: Vm) -> str:
    return f"zones/{vm.zone}/disks/{vm.name}"


def by_zone(listed: Mapping[str, list[Json]], collection: str) -> Json:
    """Return an aggregated list: every zone is there, those without anything with a warning.

    What is under ``""`` is global.
    """
    nothing = {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": "There are no results."}}
    zonal = {
        f"zones/{zone}": {collection: listed[zone]} if listed.get(zone) else nothing for zone in places.ZONES
    }
    return {"global": {collection: listed[""]}, **zonal} if listed.get("") else zonal


def _note(body: Json, key: str) -> str:
    items = body.get("metadata", {}).get("items", [])
    return next((item["value"] for item in items if item["key"] == key), "")
