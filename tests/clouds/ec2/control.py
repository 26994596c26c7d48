"""The door by which a test directs the make-believe EC2: JSON posted to ``/_sky/VERB``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.clouds.ec2.answers import Answer
from tests.clouds.ec2.fleet import Fleet
from tests.clouds.ec2.script import Capacity, Fault, Reserved, Script


class Control:
    """Each verb takes a JSON object and returns something as JSON."""

    def __init__(self, script: Script, fleet: Fleet, forget: Callable[[], None]) -> None:
        self._script = script
        self._fleet = fleet
        self._forget = forget

    def answer(self, verb: str, body: bytes) -> Answer:
        """Do what was asked."""
        result = getattr(self, f"_{verb}")(**json.loads(body or b"{}"))
        return Answer(200, json.dumps(result).encode(), {"Content-Type": "application/json"})

    def _fail(self, **fields: Any) -> None:
        self._script.faults.append(Fault(**fields))

    def _capacity(self, **fields: Any) -> None:
        self._script.capacities.append(Capacity(**fields))

    def _reserve(self, **fields: Any) -> None:
        self._script.reserved.append(Reserved(**fields))

    def _quota(self, region: str, market: str, limit: int) -> None:
        self._script.quota[region, market] = limit

    def _deny(self, actions: list[str]) -> None:
        self._script.denied = set(actions)

    def _timing(self, **fields: float) -> None:
        for name, value in fields.items():
            setattr(self._script.timing, name, value)

    def _interrupt(self, instance_id: str) -> None:
        self._fleet.interrupt(instance_id)

    def _reset(self) -> None:
        self._forget()

    def _calls(self) -> list[dict[str, str]]:
        return self._script.calls

    def _instances(self) -> list[dict[str, Any]]:
        self._fleet.refresh()
        return [
            {
                "id": each.id,
                "state": each.state,
                "region": each.region_name,
                "zone": each.placement.availability_zone,
                "type": each.instance_type,
                "market": each.lifecycle or "on-demand",
                "tags": {tag["key"]: tag["value"] for tag in each.get_tags()},
            }
            for each in self._fleet.instances()
        ]
