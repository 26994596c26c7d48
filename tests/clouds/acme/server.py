"""Acme, the make-believe cloud of docs/adding_an_executor.md: machines by HTTP, each a test host that boots.

Usage: server.py FOLDER-OF-HOSTS; it prints its address, and ends when its stdin does. A machine is known by
its name and found by its tags. Whoever has the token may do all; a machine, without one, what is done to its
own cluster.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.clouds.machines import Machines
from tests.hosts.hosts import Hosts

TOKEN = "acme-token"
SOLD_OUT = "large"
"""The type of which there is none."""


class Acme:
    """All machines, by name."""

    def __init__(self, machines: Machines) -> None:
        self.machines = machines
        self.known: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()

    def put(self, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Make the machine of that name, unless it is there."""
        if name not in self.known:
            if body["type"] == SOLD_OUT:
                return 409, {"error": "no_capacity", "message": f"{body['region']} has no machine left"}
            self.machines.create(name, body.pop("user_data"))
            self.known[name] = {**body, "created_at": int(time.time())}
        return 200, self.shown(name)

    def found(self, tags: dict[str, str]) -> list[str]:
        """Return the names of the machines with these tags."""
        return [name for name, each in self.known.items() if tags.items() <= each["tags"].items()]

    def shown(self, name: str) -> dict[str, Any]:
        """Return a machine as the API shows it."""
        state = "running" if self.machines.on(name) else "stopped"
        public, private = self.machines.public_address(name), self.machines.private_address(name)
        return {**self.known[name], "name": name, "state": state, "ip": public, "private_ip": private}

    def change(self, verb: str, names: list[str]) -> None:
        """Start, stop or delete these machines."""
        for name in names:
            if verb == "delete":
                self.machines.terminate(name)
                del self.known[name]
            elif verb == "stop":
                self.machines.stop(name)
            else:
                self.machines.start(name)


class _Handler(BaseHTTPRequestHandler):
    acme: Acme

    def _answer(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        address = urlsplit(self.path)
        with self.acme.lock:
            status, answer = self._ask(address.path.strip("/"), dict(parse_qsl(address.query)), body)
        content = json.dumps(answer).encode()
        with suppress(OSError):  # who asked may be a machine that is off now
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _ask(self, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        names = self.acme.found(query)
        own = {self.acme.shown(name)["private_ip"] for name in names}
        if self.headers.get("Authorization") != f"Bearer {TOKEN}" and self.client_address[0] not in own:
            return 401, {"error": "unauthorized", "message": "no such token"}
        if self.command == "PUT":
            return self.acme.put(path.partition("/")[2], body)
        if path == "account":
            return 200, {"id": "acme-1"}
        if self.command == "GET":
            return 200, [self.acme.shown(name) for name in names]
        self.acme.change("delete" if self.command == "DELETE" else path, names)
        return 200, {}

    def log_message(self, *_: Any) -> None:
        """Say nothing on stderr."""


def main() -> None:
    hosts = Hosts(Path(sys.argv[1]))
    assert hosts.bridge is not None
    _Handler.acme = Acme(Machines(hosts))
    server = ThreadingHTTPServer((hosts.bridge.gateway, 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://{hosts.bridge.gateway}:{server.server_address[1]}", flush=True)  # noqa: T201  its answer
    sys.stdin.read()


if __name__ == "__main__":
    main()
