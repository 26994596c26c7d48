"""What Google says, and what it blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from catalog.offer import Market, OfferKey
from catalog.scope import Scope
from executors.errors import AuthError, NotFound, OutOfCapacity, QuotaExceeded, Transient
from executors.gcp import errors

KEY = OfferKey("gcp", "us-east1", "us-east1-b", "n2-standard-8", "", 0, Market.ON_DEMAND)
T4 = OfferKey("gcp", "us-east1", "us-east1-b", "n1-standard-8", "T4", 2_000, Market.SPOT)
L4 = OfferKey("gcp", "us-east1", "us-east1-b", "g2-standard-4", "L4", 1_000, Market.ON_DEMAND)
HERE = ("gcp", "us-east1", "us-east1-b")


def of_operation(code: str, message: str = "words", **quota: Any) -> Exception:
    error: dict[str, Any] = {"code": code, "message": message}
    if quota:
        error["errorDetails"] = [{"quotaInfo": quota}]
    return errors.of_operation([error])


def of_answer(status: int, reason: str, message: str = "words", **more: Any) -> Exception:
    return errors.of_answer(
        status, {"error": {"message": message, "errors": [{"reason": reason}], **more}}, "p"
    )


def quota(metric: str, region: str = "us-east1") -> Mapping[str, Any]:
    where = f"in region {region}." if region else "globally."
    dimensions = {"region": region} if region else {}
    return {
        "message": f"Quota '{metric}' exceeded.  Limit: 0.0 {where}",
        "metricName": f"compute.googleapis.com/{metric.lower()}",
        "dimensions": dimensions,
    }


@pytest.mark.parametrize(
    ("error", "key", "scope"),
    [
        (
            of_operation("ZONE_RESOURCE_POOL_EXHAUSTED"),
            KEY,
            Scope(*HERE, "n2-standard-8", market=Market.ON_DEMAND),
        ),
        (
            of_operation("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"),
            L4,
            Scope(*HERE, "g2-standard-4", "L4", 1_000, Market.ON_DEMAND),
        ),
        (
            of_operation("ZONE_RESOURCE_POOL_EXHAUSTED"),
            T4,
            Scope(*HERE, None, "T4", 2_000, Market.SPOT),
        ),
        (
            of_answer(400, "invalid", "Machine type with name 'n2-standard-8' does not exist in zone"),
            KEY,
            Scope(*HERE, "n2-standard-8", market=Market.ON_DEMAND),
        ),
        (of_answer(404, "notFound"), KEY, Scope(*HERE, "n2-standard-8", market=Market.ON_DEMAND)),
        (
            of_answer(404, "notFound", "The resource 'projects/p/global/images/words' was not found"),
            L4,
            Scope("gcp"),
        ),
        (
            of_operation("x", "words: Constraint constraints/compute.vmExternalIpAccess violated"),
            KEY,
            Scope("gcp"),
        ),
        (
            of_operation("x", "words: constraints/gcp.resourceLocations violated"),
            KEY,
            Scope("gcp", "us-east1"),
        ),
        (of_operation("INTERNAL_ERROR"), KEY, Scope(*HERE, "n2-standard-8", market=Market.ON_DEMAND)),
        (
            of_operation("SOMETHING_NEW"),
            L4,
            Scope(*HERE, "g2-standard-4", "L4", 1_000, Market.ON_DEMAND),
        ),
    ],
)
def test_capacity_blocks_the_narrowest_place(error: Exception, key: OfferKey, scope: Scope) -> None:
    found = errors.about(error, key)
    assert isinstance(found, OutOfCapacity)
    assert found.scope == scope
    assert found.scope.matches(key)
    assert "words" in str(found) or "does not exist" in str(found)


@pytest.mark.parametrize(
    ("said", "key", "scope"),
    [
        (quota("PREEMPTIBLE_CPUS"), T4, Scope("gcp", "us-east1", market=Market.SPOT)),
        (quota("CPUS"), KEY, Scope("gcp", "us-east1", market=Market.ON_DEMAND)),
        (
            quota("N2_CPUS"),
            KEY,
            Scope("gcp", "us-east1", None, "n2-standard-8", market=Market.ON_DEMAND),
        ),
        (
            quota("PREEMPTIBLE_NVIDIA_T4_GPUS"),
            T4,
            Scope("gcp", "us-east1", None, None, "T4", 2_000, Market.SPOT),
        ),
        (
            quota("GPUS_ALL_REGIONS", ""),
            L4,
            Scope("gcp", None, None, "g2-standard-4", "L4", 1_000, Market.ON_DEMAND),
        ),
        (
            quota("CPUS_ALL_REGIONS", ""),
            KEY,
            Scope("gcp", None, None, "n2-standard-8", market=Market.ON_DEMAND),
        ),
    ],
)
def test_quota_blocks_where_it_counts_in_both_of_its_forms(
    said: Mapping[str, Any], key: OfferKey, scope: Scope
) -> None:
    message = said["message"]
    for error in (
        of_operation("QUOTA_EXCEEDED", **said),
        of_operation("QUOTA_EXCEEDED", message),
        of_answer(403, "quotaExceeded", message),
    ):
        found = errors.about(error, key)
        assert isinstance(found, QuotaExceeded)
        assert found.scope == scope
        assert found.scope.matches(key)


def test_what_is_said_of_spot_holds_for_spot_alone() -> None:
    for error in (
        of_operation("ZONE_RESOURCE_POOL_EXHAUSTED"),
        of_operation("QUOTA_EXCEEDED", **quota("CPUS")),
    ):
        found = errors.about(error, T4)
        assert isinstance(found, OutOfCapacity | QuotaExceeded)
        on_demand = OfferKey(*HERE, "n1-standard-8", "T4", 2_000, Market.ON_DEMAND)
        assert not found.scope.matches(on_demand)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (of_answer(401, "authError"), AuthError, "sky check"),
        (
            of_answer(403, "forbidden", "Required 'compute.instances.create' permission"),
            AuthError,
            "sky check",
        ),
        (
            of_answer(403, "accessNotConfigured", details=[{"reason": "SERVICE_DISABLED"}]),
            AuthError,
            "gcloud services enable compute.googleapis.com --project p",
        ),
        (of_answer(403, "billingNotEnabled"), AuthError, "gcloud billing projects link p"),
        (of_answer(403, "rateLimitExceeded"), Transient, "words"),
        (of_answer(429, "x"), Transient, "words"),
        (of_answer(503, "backendError"), Transient, "words"),
        (of_operation("PERMISSIONS_ERROR"), AuthError, "sky check"),
        (of_answer(400, "SERVICE_ACCOUNT_ACCESS_DENIED"), AuthError, "sky check"),
        (of_answer(404, "notFound"), NotFound, "words"),
        (errors.of_answer(502, {"error": {"message": "<html>"}}, "p"), Transient, "<html>"),
        (errors.of_answer(500, {}, "p"), Transient, "HTTP 500"),
    ],
)
def test_what_does_not_depend_on_the_offer(error: Exception, kind: type[Exception], words: str) -> None:
    assert isinstance(error, kind)
    assert words in str(error)
    if kind is AuthError:
        assert isinstance(error, AuthError)
        assert error.scope == Scope("gcp")
        assert errors.about(error, KEY) is error
