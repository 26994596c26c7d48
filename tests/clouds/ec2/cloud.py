"""The make-believe EC2 as a test holds it: started, directed, and looked at."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.clouds.machines import Machines
from tests.hosts.hosts import Hosts

_ROOT = Path(__file__).parents[3]


class Cloud:
    """A running server at ``url``; ``hosts`` holds its machines, where it has any."""

    def __init__(self, url: str, hosts: Hosts | None) -> None:
        self.url = url
        self._hosts = hosts

    def environment(self) -> dict[str, str]:
        """Return the variables by which every AWS SDK goes here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "not-a-real-secret",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SKY_AWS_SSH_FROM": "198.18.0.0/15",
        }

    def reset(self) -> None:
        """Be as at the start."""
        self._post("reset")

    def fail(self, action: str, code: str, **fields: Any) -> None:
        """Answer the next call of ``action`` with an error (``tests.clouds.ec2.script.Fault``)."""
        self._post("fail", action=action, code=code, **fields)

    def capacity(self, left: int, **where: str) -> None:
        """Have only ``left`` more instances of ``instance_type`` in ``zone`` and ``market``."""
        self._post("capacity", left=left, **where)

    def reserve(self, reservation_id: str, zone: str, instance_type: str, left: int, **more: str) -> None:
        """Have a capacity reservation (``tests.clouds.ec2.script.Reserved``)."""
        fields = {"reservation_id": reservation_id, "zone": zone, "instance_type": instance_type}
        self._post("reserve", **fields, left=left, **more)

    def quota(self, region: str, limit: int, market: str = "on-demand") -> None:
        """Let the account have ``limit`` instances in ``region``."""
        self._post("quota", region=region, market=market, limit=limit)

    def deny(self, *actions: str) -> None:
        """Let the user do everything but these (``ec2:RunInstances``)."""
        self._post("deny", actions=actions)

    def timing(self, **seconds: float) -> None:
        """Set how long things take (``tests.clouds.ec2.script.Timing``)."""
        self._post("timing", **seconds)

    def interrupt(self, instance_id: str) -> None:
        """Take a spot instance back."""
        self._post("interrupt", instance_id=instance_id)

    def calls(self, action: str = "") -> list[dict[str, str]]:
        """Return what was asked of it, oldest first."""
        return [call for call in self._post("calls") if action in {"", call["action"]}]

    def instances(self, *states: str) -> list[dict[str, Any]]:
        """Return the instances in these states (any), unlisted ones too."""
        return [each for each in self._post("instances") if not states or each["state"] in states]

    @property
    def machines(self) -> Machines:
        """The hosts of its instances."""
        assert self._hosts is not None
        return Machines(self._hosts)

    def _post(self, verb: str, **fields: Any) -> Any:
        request = urllib.request.Request(f"{self.url}/_sky/{verb}", json.dumps(fields).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


@contextmanager
def running(hosts: Hosts | None = None) -> Iterator[Cloud]:
    """Run a cloud for the block: on loopback, or, with ``hosts``, on the network that they share."""
    address = hosts.bridge.gateway if hosts and hosts.bridge else "127.0.0.1"
    folder = [str(hosts.folder)] if hosts else []
    argv = [sys.executable, "-m", "tests.clouds.ec2.server", address, *folder]
    with subprocess.Popen(
        argv, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Cloud(json.loads(process.stdout.readline())["url"], hosts)
        finally:
            process.stdin.close()
            process.wait()
