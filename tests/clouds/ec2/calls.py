"""A request to AWS: whose it is, what it asks for, and whether it was signed by whom it says."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class Call:
    """One call."""

    service: str
    region: str
    action: str
    access_key: str
    parameters: dict[str, str]

    @property
    def zone(self) -> str:
        """The zone that it names."""
        return self.parameters.get("Placement.AvailabilityZone", "")

    @property
    def subnet(self) -> str:
        """The subnet that it names."""
        found = [value for name, value in self.parameters.items() if name.endswith("SubnetId")]
        return found[0] if found else ""

    @property
    def market(self) -> str:
        """``spot`` or ``on-demand``."""
        return self.parameters.get("InstanceMarketOptions.MarketType", "on-demand")

    @property
    def reservation(self) -> str:
        """The capacity reservation that it is for, ``""`` for none."""
        return self.parameters.get(
            "CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId", ""
        )

    @property
    def instance_ids(self) -> list[str]:
        """The instances that it names."""
        return [value for name, value in self.parameters.items() if name.startswith("InstanceId.")]

    @property
    def snapshot_tags(self) -> dict[str, str]:
        """The tags that it gives to a snapshot."""
        given = self._snapshot_specification()
        names = [name for name in given if name.endswith(".Key")]
        return {given[name]: given[name.removesuffix("Key") + "Value"] for name in names}

    def without_snapshot_tags(self) -> bytes:
        """Return its body without the tags of a snapshot, which moto does not take."""
        given = self._snapshot_specification()
        kept = {name: value for name, value in self.parameters.items() if name not in given}
        return urlencode({"Action": self.action, **kept}).encode()

    def _snapshot_specification(self) -> dict[str, str]:
        kinds = [name for name, value in self.parameters.items() if value == "snapshot"]
        prefixes = tuple(name.removesuffix("ResourceType") for name in kinds if name.endswith("ResourceType"))
        return {name: value for name, value in self.parameters.items() if name.startswith(prefixes or ("-",))}

    @property
    def content(self) -> str:
        """What makes two calls with one client token the same."""
        kept = {name: value for name, value in self.parameters.items() if name != "ClientToken"}
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def read(environ: dict[str, Any], body: bytes) -> Call:
    """Return the call in an HTTP request."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    access_key, region, service = scope.groups() if scope else ("", "us-east-1", "")
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        parameters = {name: str(value) for name, value in json.loads(body or b"{}").items()}
        return Call(service, region, target.rpartition(".")[2], access_key, parameters)
    parameters = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return Call(service, region, parameters.pop("Action", ""), access_key, parameters)


def signed(environ: dict[str, Any], body: bytes, call: Call, secret_key: str, token: str) -> bool:
    """Return whether the request carries the right signature, as botocore computes it."""
    header = environ["HTTP_AUTHORIZATION"]
    names = header.split("SignedHeaders=")[1].split(",")[0].split(";")
    headers = {name: _header(environ, name) for name in names}
    request = AWSRequest("POST", f"http://{environ['HTTP_HOST']}/", data=body, headers=headers)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(call.access_key, secret_key, token), call.service, call.region)
    canonical = signer.canonical_request(request)
    expected = signer.signature(signer.string_to_sign(request, canonical), request)
    return header.endswith(f"Signature={expected}") and headers.get("x-amz-security-token") == token


def _header(environ: dict[str, Any], name: str) -> str:
    plain = name.upper().replace("-", "_")
    return str(environ.get(plain if name in {"content-type", "content-length"} else f"HTTP_{plain}", ""))
