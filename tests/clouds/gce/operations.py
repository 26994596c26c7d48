"""Operations: begun by a request, done some time after it was answered."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any

from tests.clouds.gce.answers import invalid, not_found

Json = dict[str, Any]
Errors = list[Mapping[str, Any]]


class Operations:
    """Every operation of one project. ``lock`` is the project's; what an operation does runs without it."""

    def __init__(self, base: str, lock: threading.Condition) -> None:
        self._base = base
        self._lock = lock
        self._all: dict[str, Json] = {}
        self._by_request: dict[str, str] = {}
        self._numbers = iter(range(10**18, 2 * 10**18))
        self._workers = ThreadPoolExecutor(32, thread_name_prefix="operation")
        self.delay_s = 0.0
        self.wait_limit_s = 120.0

    def number(self) -> str:
        """Return an id that nothing else has."""
        return str(next(self._numbers))

    def repeated(self, request_id: str | None) -> Json | None:
        """Return what the same request has begun already. Raises for an id that is none."""
        if request_id is None:
            return None
        try:
            uuid.UUID(request_id)
        except ValueError:
            raise invalid(f"Invalid value for field 'requestId': '{request_id}'. Must be a UUID") from None
        name = self._by_request.get(request_id)
        return self._all[name] if name else None

    def begin(
        self,
        kind: str,
        place: str,
        target: str,
        work: Callable[[], Errors],
        *,
        request_id: str | None = None,
        delay_s: float = 0.0,
    ) -> Json:
        """Begin ``work``, which returns the operation's errors; ``place`` is ``zones/Z`` or ``global``."""
        name = f"operation-{time.time_ns()}-{uuid.uuid4().hex[:8]}"
        operation: Json = {
            "kind": "compute#operation",
            "id": self.number(),
            "name": name,
            "operationType": kind,
            "targetLink": self._base + target,
            "selfLink": f"{self._base}{place}/operations/{name}",
            "status": "RUNNING",
            "progress": 0,
            "user": "tester@example.iam.gserviceaccount.com",
            "insertTime": now(),
            "startTime": now(),
        }
        if place != "global":
            operation["zone"] = self._base + place
        if request_id:
            operation["clientOperationId"] = request_id
            self._by_request[request_id] = name
        self._all[name] = operation
        self._workers.submit(self._run, operation, work, self.delay_s + delay_s)
        return dict(operation)

    def get(self, name: str) -> Json:
        """Return the operation now."""
        if name not in self._all:
            raise not_found(f"operations/{name}")
        return dict(self._all[name])

    def wait(self, name: str) -> Json:
        """Return the operation when it is done, or after two minutes."""
        self._lock.wait_for(lambda: self.get(name)["status"] == "DONE", timeout=self.wait_limit_s)
        return self.get(name)

    def all(self) -> Iterator[Json]:
        """Yield every operation."""
        yield from (dict(each) for each in self._all.values())

    def _run(self, operation: Json, work: Callable[[], Errors], delay_s: float) -> None:
        time.sleep(delay_s)
        try:
            errors = work()
        except Exception as error:
            errors = [{"code": "INTERNAL_ERROR", "message": f"Internal error: {error!r}"}]
        with self._lock:
            if errors:
                operation["error"] = {"errors": [dict(each) for each in errors]}
                operation["httpErrorStatusCode"] = 503
                operation["httpErrorMessage"] = "SERVICE UNAVAILABLE"
            operation.update(status="DONE", progress=100, endTime=now())
            self._lock.notify_all()


def now() -> str:
    """Return the time as RFC 3339 has it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
