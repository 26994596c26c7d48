"""Clusters found, stopped, started and ended by what AWS alone knows of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog.offer import Market
from executors.api import Handle, NodeState
from executors.aws import intent, removal
from executors.aws.network import own_groups
from executors.aws.provisioner import AwsProvisioner
from executors.errors import CleanupIncomplete, NotFound, OutOfCapacity, Unsupported
from tests.clouds.ec2.cloud import Cloud
from tests.executors.aws.conftest import request

LIVE = ("pending", "running", "stopping", "stopped")
BARE = Handle("aws", "dev-1", "dev")


def test_a_bare_handle_finds_its_cluster_in_any_region_from_any_machine(
    ec2: Cloud, aws: AwsProvisioner
) -> None:
    made = aws.create(request(region="us-west-2", zone="us-west-2a"))
    intent.forget("dev-1")
    assert aws.describe(BARE) == aws.describe(made)
    assert [view.cluster_id for view in aws.list()] == ["dev-1"]
    aws.delete(BARE)
    assert aws.describe(BARE).state is NodeState.GONE
    assert ec2.instances(*LIVE) == []
    assert list(aws.list()) == []
    aws.delete(BARE)


def test_delete_leaves_nothing_on_either_side(ec2: Cloud, aws: AwsProvisioner, home: Path) -> None:
    handle = aws.create(request(num_nodes=2, ports=("8080", "9000-9010")))
    (group,) = own_groups("us-east-1", "dev-1")
    aws.delete(handle)
    assert own_groups("us-east-1", "dev-1") == {}
    assert {call["GroupId"] for call in ec2.calls("DeleteSecurityGroup")} == {group}
    left = [path.name for path in (home / ".sky").rglob("*") if "dev-1" in path.name]
    assert left == []


def test_a_list_holds_this_users_clusters_alone(
    ec2: Cloud, aws: AwsProvisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.create(request("mine"))
    with monkeypatch.context() as other:
        other.setenv("LOGNAME", "somebody-else")
        theirs = aws.create(request("theirs"))
    assert [view.cluster_id for view in aws.list()] == ["mine"]
    assert aws.describe(theirs).state is NodeState.RUNNING


def test_a_cluster_of_which_a_group_alone_is_left_is_listed(ec2: Cloud, aws: AwsProvisioner) -> None:
    aws.create(request(ports=("80",), market=Market.SPOT))
    ec2.interrupt(ec2.instances()[0]["id"])
    (view,) = aws.list()
    assert (view.cluster_id, view.state) == ("dev-1", NodeState.DEGRADED)


def test_other_credentials_have_another_fingerprint(
    ec2: Cloud, aws: AwsProvisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = aws.fingerprint()
    assert aws.fingerprint() == before
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert aws.fingerprint() != before
    assert "secret" not in before


def test_one_cluster_ends_and_the_other_stays(ec2: Cloud, aws: AwsProvisioner) -> None:
    first, second = aws.create(request("dev-1")), aws.create(request("dev-2"))
    aws.delete(first)
    assert aws.describe(second).state is NodeState.RUNNING


def test_what_could_not_be_ended_is_named_with_the_command(ec2: Cloud, aws: AwsProvisioner) -> None:
    handle = aws.create(request())
    ec2.deny("ec2:TerminateInstances")
    (instance,) = ec2.instances()
    command = f"aws ec2 terminate-instances --region us-east-1 --instance-ids {instance['id']}"
    with pytest.raises(CleanupIncomplete, match=command):
        aws.delete(handle)
    ec2.deny()
    aws.delete(handle)


def test_a_group_that_is_still_used_is_named(
    ec2: Cloud, aws: AwsProvisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = aws.create(request(ports=("80",)))
    ec2.fail("DeleteSecurityGroup", "DependencyViolation", times=1_000)
    delete = removal.delete_group
    monkeypatch.setattr(removal, "delete_group", lambda region, group: delete(region, group, limit_s=0.1))
    with pytest.raises(CleanupIncomplete, match="aws ec2 delete-security-group --region us-east-1"):
        aws.delete(handle)


def test_a_cluster_that_ended_itself_is_cleared_away_when_it_is_looked_at(
    ec2: Cloud, aws: AwsProvisioner
) -> None:
    handle = aws.create(request(ports=("80",), market=Market.SPOT))
    ec2.interrupt(ec2.instances()[0]["id"])
    ec2.fail("DeleteSecurityGroup", "DependencyViolation")
    assert aws.describe(handle).state is NodeState.DEGRADED
    assert aws.describe(handle).state is NodeState.GONE
    assert own_groups("us-east-1", "dev-1") == {}


def test_stop_and_start_keep_the_instances(ec2: Cloud, aws: AwsProvisioner) -> None:
    handle = aws.create(request(num_nodes=2))
    ids = {each["id"] for each in ec2.instances()}
    aws.stop(handle)
    aws.stop(handle)
    assert aws.describe(handle).state is NodeState.STOPPED
    handle = aws.start(handle)
    assert aws.start(handle) == handle
    assert aws.describe(handle).state is NodeState.RUNNING
    assert {each["id"] for each in ec2.instances()} == ids


def test_a_start_without_capacity_says_so_and_starts_none(ec2: Cloud, aws: AwsProvisioner) -> None:
    handle = aws.create(request(num_nodes=2))
    aws.stop(handle)
    ec2.fail("StartInstances", "InsufficientInstanceCapacity", status=500)
    with pytest.raises(OutOfCapacity) as caught:
        aws.start(handle)
    assert caught.value.scope.zone == "us-east-1b"
    assert aws.describe(handle).state is NodeState.STOPPED
    assert len(ec2.calls("StartInstances")) == 1


def test_spot_is_not_stopped(ec2: Cloud, aws: AwsProvisioner) -> None:
    handle = aws.create(request(market=Market.SPOT))
    with pytest.raises(Unsupported, match="spot"):
        aws.stop(handle)


def test_what_is_gone_cannot_be_started(ec2: Cloud, aws: AwsProvisioner) -> None:
    handle = aws.create(request())
    aws.delete(handle)
    for verb in (aws.stop, aws.start):
        with pytest.raises(NotFound):
            verb(handle)


def test_a_region_that_this_user_may_not_look_into_holds_nothing_of_theirs(
    ec2: Cloud, aws: AwsProvisioner
) -> None:
    aws.create(request())
    intent.forget("dev-1")
    ec2.fail("DescribeInstances", "UnauthorizedOperation", status=403, region="us-west-2")
    assert aws.describe(BARE).state is NodeState.RUNNING


def test_credentials_are_looked_for_without_asking_anybody(
    ec2: Cloud, aws: AwsProvisioner, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    assert aws.configured()
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    assert not aws.configured()
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text("[default]\n")
    assert aws.configured()
    assert ec2.calls() == []


def test_a_check_names_who_this_is_and_what_is_missing(ec2: Cloud, aws: AwsProvisioner) -> None:
    access = aws.check()
    assert access.enabled, access
    assert access.identity.startswith("arn:aws:")
    assert ec2.instances() == []
    ec2.deny("ec2:RunInstances", "iam:GetInstanceProfile")
    access = aws.check()
    assert not access.enabled
    assert access.detail == "not allowed: ec2:RunInstances, iam:GetInstanceProfile"
    assert access.fix.startswith("aws iam put-user-policy")


def test_credentials_that_aws_does_not_know_are_an_answer(ec2: Cloud, aws: AwsProvisioner) -> None:
    ec2.fail("GetCallerIdentity", "InvalidClientTokenId", status=403)
    access = aws.check()
    assert not access.enabled
    assert access.fix == "aws configure"
