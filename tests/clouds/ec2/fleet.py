"""moto's instances, brought to life: they take time to change, may be unlisted at first, and have hosts."""

from __future__ import annotations

import base64
import time
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState

from tests.clouds.ec2.script import REGIONS, Timing
from tests.clouds.machines import Machines

ACCOUNT = "123456789012"
_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


class Fleet:
    """All instances of the account; without ``machines`` they have no host behind them."""

    def __init__(self, timing: Timing, machines: Machines | None) -> None:
        self.timing = timing
        self._machines = machines
        self._due: dict[str, tuple[float, str]] = {}
        self._visible: dict[str, float] = {}
        self._hide_new_ones()

    def instances(self, region: str = "") -> list[Instance]:
        """Return every instance, unlisted ones too."""
        return [
            instance
            for name in ([region] if region else REGIONS)
            for reservation in ec2_backends[ACCOUNT][name].reservations.values()
            for instance in reservation.instances
        ]

    def instance(self, instance_id: str) -> Instance:
        """Return the instance of that id. Raises ``StopIteration`` for an unknown one."""
        return next(each for each in self.instances() if each.id == instance_id)

    def clear(self) -> None:
        """Take every machine away."""
        for instance_id in self._machines.ids() if self._machines else ():
            if instance_id.startswith("i-"):  # other clouds have hosts of the same run
                self._machines.terminate(instance_id)  # type: ignore[union-attr]
        self._due.clear()
        self._visible.clear()

    def refresh(self) -> None:
        """Let time have passed: changes that are due are done, and who switched itself off is off."""
        now = time.monotonic()
        for instance in self.instances():
            due_at, state = self._due.get(instance.id, (now + 1, ""))
            if now >= due_at:
                del self._due[instance.id]
                _set(instance, state)
            elif instance.state == "running" and self._machines and not self._machines.on(instance.id):
                self._switched_itself_off(instance)

    def made(self, instance: Instance) -> None:
        """Begin the life of a new instance."""
        self._visible[instance.id] = time.monotonic() + self.timing.unlisted_s
        if self._machines:
            user_data = base64.b64decode(str(instance.user_data)).decode()
            self._machines.create(instance.id, user_data, str(instance.image_id))
        self._run(instance)

    def started(self, instance: Instance) -> None:
        """Switch it on again."""
        if self._machines:
            self._machines.start(instance.id)
        self._run(instance)

    def stopped(self, instance: Instance) -> None:
        """Switch it off, with its disk kept."""
        if self._machines:
            self._machines.stop(instance.id)
        instance.nics[0].public_ip = None
        self._change(instance, "stopping", "stopped", self.timing.stopping_s)

    def terminated(self, instance: Instance) -> None:
        """Take its machine away."""
        if self._machines:
            self._machines.terminate(instance.id)
        self._change(instance, "shutting-down", "terminated", self.timing.stopping_s)

    def interrupt(self, instance_id: str) -> None:
        """Take a spot instance back."""
        instance = self.instance(instance_id)
        instance.terminate()
        self.terminated(instance)
        instance.state_reason.code = "Server.SpotInstanceTermination"
        instance.state_reason.message = "Server.SpotInstanceTermination: Spot instance termination"

    def _run(self, instance: Instance) -> None:
        if self._machines:
            nic = instance.nics[0]
            nic.private_ip_address = self._machines.private_address(instance.id)
            nic.public_ip = self._machines.public_address(instance.id)
        if self.timing.stillborn:
            self.timing.stillborn -= 1
            instance.state_reason.code = "Server.InsufficientInstanceCapacity"
            instance.state_reason.message = "Server.InsufficientInstanceCapacity: Insufficient capacity"
            self._change(instance, "pending", "terminated", self.timing.pending_s)
        else:
            self._change(instance, "pending", "running", self.timing.pending_s)

    def _switched_itself_off(self, instance: Instance) -> None:
        if instance.instance_initiated_shutdown_behavior == "terminate" or instance.lifecycle == "spot":
            instance.terminate()
            self.terminated(instance)
        else:
            instance.stop()
            self.stopped(instance)
        instance.state_reason.code = "Client.InstanceInitiatedShutdown"

    def _change(self, instance: Instance, first: str, last: str, after_s: float) -> None:
        _set(instance, first)
        self._due[instance.id] = (time.monotonic() + after_s, last)

    def _hide_new_ones(self) -> None:
        """Let moto itself not find what is not listed yet, whatever asks."""
        find = InstanceBackend.all_reservations
        visible = self._visible

        def listed(backend: InstanceBackend, filters: Any = None) -> Any:
            now = time.monotonic()
            found = find(backend, filters)
            for reservation in found:
                reservation.instances = [
                    each for each in reservation.instances if visible.get(each.id, 0.0) <= now
                ]
            return [reservation for reservation in found if reservation.instances]

        InstanceBackend.all_reservations = listed  # type: ignore[method-assign]


def _set(instance: Instance, state: str) -> None:
    instance._state = InstanceState(state, _CODES[state])
