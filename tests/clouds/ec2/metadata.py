"""What an instance is told at its metadata address: IMDSv2, with the credentials of its role."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from tests.clouds.link_local import METADATA, listen
from tests.hosts.machine import Machine

_CREDENTIALS = "/latest/meta-data/iam/security-credentials/"


@dataclass(frozen=True)
class RoleKey:
    """Credentials of a role, as one instance has them."""

    instance_id: str
    access_key: str
    secret_key: str
    token: str


class Metadata:
    """The metadata addresses of all machines; ``keys`` maps access keys to what was given out."""

    def __init__(self) -> None:
        self.keys: dict[str, RoleKey] = {}
        self.roles: dict[str, str] = {}
        """Instance id -> name of its role, where it has one."""

    def clear(self) -> None:
        """Forget every role and key."""
        self.keys.clear()
        self.roles.clear()

    def serve(self, instance_id: str, machine: Machine) -> None:
        """Answer on a machine that was switched on, until its network goes."""
        sock = listen(machine.network_namespace)
        handler = type(
            "Handler", (_Handler,), {"metadata": self, "instance_id": instance_id, "tokens": set()}
        )
        server = HTTPServer((METADATA, 80), handler, bind_and_activate=False)
        server.socket.close()
        server.socket = sock
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def key(self, instance_id: str) -> RoleKey:
        """Return new credentials for the instance."""
        key = RoleKey(
            instance_id, f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(20)
        )
        self.keys[key.access_key] = key
        return key


class _Handler(BaseHTTPRequestHandler):
    metadata: Metadata
    instance_id: str
    tokens: set[str]

    def do_PUT(self) -> None:
        if self.path != "/latest/api/token" or not self.headers["X-aws-ec2-metadata-token-ttl-seconds"]:
            self._say(400, "")
            return
        token = secrets.token_hex(16)
        self.tokens.add(token)
        self._say(200, token)

    def do_GET(self) -> None:
        role = self.metadata.roles.get(self.instance_id, "")
        if self.headers["X-aws-ec2-metadata-token"] not in self.tokens:
            self._say(401, "")
        elif not role or not self.path.startswith(_CREDENTIALS):
            self._say(404, "")
        elif self.path == _CREDENTIALS:
            self._say(200, role)
        elif self.path == _CREDENTIALS + role:
            key = self.metadata.key(self.instance_id)
            self._say(
                200,
                json.dumps(
                    {
                        "Code": "Success",
                        "Type": "AWS-HMAC",
                        "AccessKeyId": key.access_key,
                        "SecretAccessKey": key.secret_key,
                        "Token": key.token,
                        "Expiration": "2099-01-01T00:00:00Z",
                    }
                ),
            )
        else:
            self._say(404, "")

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Be quiet."""
