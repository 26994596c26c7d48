"""Operations: what Compute Engine does after it has answered, awaited to their end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from catalog.errors import ExecutorError
from executors.errors import NotFound, Transient
from executors.gcp import errors
from executors.gcp.rest import Json, Rest

LIMIT_S = 15 * 60.0
_TPU_PAUSE_S = 2.0
_AT_ONCE = 8
_WAIT_READ_S = 150.0  # the server answers a wait after two minutes at the latest


def run_all(
    rest: Rest, changes: Sequence[Callable[[], Json]], limit_s: float = LIMIT_S
) -> list[ExecutorError]:
    """Send all changes, some at once, and wait until all is done that they began; returns what failed."""
    if not changes:
        return []
    with ThreadPoolExecutor(min(_AT_ONCE, len(changes)), thread_name_prefix="gcp") as pool:
        answers = list(pool.map(_sent, changes))
    refused = [each for each in answers if isinstance(each, ExecutorError)]
    begun = [each for each in answers if not isinstance(each, ExecutorError)]
    return refused + await_all(rest, begun, limit_s)


def await_all(rest: Rest, operations: Iterable[Json], limit_s: float = LIMIT_S) -> list[ExecutorError]:
    """Wait until all are done; returns the errors of those that failed, in their order.

    Raises ``Transient`` when one is not done ``limit_s`` after the call.
    """
    deadline = time.monotonic() + limit_s
    failures = (_failure(_done(rest, each, deadline)) for each in operations)
    return [error for error in failures if error is not None]


def _sent(change: Callable[[], Json]) -> Json | ExecutorError:
    try:
        return change()
    except ExecutorError as error:
        return error


def _failure(operation: Json) -> ExecutorError | None:
    error = operation.get("error", {})
    if "code" in error:
        return errors.of_status(error)
    return errors.of_operation(error["errors"]) if error.get("errors") else None


def pending(rest: Rest, target: str) -> list[Json]:
    """Return the operations under way, anywhere in the project, on what has ``target`` in its address."""
    return [
        operation
        for page in rest.pages("aggregated/operations", filter='status != "DONE"')
        for place in page.get("items", {}).values()
        for operation in place.get("operations", [])
        if target in operation.get("targetLink", "")
    ]


def _done(rest: Rest, operation: Json, deadline: float) -> Json:
    if "status" not in operation:
        return _tpu_done(rest, operation, deadline)
    name = operation["name"]
    path = f"{_place(operation)}/operations/{name}/wait"
    while operation["status"] != "DONE":
        if time.monotonic() > deadline:
            raise Transient(f"Compute Engine has not finished {operation.get('operationType')} {name} yet")
        try:
            operation = rest.post(path, read_s=_WAIT_READ_S)
        except NotFound:  # it is kept for a while after it is done
            return {**operation, "status": "DONE"}
    return operation


def _tpu_done(rest: Rest, operation: Json, deadline: float) -> Json:
    """Look until the operation, ``projects/P/locations/ZONE/operations/X``, is done: it cannot be awaited."""
    path = operation["name"].split("/", 2)[2]
    while not operation.get("done"):
        if time.monotonic() > deadline:
            raise Transient(f"Cloud TPU has not finished {path} yet")
        time.sleep(_TPU_PAUSE_S)
        try:
            operation = rest.get(path)
        except NotFound:
            return {**operation, "done": True}
    return operation


def _place(operation: Json) -> str:
    for kind in ("zone", "region"):
        if kind in operation:
            return f"{kind}s/{operation[kind].rpartition('/')[2]}"
    return "global"
