"""Stop or terminate the machines of a cluster, from one of them, by its role. Runs on the machine itself.

Standard library alone, Python 3.8 or newer:  self_stop.py stop|down REGION ENDPOINT INSTANCE-ID...

The credentials of the role come from the metadata address (IMDSv2); the call is signed as
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html says.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

_METADATA = "http://169.254.169.254"
_CREDENTIALS = "/latest/meta-data/iam/security-credentials/"
_ACTIONS = {"stop": "StopInstances", "down": "TerminateInstances"}
_VERSION = "2016-11-15"
_ATTEMPTS, _PAUSE_S, _TIMEOUT_S = 5, 2.0, 20
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> int:
    """Ask EC2, some times; where a stop is refused, power this machine off, which stops it too."""
    verb, region, endpoint, *instance_ids = sys.argv[1:]
    query = {"Action": _ACTIONS[verb], "Version": _VERSION}
    query.update({f"InstanceId.{number}": each for number, each in enumerate(instance_ids, 1)})
    error = None
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_S * attempt)
        try:
            _ask(endpoint, urllib.parse.urlencode(sorted(query.items())).encode(), region, _credentials())
        except urllib.error.HTTPError as refused:
            error = f"{refused}: {refused.read().decode(errors='replace')}"
        except (OSError, ValueError) as failed:
            error = str(failed)
        else:
            return 0
    sys.stderr.write(f"EC2 was not told to {verb}: {error}\n")
    if verb == "stop" and shutil.which("sudo"):  # which a container, that has no power switch, may lack
        return subprocess.call(["sudo", "-n", "shutdown", "-h", "now"])
    return 1


def _credentials() -> Any:
    token = _metadata("/latest/api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    headers = {"X-aws-ec2-metadata-token": token}
    role = _metadata(_CREDENTIALS, "GET", headers).split()[0]
    return json.loads(_metadata(_CREDENTIALS + role, "GET", headers))


def _metadata(path: str, method: str, headers: dict[str, str]) -> str:
    request = urllib.request.Request(_METADATA + path, headers=headers, method=method)  # noqa: S310
    with _DIRECT.open(request, timeout=_TIMEOUT_S) as answer:
        text: str = answer.read().decode()
        return text


def _ask(endpoint: str, body: bytes, region: str, credentials: Any) -> None:
    now = dt.datetime.now(dt.timezone.utc)
    headers = signed_headers(urllib.parse.urlsplit(endpoint).netloc, body, region, credentials, now)
    request = urllib.request.Request(endpoint, data=body, headers=headers, method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
        answer.read()


def signed_headers(host: str, body: bytes, region: str, credentials: Any, now: dt.datetime) -> dict[str, str]:
    """Return the headers of a POST of ``body`` to EC2 at ``host``, signed with the credentials of a role."""
    day, moment = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": host,
        "x-amz-date": moment,
        "x-amz-security-token": credentials["Token"],
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join(["POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()])
    scope = f"{day}/{region}/ec2/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = ("AWS4" + credentials["SecretAccessKey"]).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, digest])
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"{credentials['AccessKeyId']}/{scope}"
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


if __name__ == "__main__":
    sys.exit(main())
