"""The metadata server that each instance has: its name, and tokens of its service account."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.clouds.link_local import METADATA, listen
from tests.hosts.machine import Machine

_NAME = "metadata.google.internal"
_INSTANCE = "/computeMetadata/v1/instance/"


def serve(machine: Machine, name: Callable[[], str], token: Callable[[], object]) -> None:
    """Answer on a machine that was switched on, until its network goes."""
    hosts = machine.root / "etc" / "hosts"
    if _NAME not in hosts.read_text():
        hosts.write_text(f"{hosts.read_text()}{METADATA} {_NAME}\n")
    sock = listen(machine.network_namespace)
    answers = {"name": lambda _: name(), "token": lambda _: token(), "address": machine.ip}
    handler = type("Handler", (MetadataHandler,), answers)
    server = ThreadingHTTPServer((METADATA, 80), handler, bind_and_activate=False)
    server.socket.close()
    server.socket = sock
    threading.Thread(target=server.serve_forever, daemon=True).start()


class MetadataHandler(BaseHTTPRequestHandler):
    """Answers for one instance; subclasses say which, and give tokens."""

    address = ""
    """Its address among its peers."""

    def name(self) -> str:
        """Return the instance's name."""
        raise NotImplementedError

    def token(self) -> object:
        """Return a new token."""
        raise NotImplementedError

    def do_GET(self) -> None:
        if self.headers["Metadata-Flavor"] != "Google":
            self._say(403, "")
        elif self.path == f"{_INSTANCE}name":
            self._say(200, self.name())
        elif self.path == f"{_INSTANCE}network-interfaces/0/ip":
            self._say(200, self.address)
        elif self.path == f"{_INSTANCE}service-accounts/default/token":
            self._say(200, json.dumps(self.token()))
        else:
            self._say(404, "")

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing on stderr."""
