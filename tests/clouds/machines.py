"""Instances of a make-believe cloud as test hosts that boot with the user-data they were sent.

What an instance is stands in the folder of its host, so any process that opens the run's ``Hosts`` can look.
An instance has a private address for life and a public one from each start to the next stop, as clouds give.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.clouds import cloud_init, startup_script
from tests.containers import dockerd
from tests.hosts.hosts import Hosts
from tests.hosts.machine import Machine
from tests.hosts.record import locked

_FILE = "instance.json"
_PUBLIC = range(126, 250)
"""Numbers on the network that are nobody's private address, while there are fewer hosts than that."""


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance's id and the number of its public address; 0 while it is off."""

    instance_id: str
    public: int = 0


class Machines:
    """The instances of one cloud. ``on_start`` is called with each machine that was switched on."""

    def __init__(self, hosts: Hosts, on_start: Callable[[str, Machine], None] = lambda _id, _machine: None):
        self._hosts = hosts
        self._on_start = on_start
        self._numbers = itertools.cycle(_PUBLIC)

    def create(self, instance_id: str, user_data: str, image: str = "") -> Machine:
        """Make the instance and switch it on; whether it can be logged in to is up to ``user_data``.

        Its disk is a copy of ``image`` where that was made by ``save_disk``.
        """
        machine = self._make(instance_id)
        if self._image(image).exists():
            machine.load_disk(self._image(image))
        cloud_init.seed(machine, instance_id, user_data)
        dockerd.seed(self._hosts, machine)
        self.start(instance_id)
        return machine

    def create_with_script(self, instance_id: str, script: str) -> Machine:
        """Make an instance without cloud-init that runs ``script`` at each boot, and switch it on."""
        machine = self._make(instance_id)
        startup_script.install(machine, script)
        self.start(instance_id)
        return machine

    def start(self, instance_id: str) -> None:
        """Switch it on, with its disk and another public address; on already is success."""
        machine = self.machine(instance_id)
        if machine.on:
            return
        machine.start()
        with locked(self._hosts.folder / "public.lock"):
            taken = {each.public for each in self._instances().values()}
            number = next(number for number in self._numbers if number not in taken)
            _write(machine.folder, Instance(instance_id, number))
        machine.also_at(number)
        self._on_start(instance_id, machine)

    def stop(self, instance_id: str) -> None:
        """Shut it down, with its disk kept; off already is success."""
        machine = self.machine(instance_id)
        machine.poweroff()
        _write(machine.folder, Instance(instance_id))

    def terminate(self, instance_id: str) -> None:
        """Take it away with its disk; gone already is success."""
        for machine, each in self._instances().items():
            if each.instance_id == instance_id:
                machine.remove()
                dockerd.clear(machine)

    def save_disk(self, instance_id: str, image: str) -> None:
        """Keep the disk of an instance, which is off, as ``image``."""
        self.machine(instance_id).save_disk(self._image(image))

    def forget_disk(self, image: str) -> None:
        """Remove the image; none of that name is success."""
        self._image(image).unlink(missing_ok=True)

    def images(self) -> list[str]:
        """Return the names of the images that are kept."""
        return sorted(path.stem for path in self._hosts.folder.glob("*.disk"))

    def on(self, instance_id: str) -> bool:
        """Return whether it runs; it may have switched itself off."""
        return self.machine(instance_id).on

    def private_address(self, instance_id: str) -> str:
        """Return the address that its peers use."""
        return self.machine(instance_id).ip

    def public_address(self, instance_id: str) -> str:
        """Return the address that everybody uses; ``""`` while it is off."""
        machine = self.machine(instance_id)
        number = _read(machine.folder).public
        assert self._hosts.bridge is not None
        return str(self._hosts.bridge.network[number]) if number else ""

    def machine(self, instance_id: str) -> Machine:
        """Return its host. Raises ``KeyError`` when it has none any more."""
        for machine, each in self._instances().items():
            if each.instance_id == instance_id:
                return machine
        raise KeyError(instance_id)

    def ids(self) -> list[str]:
        """Return the instances that have a host, on or off."""
        return [each.instance_id for each in self._instances().values()]

    def _make(self, instance_id: str) -> Machine:
        (machine,) = self._hosts.make(1)
        assert isinstance(machine, Machine)
        _write(machine.folder, Instance(instance_id))
        return machine

    def _image(self, name: str) -> Path:
        return self._hosts.folder / f"{name}.disk"

    def _instances(self) -> dict[Machine, Instance]:
        return {
            host: _read(host.folder)
            for host in self._hosts.hosts
            if isinstance(host, Machine) and (host.folder / _FILE).exists()
        }


def _write(folder: Path, instance: Instance) -> None:
    new = folder / f"{_FILE}.new"
    new.write_text(json.dumps(asdict(instance)))
    new.replace(folder / _FILE)


def _read(folder: Path) -> Instance:
    return Instance(**json.loads((folder / _FILE).read_text()))
