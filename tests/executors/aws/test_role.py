"""The role of machines: made once, and again where its making was broken off."""

from __future__ import annotations

import json

import pytest

from executors.aws.role import NAME, POLICY, instance_profile
from executors.aws.session import client
from executors.errors import AuthError
from tests.clouds.ec2.cloud import Cloud


def test_the_role_may_end_our_instances_and_nothing_else(ec2: Cloud) -> None:
    assert instance_profile() == NAME
    iam = client("iam")
    policy = iam.get_role_policy(RoleName=NAME, PolicyName=NAME)["PolicyDocument"]
    assert policy == json.loads(json.dumps(POLICY))
    (statement,) = policy["Statement"]
    assert statement["Action"] == ["ec2:StopInstances", "ec2:TerminateInstances"]
    assert "sky-cluster-id" in str(statement["Condition"])


@pytest.mark.parametrize("step", ["PutRolePolicy", "CreateInstanceProfile", "AddRoleToInstanceProfile"])
def test_a_making_that_was_broken_off_is_completed(step: str, ec2: Cloud) -> None:
    ec2.deny(f"iam:{step}")
    with pytest.raises(AuthError, match=step):
        instance_profile()
    ec2.deny()
    instance_profile()
    (role,) = client("iam").get_instance_profile(InstanceProfileName=NAME)["InstanceProfile"]["Roles"]
    assert role["RoleName"] == NAME


def test_it_is_made_once(ec2: Cloud) -> None:
    instance_profile()
    instance_profile()
    assert len(ec2.calls("CreateRole")) == 1


def test_who_may_not_make_it_is_told(ec2: Cloud) -> None:
    ec2.deny("iam:CreateRole")
    with pytest.raises(AuthError, match="iam:CreateRole"):
        instance_profile()
