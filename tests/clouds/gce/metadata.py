"""The metadata server that each instance has: its name, and tokens of its service account."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.clouds.gce.identity import Tokens
from tests.clouds.link_local import METADATA, listen
from tests.hosts.machine import Machine

_NAME = "metadata.google.internal"
_INSTANCE = "/computeMetadata/v1/instance/"


class Metadata:
    """The metadata servers of all machines. ``name_of`` gives the name of the instance with a number."""

    def __init__(self, tokens: Tokens, name_of: Callable[[str], str]) -> None:
        self.tokens = tokens
        self.name_of = name_of

    def serve(self, number: str, machine: Machine) -> None:
        """Answer on a machine that was switched on, until its network goes."""
        hosts = machine.root / "etc" / "hosts"
        if _NAME not in hosts.read_text():
            hosts.write_text(f"{hosts.read_text()}{METADATA} {_NAME}\n")
        sock = listen(machine.network_namespace)
        handler = type("Handler", (_Handler,), {"metadata": self, "number": number})
        server = ThreadingHTTPServer((METADATA, 80), handler, bind_and_activate=False)
        server.socket.close()
        server.socket = sock
        threading.Thread(target=server.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    metadata: Metadata
    number: str

    def do_GET(self) -> None:
        if self.headers["Metadata-Flavor"] != "Google":
            self._say(403, "")
        elif self.path == f"{_INSTANCE}name":
            self._say(200, self.metadata.name_of(self.number))
        elif self.path == f"{_INSTANCE}service-accounts/default/token":
            self._say(200, json.dumps(self.metadata.tokens.give()))
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
