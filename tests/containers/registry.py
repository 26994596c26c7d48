"""A container registry that asks for a password: Debian's docker-registry, fetched and not installed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.hosts.command import HostError, run
from tests.hosts.record import locked, place

USER, PASSWORD = "alice", "open sesame"
_PASSWORD_BY_BCRYPT = "$2b$05$iNSyG9FP55EefvOhMC1jVeiKymU4rfUYb8daTZy.mw7c3XXJLR5h2"
_PORT = 5000
_READY_S = 30.0
_TYPE = "application/vnd.docker"
_CONFIG = """\
version: 0.1
storage: {filesystem: {rootdirectory: %(folder)s/images}}
http: {addr: '%(address)s'}
auth: {htpasswd: {realm: tests, path: %(folder)s/users}}
"""


class Registry:
    """A running registry at ``address`` (``host:port``); it takes ``USER`` and ``PASSWORD`` to pull, too."""

    def __init__(self, host: str) -> None:
        self.address = f"{host}:{_PORT}"

    def push(self, name: str, layer: Path) -> str:
        """Put an image of one layer there; returns its whole name."""
        packed = layer.read_bytes()
        config = {
            "architecture": run("dpkg", "--print-architecture").stdout.strip(),
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(gzip.decompress(packed))]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{_TYPE}.distribution.manifest.v2+json",
            "config": self._blob(name, json.dumps(config).encode(), f"{_TYPE}.container.image.v1+json"),
            "layers": [self._blob(name, packed, f"{_TYPE}.image.rootfs.diff.tar.gzip")],
        }
        kind = {"Content-Type": str(manifest["mediaType"])}
        self._ask("PUT", f"/v2/{name}/manifests/latest", json.dumps(manifest).encode(), kind)
        return f"{self.address}/{name}"

    def wait_ready(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + _READY_S
        while not self._answers():
            assert time.monotonic() < deadline, "the registry does not start"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self._ask("GET", "/v2/")
        except ConnectionRefusedError:
            return False
        return True

    def _blob(self, name: str, data: bytes, kind: str) -> dict[str, object]:
        """Put ``data`` there; returns how a manifest speaks of it."""
        digest = _digest(data)
        place = self._ask("POST", f"/v2/{name}/blobs/uploads/").partition(self.address)[2]
        self._ask("PUT", f"{place}&digest={digest}", data, {"Content-Type": "application/octet-stream"})
        return {"mediaType": kind, "size": len(data), "digest": digest}

    def _ask(self, verb: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> str:
        """Return the place that the answer names."""
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request(verb, path, body, {"Authorization": f"Basic {login}", **(headers or {})})
        answer = connection.getresponse()
        said = answer.read().decode()
        connection.close()
        assert answer.status < 300, f"{verb} {path}: {answer.status} {said}"
        return answer.headers.get("Location", "")


@contextmanager
def running(host: str, folder: Path) -> Iterator[Registry]:
    """Run a registry for the block, at an address of this machine, with its images in ``folder``."""
    registry = Registry(host)
    (folder / "users").write_text(f"{USER}:{_PASSWORD_BY_BCRYPT}\n")
    config = folder / "config.yml"
    config.write_text(_CONFIG % {"folder": folder, "address": registry.address})
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([_program(), "serve", config], stdout=log, stderr=log)
    try:
        registry.wait_ready()
        yield registry
    finally:
        process.terminate()
        process.wait()


@cache
def why_not() -> str:
    """Return why there can be no registry here; empty when there can. Fetches it where needed."""
    if shutil.which("apt-get") is None:
        return "no apt-get to fetch docker-registry with"
    try:
        _program()
    except HostError as error:
        return str(error)
    return ""


@cache
def _program() -> Path:
    """Return the program, unpacked from its package."""
    folder = place() / "docker-registry"
    program = folder / "usr" / "bin" / "docker-registry"
    with locked(place() / "docker-registry.lock"):
        if not program.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            run("apt-get", "download", "-qq", "docker-registry", cwd=folder)
            (package,) = folder.glob("*.deb")
            run("dpkg-deb", "--extract", str(package), str(folder))
    return program


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
