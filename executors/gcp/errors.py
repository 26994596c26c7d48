"""The one mapping of Compute Engine's errors to ours, for its HTTP answers and its operations alike.

Codes are those of https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-vm-creation and of
the ``reason`` in HTTP errors. What is known of no code keeps to the offer that failed, with all that Google
said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog.errors import ExecutorError
from catalog.offer import OfferKey
from catalog.scope import Scope
from executors.errors import (
    AuthError,
    Declined,
    NotFound,
    OutOfCapacity,
    QuotaExceeded,
    ScopedError,
    Transient,
)

CLOUD = "gcp"
TPU_VM = "TPU-VM"
"""The instance type of all TPU VMs in the catalog."""

LOOK_FIX = "sky check gcp"
STOCKOUT_TTL_S = 10 * 60
QUOTA_TTL_S = 60 * 60
_ABSENT_TTL_S = 24 * 60 * 60
_AUTH_TTL_S = 60 * 60

_STOCKOUT = frozenset(
    {
        "ZONE_RESOURCE_POOL_EXHAUSTED",
        "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS",
        "RESOURCE_POOL_EXHAUSTED",
        "insufficientCapacity",
        "stockout",
    }
)
_QUOTA = frozenset({"QUOTA_EXCEEDED", "quotaExceeded"})
_ABSENT = frozenset({"UNSUPPORTED_OPERATION", "RESOURCE_NOT_FOUND", "notFound"})
_TRANSIENT = frozenset(
    {
        *("rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "concurrentLimitExceeded"),
        *("backendError", "internalError", "resourceNotReady", "resourceInUseByAnotherResource"),
    }
)
_DISABLED = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_UNPAID = frozenset({"BILLING_DISABLED", "billingNotEnabled", "UREQ_PROJECT_BILLING_NOT_OPEN"})
_FORBIDDEN = frozenset(
    {
        *("forbidden", "authError", "PERMISSIONS_ERROR", "IAM_PERMISSION_DENIED"),
        "SERVICE_ACCOUNT_ACCESS_DENIED",
    }
)
_TOO_MANY, _UNAUTHORIZED, _FORBIDDEN_STATUS, _NOT_FOUND = 429, 401, 403, 404
_SERVER_ERROR = 500
_METRIC = re.compile(r"Quota '([A-Z0-9_]+)' exceeded|Quota limit '(\w+)' has been exceeded")
_NO_CAPACITY = re.compile(r"no more capacity in the zone|[Ii]nsufficient (reserved )?capacity")
_RPC_EXHAUSTED = 8
_OF_CLOUD = re.compile(r"/images/|/networks/|image size|constraints/(?!gcp\.resourceLocations)")
"""What is missing or forbidden for every offer: an image, a network, an organisation's rule."""
_OF_REGION = re.compile(r"/subnetworks/|constraints/gcp\.resourceLocations")
_FAMILY_CPUS = re.compile(r"(?!PREEMPTIBLE_CPUS)(PREEMPTIBLE_)?[A-Z0-9]+_CPUS")


@dataclass(frozen=True, slots=True)
class Fault:
    """One error as Google words it; of a quota also what is limited, and whether everywhere."""

    code: str
    message: str
    status: int = 0
    metric: str = ""
    everywhere: bool = False


class Refused(ExecutorError):
    """Google refused; ``about`` says what that means for an offer."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.code}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


def exists_already(error: ExecutorError) -> bool:
    """Return whether what was to be made is there."""
    codes = {"alreadyExists", "RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"}
    return isinstance(error, Refused) and any(fault.code in codes for fault in error.faults)


def of_answer(status: int, body: Mapping[str, Any], project: str, *, tpu: bool = False) -> ExecutorError:
    """Return what an HTTP answer of ``status`` says, of the service for TPUs with ``tpu``.

    ``body`` is its JSON, ``{}`` where it is none.
    """
    error = body.get("error")
    if not isinstance(error, Mapping):
        error = {"message": str(error or body or f"HTTP {status} without a word")}
    message = str(error.get("message", f"HTTP {status}"))
    details = [detail for detail in error.get("details", ()) if "reason" in detail]
    codes = [str(detail["reason"]) for detail in details]
    codes += [str(each["reason"]) for each in error.get("errors", ()) if "reason" in each]
    codes = codes or [str(error.get("status", status))]
    faults = [_fault(code, message, status) for code in dict.fromkeys(codes)]
    return _meaning(faults, project, tpu=tpu)


def of_operation(errors: Sequence[Mapping[str, Any]]) -> ExecutorError:
    """Return what the ``error.errors`` of an operation say."""
    faults = []
    for error in errors:
        fault = _fault(str(error.get("code", "UNKNOWN")), str(error.get("message", "")))
        for detail in error.get("errorDetails", ()):
            if "quotaInfo" in detail:
                fault = _with_quota(fault, detail["quotaInfo"])
        faults.append(fault)
    if {fault.code for fault in faults} & _FORBIDDEN:
        return no_login(str(Refused(faults)), LOOK_FIX)
    return Refused(faults)


def of_status(status: Mapping[str, Any]) -> ExecutorError:
    """Return what the ``error`` of an operation on a TPU says: a ``google.rpc.Status``."""
    fault = _fault(f"code {status.get('code')}", str(status.get("message", "")))
    if status.get("code") == _RPC_EXHAUSTED and not fault.metric:
        fault = replace(fault, code="stockout")
    return Refused([fault])


def stopped(name: str, why: str) -> Refused:
    """Return what an instance means that was stopped while it was awaited: the place had no room for it."""
    return Refused([Fault("stockout", f"{name} was stopped as soon as it was made{why and ': ' + why}")])


def no_login(words: str, fix: str, *, tpu: bool = False) -> AuthError:
    """Return what credentials that do not do mean: the cloud, or its TPUs, are out; ``fix`` mends it."""
    scope = Scope(cloud=CLOUD, instance_type=TPU_VM if tpu else None)
    return AuthError(f"gcp: {words}. Run: {fix}", scope, _AUTH_TTL_S)


def about(error: ExecutorError, key: OfferKey) -> ExecutorError:
    """Return what a refusal to make or start nodes of the offer ``key`` means for planning.

    ``OutOfCapacity`` or ``QuotaExceeded`` with the narrowest scope that the words support, of the offer's
    own market alone where they speak of capacity; other errors as they are.
    """
    if isinstance(error, NotFound):
        return _scoped(Fault("notFound", str(error)), key)
    if not isinstance(error, Refused):
        return error
    found = [_scoped(fault, key) for fault in error.faults]
    return max(found, key=lambda each: isinstance(each, QuotaExceeded))


def _scoped(fault: Fault, key: OfferKey) -> ScopedError:
    words = f"{_place(key)}: {fault.code}: {fault.message}"
    if fault.code in _QUOTA or fault.metric:
        return QuotaExceeded(words, _quota_scope(fault, key), QUOTA_TTL_S)
    if fault.code in _STOCKOUT:
        return OutOfCapacity(words, _stockout_scope(key), STOCKOUT_TTL_S)
    if _OF_CLOUD.search(fault.message):
        return Declined(words, Scope(key.cloud), _ABSENT_TTL_S)
    if _OF_REGION.search(fault.message):
        return Declined(words, Scope(key.cloud, key.region), _ABSENT_TTL_S)
    ttl_s = _ABSENT_TTL_S if fault.code in _ABSENT else STOCKOUT_TTL_S
    return Declined(words, _offer_scope(key), ttl_s)


def _offer_scope(key: OfferKey) -> Scope:
    return Scope(
        key.cloud,
        key.region,
        key.zone or None,
        key.instance_type,
        key.accelerator or None,
        key.accelerator_count_milli or None,
        key.market,
    )


def _stockout_scope(key: OfferKey) -> Scope:
    """Where GPUs are attached to a general type (N1), it is the GPUs that ran out, whatever the type."""
    if key.accelerator and key.instance_type.startswith("n1-"):
        return Scope(
            key.cloud,
            key.region,
            key.zone or None,
            accelerator=key.accelerator,
            accelerator_count_milli=key.accelerator_count_milli,
            market=key.market,
        )
    return _offer_scope(key)


def _quota_scope(fault: Fault, key: OfferKey) -> Scope:
    """Return where a quota counts: its region; of GPUs or of a family of types, only those there."""
    if key.instance_type == TPU_VM:
        zone = None if "PerRegion" in fault.metric else key.zone or None
        return replace(_offer_scope(key), zone=zone)
    region = None if fault.everywhere else key.region
    if "GPUS" in fault.metric and key.accelerator:
        return Scope(
            key.cloud,
            region,
            instance_type=key.instance_type if fault.everywhere else None,
            accelerator=key.accelerator,
            accelerator_count_milli=key.accelerator_count_milli,
            market=key.market,
        )
    if fault.everywhere or _FAMILY_CPUS.fullmatch(fault.metric):
        return Scope(key.cloud, region, instance_type=key.instance_type, market=key.market)
    return Scope(key.cloud, region, market=key.market)


def _place(key: OfferKey) -> str:
    return f"{key.cloud} {key.zone or key.region} ({key.instance_type}, {key.market.value})"


def _fault(code: str, message: str, status: int = 0) -> Fault:
    metric = _METRIC.search(message)
    named = (metric[1] or metric[2]) if metric else ""
    code = "stockout" if _NO_CAPACITY.search(message) else code
    return Fault(code, message, status, named, "globally" in message)


def _with_quota(fault: Fault, info: Mapping[str, Any]) -> Fault:
    metric = fault.metric or str(info.get("metricName", "")).rpartition("/")[2].upper()
    return replace(fault, metric=metric, everywhere=not {"region", "zone"} & set(info.get("dimensions", {})))


def _meaning(faults: Sequence[Fault], project: str, *, tpu: bool) -> ExecutorError:
    """Return the error of ours, but for what depends on the offer: that stays ``Refused``."""
    codes = {fault.code for fault in faults}
    status = max(fault.status for fault in faults)
    words = "; ".join(f"{fault.code}: {fault.message}" for fault in faults)
    if codes & (_STOCKOUT | _QUOTA) or any(fault.metric for fault in faults):
        return Refused(faults)
    if codes & _TRANSIENT or status == _TOO_MANY or status >= _SERVER_ERROR:
        return Transient(f"Compute Engine: {words}")
    if codes & _DISABLED:
        service = "tpu" if tpu else "compute"
        fix = f"gcloud services enable {service}.googleapis.com --project {project}"
        return no_login(words, fix, tpu=tpu)
    if codes & _UNPAID:
        return no_login(words, f"gcloud billing projects link {project} --billing-account=ACCOUNT")
    if tpu and status == _FORBIDDEN_STATUS:
        role = f"gcloud projects add-iam-policy-binding {project} --role=roles/tpu.admin"
        return no_login(words, f"{role} --member=user:YOU@EXAMPLE.COM", tpu=True)
    if codes & _FORBIDDEN or status in {_UNAUTHORIZED, _FORBIDDEN_STATUS}:
        return no_login(words, LOOK_FIX)
    if status == _NOT_FOUND:
        return NotFound(words)
    return Refused(faults)
