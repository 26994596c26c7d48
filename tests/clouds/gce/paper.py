"""Machines that exist on paper: addresses and whether they are on, for tests of requests alone."""

from __future__ import annotations

import itertools
import threading


class PaperMachines:
    """Nothing can be logged in to; addresses are of the ranges for documentation."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._on: dict[str, bool] = {}
        self._private: dict[str, int] = {}
        self._public: dict[str, int] = {}

    def create(self, instance_id: str, user_data: str, image: str = "") -> None:
        """Make it, switched on."""
        with self._lock:
            self._private[instance_id] = next(self._numbers)
        self.start(instance_id)

    def create_with_script(self, instance_id: str, script: str) -> None:
        """Make it, switched on."""
        self.create(instance_id, script)

    def start(self, instance_id: str) -> None:
        """Switch it on, with another public address."""
        with self._lock:
            self._on[instance_id] = True
            self._public[instance_id] = next(self._numbers)

    def stop(self, instance_id: str) -> None:
        """Switch it off."""
        self._on[instance_id] = False

    def terminate(self, instance_id: str) -> None:
        """Forget it."""
        self._on.pop(instance_id, None)

    def save_disk(self, instance_id: str, image: str) -> None:
        """Nothing is on a disk."""

    def forget_disk(self, image: str) -> None:
        """Nothing was kept."""

    def on(self, instance_id: str) -> bool:
        """Return whether it runs."""
        return self._on.get(instance_id, False)

    def private_address(self, instance_id: str) -> str:
        """Return ``192.0.2.n``."""
        return f"192.0.2.{self._private[instance_id] % 250}"

    def public_address(self, instance_id: str) -> str:
        """Return ``203.0.113.n``."""
        return f"203.0.113.{self._public[instance_id] % 250}"
