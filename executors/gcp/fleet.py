"""All instances of a cluster at once: made, started, stopped, deleted, each awaited to the end."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial

from catalog.errors import ExecutorError
from executors.api import NodeState
from executors.errors import NotFound, Transient
from executors.gcp import errors, operations
from executors.gcp.instances import Instance
from executors.gcp.rest import Json, Rest

_log = logging.getLogger("sky.executors.gcp")

_SETTLE_S, _PAUSE_S = 300.0, 1.0


def insert(rest: Rest, zone: str, bodies: Sequence[Json]) -> None:
    """Make the instances; those whose name is there already are kept. Raises the first refusal."""
    changes = [partial(rest.change, "POST", f"zones/{zone}/instances", body) for body in bodies]
    failed = [each for each in operations.run_all(rest, changes) if not errors.exists_already(each)]
    if failed:
        raise failed[0]


def start(rest: Rest, found: Sequence[Instance]) -> list[Instance]:
    """Start those that are stopped; returns all as they run, head first.

    Raises the first refusal, after those that this call started were stopped again.
    """
    stopped = [each for each in found if each.state is NodeState.STOPPED]
    await_stopped(rest, stopped)
    failed = operations.run_all(
        rest, [partial(rest.change, "POST", f"{each.path}/start") for each in stopped]
    )
    if failed:
        stop(rest, stopped)
        raise failed[0]
    nodes = settled(rest, [each.path for each in found])
    return sorted(nodes, key=lambda each: each.rank)


def stop(rest: Rest, found: Sequence[Instance]) -> list[ExecutorError]:
    """Stop those that are not stopped; returns what failed."""
    running = [each for each in found if each.status not in {"TERMINATED", "SUSPENDED"}]
    return operations.run_all(rest, [partial(_stop, rest, each) for each in running])


def delete(rest: Rest, found: Sequence[Instance]) -> list[ExecutorError]:
    """Delete them with their disks, gone already is success; returns what failed."""
    return _delete(rest, [each.path for each in found])


def undo(rest: Rest, paths: Sequence[str]) -> None:
    """Delete what was made in vain. What stays then is found by its label, so it is only told."""
    try:
        failed = _delete(rest, paths)
    except ExecutorError as error:
        failed = [error]
    for each in failed:
        _log.warning("an instance of a failed attempt was not removed yet: %s", each)


def settled(rest: Rest, paths: Sequence[str]) -> list[Instance]:
    """Return the instances at ``paths`` once all run. Raises ``Refused`` for one that was stopped instead."""
    deadline = time.monotonic() + _SETTLE_S
    while True:
        found = looked_at(rest, paths)
        for each in found:
            if each.state is NodeState.STOPPED:
                raise errors.stopped(each.name, each.why)
        if len(found) == len(paths) and all(each.state is NodeState.RUNNING for each in found):
            return found
        if time.monotonic() > deadline:
            raise Transient(f"Compute Engine has not started {', '.join(paths)} within {_SETTLE_S:g} s")
        time.sleep(_PAUSE_S)


def looked_at(rest: Rest, paths: Sequence[str]) -> list[Instance]:
    """Return the instances at ``paths`` that are visible now."""
    found = (_look(rest, path) for path in paths)
    return [each for each in found if each is not None]


def _look(rest: Rest, path: str) -> Instance | None:
    try:
        return Instance.of(rest.get(path))
    except NotFound:
        return None


def await_stopped(rest: Rest, found: Sequence[Instance]) -> None:
    """Wait for instances on their way to be off, as autostop sends them."""
    deadline = time.monotonic() + _SETTLE_S
    stopping = [each.path for each in found if each.status == "STOPPING"]
    while any(each.status == "STOPPING" for each in looked_at(rest, stopping)):
        if time.monotonic() > deadline:
            raise Transient(f"an instance has not stopped within {_SETTLE_S:g} s")
        time.sleep(_PAUSE_S)


def _stop(rest: Rest, instance: Instance) -> Json:
    """Stop it; what is on disks inside the host cannot be kept."""
    query = {"discardLocalSsd": "true"} if instance.local_disks else {}
    return rest.change("POST", f"{instance.path}/stop", None, **query)


def _delete(rest: Rest, paths: Sequence[str]) -> list[ExecutorError]:
    failed = operations.run_all(rest, [partial(rest.change, "DELETE", path) for path in paths])
    return [each for each in failed if not isinstance(each, NotFound)]
