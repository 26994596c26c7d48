"""What goes wrong on demand: a list of faults, each for the requests that it fits, as often as it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Fault:
    """What happens to ``times`` requests (-1: all) of ``method`` whose facts equal those of ``where``.

    Facts are the path's parameters and, of ``instances.insert`` and ``start``, ``machine_type``, ``market``,
    ``accelerator`` and ``region``. One of: an HTTP answer of ``status``; ``operation``, the errors of one
    that begins well; ``drop``: the connection ends without an answer, ``"before"`` or ``"after"`` the effect;
    ``delay_s``: the operation takes longer.
    """

    method: str
    where: Mapping[str, str] = field(default_factory=dict)
    times: int = -1
    status: int = 0
    error: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    operation: list[Mapping[str, Any]] = field(default_factory=list)
    drop: str = ""
    delay_s: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


class Faults:
    """The faults that stand; the caller locks."""

    def __init__(self) -> None:
        self._standing: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._standing.append(fault)

    def clear(self) -> None:
        self._standing.clear()

    def take(self, method: str, facts: Mapping[str, str]) -> Fault:
        """Return the first fault that fits, used up by one; one that does nothing where none fits."""
        for fault in self._standing:
            fits = all(facts.get(name) == value for name, value in fault.where.items())
            if fault.method == method and fault.times and fits:
                fault.times -= 1 if fault.times > 0 else 0
                return fault
        return Fault(method, times=0)


def stockout(zone: str = "", *, times: int = -1, method: str = "instances.insert", **where: str) -> Fault:
    """The zone has none left, of a market or type perhaps."""
    words = (
        f"The zone 'projects/p/zones/{zone}' does not have enough resources available to fulfill the "
        "request.  Try a different zone, or try again later."
    )
    error = {"code": "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "message": words}
    return Fault(method, {**({"zone": zone} if zone else {}), **where}, times, operation=[error])


def regional_quota(region: str, metric: str = "CPUS", *, times: int = -1) -> Fault:
    """The region's quota is used up, as the operation says it."""
    error = {
        "code": "QUOTA_EXCEEDED",
        "message": f"Quota '{metric}' exceeded.  Limit: 24.0 in region {region}.",
        "errorDetails": [
            {
                "quotaInfo": {
                    "metricName": f"compute.googleapis.com/{metric.lower()}",
                    "limitName": f"{metric.replace('_', '-')}-per-project-region",
                    "dimensions": {"region": region},
                    "limit": 24,
                }
            }
        ],
    }
    return Fault("instances.insert", {"region": region}, times, operation=[error])


TPU_NODES = "projects.locations.nodes"
"""What the methods on TPU VMs begin with."""


def tpu_stockout(zone: str, *, times: int = -1, method: str = "create") -> Fault:
    """The zone has no TPUs left, as the operation says it."""
    message = f'There is no more capacity in the zone "{zone}"; you can try in another zone'
    error = {"code": 8, "message": f"{message} where Cloud TPU Nodes are offered"}
    return Fault(f"{TPU_NODES}.{method}", {"zone": zone}, times, operation=[error])


def tpu_quota(place: str, limit: str, *, times: int = -1) -> Fault:
    """The quota ``limit`` of a zone (``in zone Z``) or region is used up, as the answer says it."""
    message = f"Quota limit '{limit}' has been exceeded. Limit: 0 in {place}."
    return _rpc_refusal(f"{TPU_NODES}.create", 429, "RESOURCE_EXHAUSTED", message, times)


def tpus_not_enabled(method: str = "list") -> Fault:
    """The project has the interface for TPUs switched off."""
    message = "Cloud TPU API has not been used in project 1 before or it is disabled."
    fault = _rpc_refusal(f"{TPU_NODES}.{method}", 403, "PERMISSION_DENIED", message, -1)
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}
    fault.error = {**fault.error, "details": [reason]}
    return fault


def tpus_forbidden(method: str = "create") -> Fault:
    """The user has no rights on TPUs."""
    message = "Permission 'tpu.nodes.create' denied on 'projects/p/locations/z/nodes/n'"
    return _rpc_refusal(f"{TPU_NODES}.{method}", 403, "PERMISSION_DENIED", message, -1)


def global_quota(metric: str = "GPUS_ALL_REGIONS", *, times: int = -1) -> Fault:
    """The quota of the whole project is used up, as the answer says it."""
    message = f"Quota '{metric}' exceeded.  Limit: 0.0 globally."
    return _refusal("instances.insert", 403, "quotaExceeded", message, times)


def throttled(method: str, *, times: int, retry_after: str = "") -> Fault:
    """Too many requests."""
    message = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service 'compute'"
    fault = _refusal(method, 403, "rateLimitExceeded", message, times)
    fault.headers = {"Retry-After": retry_after} if retry_after else {}
    return fault


def broken(method: str, *, times: int, status: int = 503) -> Fault:
    """The service fails."""
    return _refusal(method, status, "backendError", "Backend Error", times)


def forbidden(method: str, permission: str = "compute.instances.create") -> Fault:
    """A permission is missing."""
    message = f"Required '{permission}' permission for 'projects/p/zones/z/instances/i'"
    return _refusal(method, 403, "forbidden", message, -1)


def not_enabled(method: str) -> Fault:
    """The project has the interface switched off."""
    message = "Compute Engine API has not been used in project 1 before or it is disabled."
    fault = _refusal(method, 403, "accessNotConfigured", message, -1)
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}]
    fault.error = {**fault.error, "status": "PERMISSION_DENIED", "details": details}
    return fault


def lost(method: str, moment: str, *, times: int = 1) -> Fault:
    """The connection ends without an answer, ``"before"`` or ``"after"`` the effect."""
    return Fault(method, times=times, drop=moment)


def slow(method: str, delay_s: float) -> Fault:
    """Operations take that much longer."""
    return Fault(method, delay_s=delay_s)


def failing(method: str, code: str, message: str, *, times: int = -1, **where: str) -> Fault:
    """The operation begins and fails."""
    return Fault(method, where, times, operation=[{"code": code, "message": message}])


def _rpc_refusal(method: str, code: int, status: str, message: str, times: int) -> Fault:
    error = {"code": code, "message": message, "status": status}
    return Fault(method, times=times, status=code, error=error)


def _refusal(method: str, status: int, reason: str, message: str, times: int) -> Fault:
    error = {
        "code": status,
        "message": message,
        "errors": [{"message": message, "domain": "usageLimits", "reason": reason}],
    }
    return Fault(method, times=times, status=status, error=error)
