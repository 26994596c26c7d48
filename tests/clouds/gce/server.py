"""The HTTP side: tokens, the API as its discovery document has it, and what tests ask besides."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.clouds.gce.answers import Refusal, invalid, not_found, refusal
from tests.clouds.gce.discovery import Discovery, Invalid
from tests.clouds.gce.faults import Fault
from tests.clouds.gce.identity import PERSON, Tokens
from tests.clouds.gce.project import Project

Json = dict[str, Any]

_MANAGER = "cloudresourcemanager.v1"
_CONTROL = "/_test/"


class Server(ThreadingHTTPServer):
    """Serves one project; ``shutdown`` from another thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], make_project: Callable[[str], Project]) -> None:
        super().__init__(address, _Handler)
        host, port = self.server_address[:2]
        self.url = f"http://{host!s}:{port}"
        self.compute = Discovery.of("compute.v1")
        self.tpu = Discovery.of("tpu.v2")
        self.manager = Discovery.of(_MANAGER)
        self._make_project = make_project
        self.project = make_project(self.url + self.compute.base)
        self.tokens = Tokens()

    def reset(self) -> None:
        """Begin anew, with nothing there and nothing wrong."""
        self.project.clear()
        self.project = self._make_project(self.url + self.compute.base)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet of clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def log_message(self, *_: Any) -> None:
        """Say nothing on stderr."""

    def _answer(self, verb: str) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        split = urlsplit(self.path)
        try:
            if split.path == "/token":
                token = self.server.tokens.exchange(raw)
                return self._send(200 if token else 401, token or {"error": "invalid_grant"})
            body = json.loads(raw) if raw else None
            if split.path.startswith(_CONTROL):
                return self._send(200, self._control(split.path.removeprefix(_CONTROL), body))
            query = dict(parse_qsl(split.query, keep_blank_values=True))
            answer = self._ask(verb, unquote(split.path), query, body)
        except Refusal as error:
            return self._send(error.status, error.body, error.headers)
        except Invalid as error:
            return self._send(400, invalid(str(error)).body)
        if answer is None:  # the connection ends
            self.close_connection = True
            return None
        return self._send(200, answer)

    def _ask(self, verb: str, path: str, query: dict[str, str], body: Json | None) -> Json | None:
        """Return the answer of the API; ``None`` for one that gets lost."""
        if not self.server.tokens.known(self.headers.get("Authorization", "")):
            raise refusal(401, "authError", "Invalid Credentials")
        if path == "/v1/userinfo":
            return {"sub": "1", "email": PERSON}
        if path.startswith("/v1/"):
            return self._permissions(verb, path, query, body)
        project = self.server.project
        discovery = self.server.tpu if path.startswith("/v2/") else self.server.compute
        routed = (
            discovery.route(verb, path.removeprefix(discovery.base))
            if path.startswith(discovery.base)
            else None
        )
        if routed is None:
            raise refusal(404, "notFound", f"The requested URL {path} was not found on this server.")
        method, parameters = routed
        parameters.update(query)
        discovery.check(method, parameters, body)
        with project.lock:
            fault = project.fault_of(method, parameters, body or {})
            if fault.drop == "before":
                return None
            if fault.status:
                raise Refusal(fault.status, fault.error, fault.headers)
            answer = project.handle(method, parameters, body or {}, fault)
        return None if fault.drop else answer

    def _permissions(self, verb: str, path: str, query: dict[str, str], body: Json | None) -> Json:
        """Say which permissions the project grants, as the Resource Manager does."""
        routed = self.server.manager.route(verb, path.removeprefix("/"))
        if routed is None or routed[0].name != "projects.testIamPermissions":
            raise not_found(path)
        self.server.manager.check(routed[0], {**routed[1], **query}, body)
        return {"permissions": sorted(set((body or {})["permissions"]) - self.server.project.denied)}

    def _control(self, verb: str, body: Any) -> Any:
        """Do what tests ask for; see ``Gce``."""
        project = self.server.project
        if verb == "reset":
            self.server.reset()
            return {}
        with project.lock:
            if verb == "fail":
                project.faults.add(Fault(**body))
            elif verb == "heal":
                project.faults.clear()
            elif verb == "token":
                return self.server.tokens.give()
            elif verb == "calls":
                return {"calls": project.calls}
            elif verb == "set":
                project.page_size = body.get("page_size", project.page_size)
                project.denied = set(body.get("denied", project.denied))
                project.operations.delay_s = body.get("delay_s", project.operations.delay_s)
                project.instances.list_lag_s = body.get("list_lag_s", project.instances.list_lag_s)
            elif verb == "instances":
                return {"instances": [project.instances.show(vm) for vm in project.instances.all()]}
            elif verb == "tpus":
                return {"nodes": [project.tpus.show(node) for node in project.tpus.all()]}
            elif verb == "preempt" and body.get("tpu"):
                project.tpus.preempt(body["zone"], body["name"])
            elif verb == "preempt":
                project.instances.preempt(project.instances.find(body["zone"], body["name"]))
            else:
                raise invalid(verb)
        return {}

    def _send(self, status: int, answer: Any, headers: Mapping[str, str] | None = None) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
