"""Whom AWS takes us for, in words that stay the same from one login to the next."""

from __future__ import annotations

import pytest

from executors.aws.check import lasting
from executors.aws.provisioner import AwsProvisioner
from executors.errors import Transient


@pytest.mark.parametrize(
    ("arn", "identity"),
    [
        ("arn:aws:iam::123456789012:user/ada", "arn:aws:iam::123456789012:user/ada"),
        ("arn:aws:sts::123456789012:assumed-role/Ops/a@b.c", "arn:aws:sts::123456789012:assumed-role/Ops"),
    ],
)
def test_the_name_of_a_session_is_left_out(arn: str, identity: str) -> None:
    assert lasting(arn) == identity


def test_silence_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")
    with pytest.raises(Transient):
        AwsProvisioner().check()
