"""Whether AWS can be used from here: credentials, and every right that clusters need."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catalog.errors import SkyError
from executors.api import Access
from executors.aws.errors import code_of, translated
from executors.aws.session import client, installed
from executors.errors import Transient

_VARIABLES = (
    *("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)
_REFUSED = {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}


def configured() -> bool:
    """Return whether the SDK is there and credentials seem to be: by variables and files, without asking."""
    hinted = any(os.environ.get(name) for name in _VARIABLES)
    return (hinted or any(path.is_file() for path in _files())) and installed()


def fingerprint() -> str:
    """Return names and change times of what leads to the credentials; nothing of it is a secret."""
    named = [f"{name}={os.environ.get(name, '')}" for name in (*_VARIABLES, "AWS_ENDPOINT_URL")]
    changed = [f"{path}={path.stat().st_mtime_ns}" for path in _files() if path.is_file()]
    return hashlib.sha256("\n".join([*named, *changed]).encode()).hexdigest()


def _files() -> list[Path]:
    names = (
        os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials",
        os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config",
    )
    return [Path(name).expanduser() for name in names]


def access() -> Access:
    """Ask AWS who this is, and by dry runs what is missing. Raises ``Transient`` where it does not answer."""
    try:
        with translated():
            identity = lasting(client("sts").get_caller_identity()["Arn"])
            missing = list(_missing())
    except Transient:
        raise
    except SkyError as error:
        return Access(enabled=False, detail=str(error), fix="aws configure")
    if not missing:
        return Access(enabled=True, identity=identity)
    user = identity.rpartition("/")[2]
    return Access(
        enabled=False,
        identity=identity,
        detail=f"not allowed: {', '.join(missing)}",
        fix=f"aws iam put-user-policy --user-name {user} --policy-name sky "
        f"--policy-document file://sky-policy.json (the policy stands in docs/aws.md)",
    )


def lasting(arn: str) -> str:
    """Return the ARN without the name of a role's session, which is another one after each login."""
    return arn.rpartition("/")[0] if ":assumed-role/" in arn else arn


def _missing() -> Iterator[str]:
    """Yield the actions that are refused; a dry run has no effect and costs nothing.

    The right to end instances that carry our tag cannot be tried before there is one.
    """
    ec2, iam, ssm = client("ec2"), client("iam"), client("ssm")
    machine = {"ImageId": "ami-00000000000000000", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    group = {"GroupName": "sky-check", "Description": "A dry run"}
    parameter = "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"
    questions: tuple[tuple[str, Any, dict[str, Any]], ...] = (
        ("ec2:DescribeRegions", ec2.describe_regions, {"DryRun": True}),
        ("ec2:DescribeInstances", ec2.describe_instances, {"DryRun": True}),
        ("ec2:DescribeImages", ec2.describe_images, {"DryRun": True, "Owners": ["self"]}),
        ("ec2:DescribeSnapshots", ec2.describe_snapshots, {"DryRun": True, "OwnerIds": ["self"]}),
        ("ec2:DescribeVpcs", ec2.describe_vpcs, {"DryRun": True}),
        ("ec2:DescribeSubnets", ec2.describe_subnets, {"DryRun": True}),
        ("ec2:DescribeSecurityGroups", ec2.describe_security_groups, {"DryRun": True}),
        ("ec2:CreateSecurityGroup", ec2.create_security_group, {"DryRun": True, **group}),
        ("ec2:RunInstances", ec2.run_instances, {"DryRun": True, **machine}),
        ("ssm:GetParameter", ssm.get_parameter, {"Name": parameter}),
        ("iam:GetInstanceProfile", iam.get_instance_profile, {"InstanceProfileName": "sky-instance"}),
    )
    for action, ask, arguments in questions:
        if _is_refused(ask, arguments):
            yield action


def _is_refused(ask: Any, arguments: dict[str, Any]) -> bool:
    from botocore.exceptions import ClientError

    try:
        ask(**arguments)
    except ClientError as error:
        return code_of(error) in _REFUSED
    return False
