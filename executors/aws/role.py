"""The role by which machines stop and remove themselves: one for the account, with that right alone."""

from __future__ import annotations

import json
from typing import Any

from executors.aws import tags
from executors.aws.errors import code_of, translated
from executors.aws.session import client

NAME = "sky-instance"
_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["ec2:StopInstances", "ec2:TerminateInstances"],
            "Resource": "*",
            "Condition": {
                "Null": {f"aws:ResourceTag/{tags.CLUSTER_ID}": "false"},
                "ArnLike": {"ec2:InstanceProfile": f"arn:*:iam::*:instance-profile/{NAME}"},
            },
        }
    ],
}
"""Stop and terminate instances that carry our tag and this very role; nothing else."""


def instance_profile() -> str:
    """Return the name of the instance profile, made with its role where it is missing or half made.

    Raises ``AuthError`` for a user who may not make it; docs/aws.md has the commands for one who may.
    """
    with translated():
        iam = client("iam")
        try:
            if iam.get_instance_profile(InstanceProfileName=NAME)["InstanceProfile"]["Roles"]:
                return NAME
        except iam.exceptions.NoSuchEntityException:
            pass
        _make(iam)
    return NAME


def _make(iam: Any) -> None:
    mark = [{"Key": "made-by", "Value": "sky"}]
    _once(iam.create_role, RoleName=NAME, AssumeRolePolicyDocument=json.dumps(_ASSUME), Tags=mark)
    iam.put_role_policy(RoleName=NAME, PolicyName=NAME, PolicyDocument=json.dumps(POLICY))
    _once(iam.create_instance_profile, InstanceProfileName=NAME, Tags=mark)
    _once(iam.add_role_to_instance_profile, InstanceProfileName=NAME, RoleName=NAME)


def _once(make: Any, **arguments: Any) -> None:
    """Make it, unless it is there: somebody else may have been faster, or an earlier call was killed."""
    from botocore.exceptions import ClientError

    try:
        make(**arguments)
    except ClientError as error:
        if code_of(error) not in {"EntityAlreadyExists", "LimitExceeded"}:
            raise
