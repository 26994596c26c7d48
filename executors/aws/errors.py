"""From the error codes of AWS to what the caller does next; nothing else knows these codes.

Codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and the troubleshooting
pages of IAM and STS.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from catalog.errors import SkyError, UserError
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

CLOUD = "aws"

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a code means: the error, the fields of the offer that it holds for, for how long."""

    kind: type[ScopedError]
    fields: tuple[str, ...]
    ttl_s: int


_MACHINE = ("region", "zone", "instance_type", "market")
_REGIONAL_MACHINE = ("region", "instance_type", "market")
_NO_CAPACITY = Refusal(OutOfCapacity, _MACHINE, 10 * _MINUTE)
_UNKNOWN = Refusal(Declined, _MACHINE, 10 * _MINUTE)
_NOT_HERE = Refusal(Declined, _MACHINE, _DAY)
_MACHINE_QUOTA = Refusal(QuotaExceeded, _REGIONAL_MACHINE, _HOUR)
_REGION_QUOTA = Refusal(QuotaExceeded, ("region",), _HOUR)
_LOGIN = Refusal(AuthError, (), _HOUR)

_REFUSALS = {
    "InsufficientInstanceCapacity": _NO_CAPACITY,
    "InsufficientHostCapacity": _NO_CAPACITY,
    "InsufficientReservedInstanceCapacity": _NO_CAPACITY,
    "InsufficientCapacity": _NO_CAPACITY,
    "InsufficientCapacityOnHost": _NO_CAPACITY,
    "ReservationCapacityExceeded": _NO_CAPACITY,
    "SpotMaxPriceTooLow": _UNKNOWN,
    "InsufficientFreeAddressesInSubnet": Refusal(Declined, ("region", "zone"), 10 * _MINUTE),
    "Unsupported": _NOT_HERE,
    "UnsupportedOperation": _NOT_HERE,
    "InvalidInstanceType": _NOT_HERE,
    "ParameterNotFound": Refusal(Declined, ("region", "instance_type"), _DAY),
    "InstanceLimitExceeded": _MACHINE_QUOTA,
    "VcpuLimitExceeded": _MACHINE_QUOTA,
    "MaxSpotInstanceCountExceeded": _MACHINE_QUOTA,
    "SpotInstanceCountExceeded": _MACHINE_QUOTA,
    "InsufficientVolumeCapacity": Refusal(OutOfCapacity, ("region", "zone"), 10 * _MINUTE),
    "VolumeLimitExceeded": _REGION_QUOTA,
    "MaxIOPSLimitExceeded": _REGION_QUOTA,
    "VpcLimitExceeded": _REGION_QUOTA,
    "AddressLimitExceeded": _REGION_QUOTA,
    "NetworkInterfaceLimitExceeded": _REGION_QUOTA,
    "SecurityGroupLimitExceeded": _REGION_QUOTA,
    "RulesPerSecurityGroupLimitExceeded": _REGION_QUOTA,
    "LimitExceeded": Refusal(QuotaExceeded, (), _HOUR),
    "OptInRequired": Refusal(AuthError, ("region",), _DAY),
    "PendingVerification": Refusal(AuthError, ("region",), _HOUR),
    "Blocked": _LOGIN,
    "AuthFailure": _LOGIN,
    "UnauthorizedOperation": _LOGIN,
    "AccessDenied": _LOGIN,
    "AccessDeniedException": _LOGIN,
    "ExpiredToken": _LOGIN,
    "ExpiredTokenException": _LOGIN,
    "RequestExpired": _LOGIN,
    "SignatureDoesNotMatch": _LOGIN,
    "InvalidSignatureException": _LOGIN,
    "IncompleteSignature": _LOGIN,
    "InvalidClientTokenId": _LOGIN,
    "UnrecognizedClientException": _LOGIN,
    "MissingAuthenticationToken": _LOGIN,
}

_TRANSIENT = {
    *("InternalError", "InternalFailure", "InternalServiceError", "ServiceUnavailable", "Unavailable"),
    *("RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequests"),
    *("TooManyRequestsException", "EC2ThrottledException", "BandwidthLimitExceeded", "RequestTimeout"),
    *("RequestTimeoutException", "PriorRequestNotComplete", "ConcurrentModification", "ServerInternal"),
}
_USER = {
    *("InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable", "InvalidAMIId.NotFound"),
    *("InvalidBlockDeviceMapping", "TagLimitExceeded", "TagPolicyViolation"),
}

_MEND = {
    "RequestExpired": "set this machine's clock right",
    "SignatureDoesNotMatch": "check the secret key: aws configure",
    "ExpiredToken": "log in again: aws sso login, or whatever gave you these credentials",
    "OptInRequired": "enable the region: aws account enable-region --region-name REGION",
    "VcpuLimitExceeded": "ask for more: aws service-quotas list-service-quotas --service-code ec2",
}


def code_of(error: BaseException) -> str:
    """Return the code in an answer of AWS, ``""`` where it is no such answer."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def refusal(code: str, message: str, key: OfferKey | None) -> SkyError:
    """Return the error for a code that AWS gave, to a request or as the reason why an instance ended.

    One that nobody knows blocks the least: this type in this zone and market, with all that AWS said.
    """
    said = f"{_place(key)}: {message or code} ({code})"
    if code in _TRANSIENT:
        return Transient(said)
    if code in _USER:
        return UserError(said)
    if code.endswith((".NotFound", ".NotFoundException")) or code == "NoSuchEntity":
        return NotFound(said)
    meaning = _REFUSALS.get(code, _UNKNOWN)
    scope = Scope(CLOUD, **{name: getattr(key, name) or None for name in meaning.fields if key is not None})
    advice = _MEND.get(code, "see sky check aws" if meaning.kind is AuthError else "")
    return meaning.kind(said + (f"; {advice}" if advice else ""), scope, meaning.ttl_s)


@contextmanager
def translated(key: OfferKey | None = None) -> Iterator[None]:
    """Raise what AWS and its SDK raise in the block as executors' errors; ``key`` is what was asked for."""
    from botocore import exceptions as sdk
    from botocore import parsers

    try:
        yield
    except sdk.ClientError as error:
        details = error.response.get("Error", {})
        raise refusal(details.get("Code", ""), details.get("Message", ""), key) from error
    except (
        sdk.NoCredentialsError,
        sdk.PartialCredentialsError,
        sdk.CredentialRetrievalError,
        sdk.ProfileNotFound,
        sdk.SSOError,
        sdk.TokenRetrievalError,
    ) as error:
        raise AuthError(
            f"{CLOUD}: {error}; run aws configure, or aws sso login", Scope(CLOUD), _HOUR
        ) from error
    except (sdk.HTTPClientError, sdk.ConnectionError, parsers.ResponseParserError) as error:
        raise Transient(f"{_place(key)}: {error}") from error


def retry_after_s(error: BaseException) -> float:
    """Return how long AWS asks to wait before the next attempt; 0 where it does not say."""
    response: Any = getattr(error, "response", None) or {}
    text = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "")
    return float(text) if text.isdigit() else 0.0


def _place(key: OfferKey | None) -> str:
    if key is None:
        return CLOUD
    market = "" if key.market.value == "on-demand" else f" {key.market.value}"
    return f"{CLOUD}/{key.zone or key.region} {key.instance_type}{market}"
