"""An EC2 of our own: moto over HTTP in a process of its own, with what it lacks, on hosts that boot.

    python -m tests.clouds.ec2.server ADDRESS [FOLDER-OF-HOSTS]

It prints its URL and ends with its stdin. Tests direct it at ``/_sky/`` (``tests.clouds.ec2.cloud``).
"""

from __future__ import annotations

import io
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ |= {
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "MOTO_ACCOUNT_ID": "123456789012",
}

from moto.ec2.models import ec2_backends
from moto.moto_api._internal import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.clouds.ec2 import answers
from tests.clouds.ec2.answers import Answer
from tests.clouds.ec2.calls import Call, read, signed
from tests.clouds.ec2.control import Control
from tests.clouds.ec2.fleet import ACCOUNT, Fleet
from tests.clouds.ec2.images import Images
from tests.clouds.ec2.metadata import Metadata
from tests.clouds.ec2.script import REGIONS, Script
from tests.clouds.machines import Machines
from tests.hosts.hosts import Hosts

_INSTANCE = re.compile(rb"<instanceId>(i-[0-9a-f]+)</instanceId>")
_IMAGE = re.compile(rb"<imageId>(ami-[0-9a-f]+)</imageId>")
_ROLE_MAY = {"StopInstances", "TerminateInstances"}
_TAG = "sky-cluster-id"


class Ec2:
    """The WSGI application."""

    def __init__(self, hosts: Hosts | None) -> None:
        self.script = Script()
        self.metadata = Metadata()
        machines = Machines(hosts, self.metadata.serve) if hosts else None
        self.fleet = Fleet(self.script.timing, machines)
        self._control = Control(self.script, self.fleet, self._forget)
        self._images = Images(self.script.timing, machines)
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._tokens: dict[tuple[str, str], tuple[str, Answer]] = {}
        self._lock = threading.RLock()

    def _forget(self) -> None:
        """Be as at the start: no instance, no machine, no fault."""
        self.fleet.clear()
        moto_api_backend.reset()
        for part in (self.script, self._images, self.metadata, self._tokens):
            part.clear()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        with self._lock:
            if environ["PATH_INFO"].startswith("/_sky/"):
                answer = self._control.answer(environ["PATH_INFO"].removeprefix("/_sky/"), body)
            else:
                answer = self._answer(environ, body)
        if answer.status == 0:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        start_response(f"{answer.status or 500} -", list(answer.headers.items()))
        return [answer.body]

    def _answer(self, environ: dict[str, Any], body: bytes) -> Answer:
        call = read(environ, body)
        self.script.note(call.service, call.action, call.region, call.parameters)
        if refusal := self._refusal(environ, body, call) or self._fault(call, after=False):
            return refusal
        self.fleet.refresh()
        self._images.refresh()
        answer = self._do(environ, call)
        return self._fault(call, after=True) or answer

    def _refusal(self, environ: dict[str, Any], body: bytes, call: Call) -> Answer | None:
        """Return the answer to those who may not do that."""
        if f"{call.service}:{call.action}" in self.script.denied:
            return answers.denied(f"{call.service}:{call.action}")
        key = self.metadata.keys.get(call.access_key)
        if key is None:
            return None
        if not signed(environ, body, call, key.secret_key, key.token):
            return answers.error("AuthFailure", "AWS was not able to validate the credentials", 401)
        if call.action not in _ROLE_MAY or not all(self._tagged(each) for each in call.instance_ids):
            return answers.denied(call.action)
        return None

    def _tagged(self, instance_id: str) -> bool:
        return any(tag["key"] == _TAG for tag in self.fleet.instance(instance_id).get_tags())

    def _fault(self, call: Call, *, after: bool) -> Answer | None:
        fault = self.script.fault(call.action, call.region, call.parameters, after=after)
        if fault is None:
            return None
        return (
            answers.error(fault.code, fault.message, fault.status, fault.headers)
            if fault.code
            else answers.CUT
        )

    def _do(self, environ: dict[str, Any], call: Call) -> Answer:
        if call.action == "DescribeRegions":
            return answers.regions(REGIONS)
        if call.action == "DescribeCapacityReservations":
            return answers.reservations(each for each in self.script.reserved if each.region == call.region)
        if call.action == "GetParameter":
            return self._images.parameter(call.region, call.parameters["Name"])
        if call.action == "RunInstances" and call.parameters.get("DryRun") != "true":
            return self._run(environ, call)
        if call.action == "CreateImage" and call.parameters.get("DryRun") != "true":
            return self._copy_disk(environ, call)
        answer = self._ask_moto(environ)
        change = {
            "StartInstances": self.fleet.started,
            "StopInstances": self.fleet.stopped,
            "TerminateInstances": self.fleet.terminated,
        }.get(call.action)
        if change and answer.ok:
            for instance_id in call.instance_ids:
                change(self.fleet.instance(instance_id))
        if call.action == "DeregisterImage" and answer.ok:
            self._images.removed(call.parameters["ImageId"])
        return answer

    def _copy_disk(self, environ: dict[str, Any], call: Call) -> Answer:
        """Make an image of an instance, which is off; its name is new in the region."""
        if taken := self._images.name_is_taken(call.region, call.parameters["Name"]):
            return taken
        body = call.without_snapshot_tags()
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        answer = self._ask_moto(environ)
        if answer.ok:
            (image_id,) = _IMAGE.findall(answer.body)
            instance_id = call.parameters["InstanceId"]
            self._images.copied(call.region, image_id.decode(), instance_id, call.snapshot_tags)
        return answer

    def _run(self, environ: dict[str, Any], call: Call) -> Answer:
        """Make instances: once for a client token, as many as there are, within the quota."""
        token = (call.region, call.parameters.get("ClientToken", ""))
        if token in self._tokens:
            content, answer = self._tokens[token]
            if content != call.content:
                return answers.error(
                    "IdempotentParameterMismatch",
                    "Arguments on this idempotent request are inconsistent with arguments used in previous "
                    "request(s)",
                )
            return answer
        if refusal := self._too_many(call):
            return refusal
        answer = self._ask_moto(environ)
        if answer.ok:
            for instance_id in dict.fromkeys(_INSTANCE.findall(answer.body)):
                instance = self.fleet.instance(instance_id.decode())
                self.metadata.roles[instance.id] = call.parameters.get("IamInstanceProfile.Name", "")
                self.fleet.made(instance)
            if token[1]:
                self._tokens[token] = (call.content, answer)
        return answer

    def _too_many(self, call: Call) -> Answer | None:
        count, kind = int(call.parameters["MinCount"]), call.parameters["InstanceType"]
        zone = call.zone
        if call.subnet:
            zone = ec2_backends[ACCOUNT][call.region].get_subnet(call.subnet).availability_zone
        limit = self.script.quota.get((call.region, call.market))
        running = [
            each
            for each in self.fleet.instances(call.region)
            if each.state in {"pending", "running"} and (each.lifecycle or "on-demand") == call.market
        ]
        if limit is not None and len(running) + count > limit:
            return answers.over_quota(limit, call.market)
        if call.reservation:
            there = self.script.take_reserved(call.reservation, zone, kind, count)
            return None if there else answers.reservation_full(call.reservation)
        if not self.script.take(zone, kind, call.market, count):
            return answers.no_capacity(kind, zone)
        return None

    def _ask_moto(self, environ: dict[str, Any]) -> Answer:
        said: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
            said.update(status=int(status.split(maxsplit=1)[0]), headers=dict(headers))
            return lambda _data: None

        body = b"".join(self._moto.get_application(environ)(environ, start))
        return Answer(said["status"], body, said["headers"])


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, kind: str, message: str, *args: Any) -> None:
        """Say what failed alone."""
        if kind == "error":
            super().log(kind, message, *args)


def main() -> None:
    """Serve until stdin ends."""
    address, *folder = sys.argv[1:]
    application = Ec2(Hosts(Path(folder[0])) if folder else None)
    server = make_server(address, 0, application, threaded=True, request_handler=_Quiet)
    print(json.dumps({"url": f"http://{address}:{server.port}"}), flush=True)  # noqa: T201
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
