"""What each answer of AWS makes the caller do, and for how much of the offers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ReadTimeoutError

from catalog.errors import UserError
from catalog.offer import Market
from catalog.scope import Scope
from executors.aws.errors import refusal, translated
from executors.errors import (
    AuthError,
    Declined,
    NotFound,
    OutOfCapacity,
    QuotaExceeded,
    ScopedError,
    Transient,
)
from tests.executors.aws.conftest import KEY

SPOT = replace(KEY, market=Market.SPOT)
ZONE = Scope("aws", "us-east-1", "us-east-1b", "m5.large", market=Market.ON_DEMAND)
REGION = Scope("aws", "us-east-1", None, "m5.large", market=Market.ON_DEMAND)


@pytest.mark.parametrize(
    ("code", "kind", "scope"),
    [
        ("InsufficientInstanceCapacity", OutOfCapacity, ZONE),
        ("Unsupported", Declined, ZONE),
        ("InsufficientFreeAddressesInSubnet", Declined, Scope("aws", "us-east-1", "us-east-1b")),
        ("VcpuLimitExceeded", QuotaExceeded, REGION),
        ("InstanceLimitExceeded", QuotaExceeded, REGION),
        ("VolumeLimitExceeded", QuotaExceeded, Scope("aws", "us-east-1")),
        ("OptInRequired", AuthError, Scope("aws", "us-east-1")),
        ("UnauthorizedOperation", AuthError, Scope("aws")),
        ("ExpiredToken", AuthError, Scope("aws")),
        ("SomethingNewAndStrange", Declined, ZONE),
    ],
)
def test_a_refusal_holds_for_what_its_code_says(code: str, kind: type[ScopedError], scope: Scope) -> None:
    error = refusal(code, "words of AWS", KEY)
    assert type(error) is kind
    assert isinstance(error, ScopedError)
    assert error.scope == scope
    assert error.scope.matches(KEY)
    assert "words of AWS" in str(error)
    assert code in str(error)
    assert error.ttl_s > 0


@pytest.mark.parametrize("code", ["InsufficientInstanceCapacity", "MaxSpotInstanceCountExceeded", "Strange"])
def test_what_spot_is_refused_is_not_refused_on_demand(code: str) -> None:
    error = refusal(code, "", SPOT)
    assert isinstance(error, ScopedError)
    assert error.scope.matches(SPOT)
    assert not error.scope.matches(KEY)


def answered(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "words"}}, "RunInstances")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (answered("RequestLimitExceeded"), Transient),
        (answered("InternalError"), Transient),
        (answered("InvalidInstanceID.NotFound"), NotFound),
        (answered("NoSuchEntity"), NotFound),
        (answered("InvalidAMIID.NotFound"), UserError),
        (NoCredentialsError(), AuthError),
        (ReadTimeoutError(endpoint_url="https://ec2"), Transient),
    ],
)
def test_what_the_sdk_raises_comes_out_as_ours(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind), translated(KEY):
        raise error


def test_an_error_that_is_not_of_aws_passes() -> None:
    with pytest.raises(KeyError), translated(KEY):
        raise KeyError
