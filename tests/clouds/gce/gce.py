"""Compute Engine for a test: the server in a process of its own, and what can be done to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.clouds.gce.faults import Fault
from tests.clouds.machines import Machines
from tests.hosts.hosts import Hosts

PROJECT = "example"


class Gce:
    """``with Gce(folder) as gce``: its ``env`` leads Google's clients and ours to it."""

    def __init__(self, folder: Path, *, hosts: Hosts | None = None) -> None:
        self.key_file = folder / "key.json"
        argv = [sys.executable, "-m", "tests.clouds.gce", PROJECT, str(self.key_file)]
        argv += [str(hosts.folder)] if hosts else []
        self.machines = Machines(hosts) if hosts else None
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        self._process = subprocess.Popen(
            argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError(f"the server ended with exit code {self._process.wait()}")

    @property
    def env(self) -> Mapping[str, str]:
        """The environment in which clients find it."""
        return {
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE": f"{self.url}/compute/v1/",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER": f"{self.url}/",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_TPU": f"{self.url}/",
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.key_file),
        }

    def fail(self, fault: Fault) -> None:
        """Let something go wrong from now on."""
        self._ask("fail", fault.to_dict())

    def heal(self) -> None:
        """Take back every fault."""
        self._ask("heal")

    def set(self, **settings: Any) -> None:
        """Change ``page_size``, ``denied`` permissions, ``delay_s`` of operations, ``list_lag_s``."""
        self._ask("set", settings)

    def reset(self) -> None:
        """Begin anew."""
        self._ask("reset")

    def calls(self, method: str = "") -> list[dict[str, Any]]:
        """Return the requests so far, of one method perhaps."""
        return [call for call in self._ask("calls")["calls"] if method in {"", call["method"]}]

    def instances(self) -> list[dict[str, Any]]:
        """Return every instance there is, by name, as the API shows it."""
        return sorted(self._ask("instances")["instances"], key=lambda each: str(each["name"]))

    def tpus(self) -> list[dict[str, Any]]:
        """Return every TPU VM there is, by name, as the API shows it."""
        return sorted(self._ask("tpus")["nodes"], key=lambda each: str(each["name"]))

    def token(self) -> dict[str, Any]:
        """Return what a metadata server gives out."""
        given: dict[str, Any] = self._ask("token")
        return given

    def preempt(self, instance: Mapping[str, Any]) -> None:
        """Take a spot instance, or TPU VM, away."""
        tpu = "zone" not in instance
        zone = instance["name"].split("/")[3] if tpu else instance["zone"].rpartition("/")[2]
        name = instance["name"].rpartition("/")[2]
        self._ask("preempt", {"zone": zone, "name": name, "tpu": tpu})

    def close(self) -> None:
        """End the server."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Gce:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, verb: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_test/{verb}", json.dumps(body or {}).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())
