"""Small requests that several tests start from."""

from __future__ import annotations

from typing import Any

from solver.request import Objective, Request, Requirement, Runtime, TaskRequest

HOUR = Runtime(3_600, note="one hour")


def requirement(**given: Any) -> Requirement:
    """Return a requirement that admits any x86_64 on-demand node for an hour, with the fields ``given``."""
    return Requirement(**{"label": "any", "runtime": HOUR} | given)


def one_task(objective: Objective = Objective.COST, **given: Any) -> Request:
    """Return a request of one task."""
    return Request((TaskRequest("main", (requirement(**given),)),), objective=objective)
