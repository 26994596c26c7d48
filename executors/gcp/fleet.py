"""All instances of a cluster at once: made, started, stopped, deleted, each awaited to the end."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial

from catalog.errors import ExecutorError
from executors.api import NodeState
from executors.errors import NotFound, Transient
from executors.gcp import errors, operations, tpu
from executors.gcp.instances import Instance
from executors.gcp.rest import TPU_PATHS, Json, Rest

_log = logging.getLogger("sky.executors.gcp")

_SETTLE_S, _PAUSE_S = 300.0, 1.0


def insert(rest: Rest, collection: str, bodies: Mapping[str, Json]) -> None:
    """Make instances by their names; those that are there already are kept. Raises the first refusal."""
    tpus = collection.startswith(TPU_PATHS)
    changes = [
        partial(rest.change, "POST", collection, body, **({"nodeId": name} if tpus else {}))
        for name, body in bodies.items()
    ]
    failed = [each for each in operations.run_all(rest, changes) if not errors.exists_already(each)]
    if failed:
        raise failed[0]


def start(rest: Rest, found: Sequence[Instance]) -> list[Instance]:
    """Start those that are stopped; returns all as they run, head first.

    Raises the first refusal, after those that this call started were stopped again.
    """
    stopped = [each for each in _once(found) if each.state is NodeState.STOPPED]
    await_stopped(rest, stopped)
    failed = operations.run_all(rest, [partial(rest.change, "POST", each.verb("start")) for each in stopped])
    if failed:
        stop(rest, stopped)
        raise failed[0]
    nodes = settled(rest, [each.path for each in _once(found)])
    return sorted(nodes, key=lambda each: each.position)


def stop(rest: Rest, found: Sequence[Instance]) -> list[ExecutorError]:
    """Stop those that are not stopped; returns what failed."""
    running = [each for each in _once(found) if each.status not in {"TERMINATED", "SUSPENDED", "STOPPED"}]
    return operations.run_all(rest, [partial(_stop, rest, each) for each in running])


def delete(rest: Rest, found: Sequence[Instance]) -> list[ExecutorError]:
    """Delete them with their disks, gone already is success; returns what failed.

    A TPU VM that is being made is awaited: an operation on it that was begun elsewhere cannot be found.
    """
    _await_made(rest, [each for each in found if each.is_tpu])
    return _delete(rest, [each.path for each in _once(found)])


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
            if each.state is NodeState.STOPPED or each.lost:
                raise errors.stopped(each.name, each.why)
        if {each.path for each in found} == set(paths) and all(
            each.state is NodeState.RUNNING for each in found
        ):
            return found
        if time.monotonic() > deadline:
            raise Transient(f"Google has not started {', '.join(paths)} within {_SETTLE_S:g} s")
        time.sleep(_PAUSE_S)


def looked_at(rest: Rest, paths: Sequence[str]) -> list[Instance]:
    """Return the instances at ``paths`` that are visible now."""
    return [each for path in dict.fromkeys(paths) for each in _look(rest, path)]


def _look(rest: Rest, path: str) -> list[Instance]:
    try:
        found = rest.get(path)
    except NotFound:
        return []
    return tpu.read(found) if path.startswith(TPU_PATHS) else [Instance.of(found)]


def _once(found: Sequence[Instance]) -> list[Instance]:
    """Return one instance for each address: the hosts of a TPU slice share theirs."""
    return list({each.path: each for each in found}.values())


def _await_made(rest: Rest, found: Sequence[Instance]) -> None:
    _await_other(rest, "CREATING", found, "was not made")


def await_stopped(rest: Rest, found: Sequence[Instance]) -> None:
    """Wait for instances on their way to be off, as autostop sends them."""
    _await_other(rest, "STOPPING", found, "has not stopped")


def _await_other(rest: Rest, status: str, found: Sequence[Instance], words: str) -> None:
    deadline = time.monotonic() + _SETTLE_S
    paths = [each.path for each in found if each.status == status]
    while any(each.status == status for each in looked_at(rest, paths)):
        if time.monotonic() > deadline:
            raise Transient(f"an instance {words} within {_SETTLE_S:g} s")
        time.sleep(_PAUSE_S)


def _stop(rest: Rest, instance: Instance) -> Json:
    """Stop it; what is on disks inside the host cannot be kept."""
    query = {"discardLocalSsd": "true"} if instance.local_disks else {}
    return rest.change("POST", instance.verb("stop"), None, **query)


def _delete(rest: Rest, paths: Sequence[str]) -> list[ExecutorError]:
    failed = operations.run_all(rest, [partial(rest.change, "DELETE", path) for path in paths])
    return [each for each in failed if not isinstance(each, NotFound)]
