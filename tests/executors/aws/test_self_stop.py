"""The script by which a machine stops its cluster signs as AWS's own SDK does."""

from __future__ import annotations

import ast
import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from executors.aws import self_stop

BODY = b"Action=StopInstances&InstanceId.1=i-1&Version=2016-11-15"
ROLE = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "s3cr3t/+", "Token": "t0k3n=="}


@pytest.mark.parametrize("host", ["ec2.us-east-1.amazonaws.com", "198.18.0.254:8080"])
def test_the_signature_is_the_one_that_botocore_makes(host: str) -> None:
    now = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
    ours = self_stop.signed_headers(host, BODY, "us-east-1", ROLE, now)
    theirs = AWSRequest("POST", f"https://{host}/", data=BODY, headers={**ours})
    del theirs.headers["authorization"]
    theirs.context["timestamp"] = ours["x-amz-date"]
    signer = SigV4Auth(Credentials(*ROLE.values()), "ec2", "us-east-1")
    canonical = signer.canonical_request(theirs)
    signature = signer.signature(signer.string_to_sign(theirs, canonical), theirs)
    assert ours["authorization"].endswith(f"Signature={signature}")
    assert "s3cr3t" not in str(ours)


def test_it_is_written_for_the_oldest_python_that_a_machine_may_have() -> None:
    ast.parse(Path(self_stop.__file__).read_text("utf-8"), feature_version=(3, 8))


def test_it_runs_alone_with_the_standard_library(tmp_path: Path) -> None:
    alone = tmp_path / "self_stop.py"
    alone.write_text(Path(self_stop.__file__).read_text())
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import runpy; runpy.run_path({str(alone)!r})"], check=False
    )
    assert done.returncode == 0
