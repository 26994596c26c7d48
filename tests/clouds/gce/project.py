"""One project of the make-believe Compute Engine: what each request does."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

from tests.clouds.gce import filters, places
from tests.clouds.gce.answers import exists, invalid, not_found
from tests.clouds.gce.discovery import Method
from tests.clouds.gce.faults import Fault, Faults
from tests.clouds.gce.images import Images
from tests.clouds.gce.instances import Instances, Machines, by_zone
from tests.clouds.gce.operations import Errors, Operations
from tests.clouds.gce.tpus import Tpus

Json = dict[str, Any]
Handler = Callable[[dict[str, str], Json, Fault], Json]


class Project:
    """``handle`` answers what the discovery document allows, one request at a time but for waits."""

    def __init__(self, name: str, base: str, machines: Machines) -> None:
        self.name = name
        self.lock = threading.Condition()
        self.faults = Faults()
        self.calls: list[Json] = []
        self.denied: set[str] = set()
        self.page_size = 500
        self._base = f"{base}projects/{name}/"
        self.operations = Operations(self._base, self.lock)
        self.instances = Instances(name, self._base, self.operations, machines)
        self.images = Images(name, self.operations, self.instances, machines)
        self.tpus = Tpus(name, machines, self.operations.number)
        self._firewalls: dict[str, Json] = {}
        self._handlers: dict[str, Handler] = {
            "projects.get": self._get_project,
            "instances.insert": self._insert,
            "instances.get": self._get,
            "instances.list": self._list,
            "instances.aggregatedList": self._aggregated,
            "instances.start": self._start,
            "instances.stop": self._stop,
            "instances.delete": self._delete,
            "images.insert": self._insert_image,
            "images.get": lambda parameters, _body, _fault: self.images.get(parameters["image"]),
            "images.list": self._list_images,
            "images.delete": self._delete_image,
            "machineTypes.aggregatedList": self._machine_types,
            "zoneOperations.get": self._operation,
            "zoneOperations.wait": self._wait,
            "globalOperations.get": self._operation,
            "globalOperations.wait": self._wait,
            "globalOperations.aggregatedList": self._operations_of_all,
            "firewalls.insert": self._insert_rule,
            "firewalls.get": self._get_rule,
            "firewalls.list": self._list_rules,
            "firewalls.delete": self._delete_rule,
        }

    def fault_of(self, method: Method, parameters: dict[str, str], body: Json) -> Fault:
        """Note the request, and return what goes wrong with it."""
        facts: Json = dict(parameters)
        if method.id.startswith("tpu."):
            facts |= self.tpus.facts(parameters, body)
        elif method.name == "instances.insert":
            facts |= {**self.instances.facts(parameters["zone"], body), "name": str(body.get("name", ""))}
        elif method.name == "instances.start":
            vm = self.instances.find(parameters["zone"], parameters["instance"])
            facts |= self.instances.facts(vm.zone, vm.body)
        self.calls.append({"method": method.name, **facts})
        return self.faults.take(method.name, facts)

    def handle(self, method: Method, parameters: dict[str, str], body: Json, fault: Fault) -> Json:
        """Answer. Raises ``Refusal``."""
        if method.id.startswith("tpu."):
            return self.tpus.handle(method, parameters, body, fault)
        if parameters.get("project") != self.name:
            raise not_found(f"projects/{parameters.get('project')}")
        zone = parameters.get("zone")
        if zone is not None and zone not in places.ZONES:
            raise not_found(f"projects/{self.name}/zones/{zone}")
        handler = self._handlers.get(method.name)
        if handler is None:
            raise invalid(f"this server does not know {method.name} yet")
        filters.matches(parameters.get("filter", ""), {})  # wrong ones are refused though nothing is there
        if (begun := self.operations.repeated(parameters.get("requestId"))) is not None:
            return dict(begun)
        return handler(parameters, body, fault)

    def clear(self) -> None:
        """Take all away that has a machine or an image behind it."""
        for part in (self.instances, self.images, self.tpus):
            part.clear()

    def name_of(self, number: str) -> str:
        """Return what a machine is called, as its metadata server says."""
        node = self.tpus.by_number(number)
        return f"t1v-n-{number}-w-0" if node else self.instances.by_number(number).name

    def _get_project(self, _parameters: dict[str, str], _body: Json, _fault: Fault) -> Json:
        return {"kind": "compute#project", "name": self.name, "id": "1", "selfLink": self._base.rstrip("/")}

    def _insert(self, parameters: dict[str, str], body: Json, fault: Fault) -> Json:
        return self.instances.insert(parameters["zone"], body, parameters.get("requestId"), fault)

    def _get(self, parameters: dict[str, str], _body: Json, _fault: Fault) -> Json:
        return self.instances.show(self.instances.find(parameters["zone"], parameters["instance"]))

    def _list(self, parameters: dict[str, str], _body: Json, _fault: Fault) -> Json:
        found = self.instances.listed(parameters["zone"], parameters.get("filter", ""))
        return {"kind": "compute#instanceList", "id": "list", **self._page(found, parameters)}

    def _aggregated(self, parameters: dict[str, str], _body: Json, _fault: Fault) -> Json:
        condition = parameters.get("filter", "")
        found = [(zone, each) for zone in places.ZONES for each in self.instances.listed(zone, condition)]
        return {"kind": "compute#instanceAggregatedList", **self._zoned(found, "instances", parameters)}

    def _start(self, parameters: dict[str, str], _body: Json, fault: Fault) -> Json:
        vm = self.instances.find(parameters["zone"], parameters["instance"])
        return self.instances.start(vm, parameters.get("requestId"), fault)

    def _stop(self, parameters: dict[str, str], _body: Json, fault: Fault) -> Json:
        vm = self.instances.find(parameters["zone"], parameters["instance"])
        if vm.body["machineType"].endswith("-lssd") and "discardLocalSsd" not in parameters:
            raise invalid("VM has a Local SSD attached but an undefined value for `discard-local-ssd`.")
        return self.instances.stop(vm, parameters.get("requestId"), fault)

    def _delete(self, parameters: dict[str, str], _body: Json, fault: Fault) -> Json:
        vm = self.instances.find(parameters["zone"], parameters["instance"])
        return self.instances.delete(vm, parameters.get("requestId"), fault)

    def _machine_types(self, parameters: dict[str, str], _body: Json, _fault: Fault) -> Json:
        wanted = re.fullmatch(r"name = (\S+)", parameters.get("filter", ""))
        if wanted is None:
            raise invalid("this server lists machine types by one name only")
        zones = [zone for zone in places.ZONES if places.has_type(zone, wanted[1])]
        found = [(zone, {"name": wanted[1], "zone": zone}) for zone in zones]
        return {
            "kind": "compute#machineTypeAggregatedList",
            **self._zoned(found, "machineTypes", parameters),
        }

    def _operation(self, parameters: dict[str, str], _body: Json, _fault: Fault) -> Json:
        return self.operations.get(parameters["operation"])

    def _wait(self, parameters: dict[str, str], _body: Json, _fault: Fault) -> Json:
        return self.operations.wait(parameters["operation"])

    def _operations_of_all(self, parameters: dict[str, str], _body: Json, _fault: Fault) -> Json:
        found = [
            (each["zone"].rpartition("/")[2] if "zone" in each else "", each)
            for each in self.operations.all()
            if filters.matches(parameters.get("filter", ""), each)
        ]
        return {"kind": "compute#operationAggregatedList", **self._zoned(found, "operations", parameters)}

    def _insert_image(self, parameters: dict[str, str], body: Json, fault: Fault) -> Json:
        return self.images.insert(body, parameters.get("requestId"), fault)

    def _list_images(self, parameters: dict[str, str], _body: Json, _fault: Fault) -> Json:
        found = self.images.listed(parameters.get("filter", ""))
        return {"kind": "compute#imageList", **self._page(found, parameters)}

    def _delete_image(self, parameters: dict[str, str], _body: Json, fault: Fault) -> Json:
        return self.images.delete(parameters["image"], parameters.get("requestId"), fault)

    def _insert_rule(self, parameters: dict[str, str], body: Json, fault: Fault) -> Json:
        name = body["name"]
        if name in self._firewalls:
            raise exists(f"projects/{self.name}/global/firewalls/{name}")
        if not body.get("sourceRanges") and not body.get("sourceTags"):
            raise invalid("Invalid value for field 'resource': a source has to be given")
        self._firewalls[name] = {**body, "kind": "compute#firewall", "id": self.operations.number()}

        def work() -> Errors:
            if fault.operation:
                self._firewalls.pop(name, None)
            return fault.operation

        return self._begin_global("insert", name, work, parameters, fault)

    def _get_rule(self, parameters: dict[str, str], _body: Json, _fault: Fault) -> Json:
        if parameters["firewall"] not in self._firewalls:
            raise not_found(f"projects/{self.name}/global/firewalls/{parameters['firewall']}")
        return self._firewalls[parameters["firewall"]]

    def _list_rules(self, parameters: dict[str, str], _body: Json, _fault: Fault) -> Json:
        condition = parameters.get("filter", "")
        found = [rule for rule in self._firewalls.values() if filters.matches(condition, rule)]
        return {"kind": "compute#firewallList", **self._page(found, parameters)}

    def _delete_rule(self, parameters: dict[str, str], body: Json, fault: Fault) -> Json:
        self._get_rule(parameters, body, fault)

        def work() -> Errors:
            if not fault.operation:
                self._firewalls.pop(parameters["firewall"], None)
            return fault.operation

        return self._begin_global("delete", parameters["firewall"], work, parameters, fault)

    def _begin_global(
        self, kind: str, name: str, work: Callable[[], Errors], parameters: dict[str, str], fault: Fault
    ) -> Json:
        return self.operations.begin(
            kind,
            "global",
            f"global/firewalls/{name}",
            work,
            request_id=parameters.get("requestId"),
            delay_s=fault.delay_s,
        )

    def _page(self, found: list[Any], parameters: dict[str, str]) -> Json:
        """Return one page of a list."""
        first = int(parameters.get("pageToken") or 0)
        size = min(self.page_size, int(parameters.get("maxResults", 500)))
        if not 0 < size <= 500:
            raise invalid("Invalid value for field 'maxResults'. Must be between 1 and 500")
        more = {"nextPageToken": str(first + size)} if first + size < len(found) else {}
        return {"items": found[first : first + size], **more}

    def _zoned(self, found: list[tuple[str, Json]], collection: str, parameters: dict[str, str]) -> Json:
        """Return one page of an aggregated list."""
        page = self._page(found, parameters)
        listed: dict[str, list[Json]] = {}
        for zone, each in page["items"]:
            listed.setdefault(zone, []).append(each)
        return {**page, "items": by_zone(listed, collection)}
