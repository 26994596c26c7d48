"""Instances are made once, all or none, where there are some; what a refusal leaves is nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from catalog.errors import UserError
from catalog.offer import Market
from executors.api import Handle, NodeState
from executors.aws import intent
from executors.aws.network import own_groups
from executors.aws.provisioner import AwsProvisioner
from executors.errors import AuthError, OutOfCapacity, QuotaExceeded, Transient
from executors.transports.address import read_nodes
from tests.clouds.ec2.cloud import Cloud
from tests.executors.aws.conftest import request

LIVE = ("pending", "running", "stopping", "stopped")
PORTS = ("8080",)


def places(ec2: Cloud) -> Counter[str]:
    return Counter(each["zone"] for each in ec2.instances(*LIVE))


def test_a_cluster_is_made_once(ec2: Cloud, aws: AwsProvisioner) -> None:
    first = aws.create(request(num_nodes=2))
    assert aws.create(request(num_nodes=2)) == first
    assert places(ec2) == {"us-east-1b": 2}
    assert len(ec2.calls("RunInstances")) == 1
    assert len(read_nodes(first.data)) == 2
    assert aws.describe(first).state is NodeState.RUNNING


def test_everything_carries_the_cluster_and_the_users_labels(ec2: Cloud, aws: AwsProvisioner) -> None:
    aws.create(replace(request(), labels={"team": "vision"}))
    (tags,) = (each["tags"] for each in ec2.instances())
    assert (tags["sky-cluster-id"], tags["Name"], tags["team"]) == ("dev-1", "dev", "vision")
    (call,) = ec2.calls("RunInstances")
    assert {call[f"TagSpecification.{each}.ResourceType"] for each in (1, 2, 3)} == {
        *("instance", "volume", "network-interface")
    }


@pytest.mark.parametrize(("instance_type", "kind"), [("p4d.24xlarge", "efa"), ("m5.large", None)])
def test_the_best_network_is_a_fabric_where_the_type_has_one(
    instance_type: str, kind: str | None, ec2: Cloud, aws: AwsProvisioner
) -> None:
    wanted = request(num_nodes=2, zone="us-east-1a", instance_type=instance_type)
    aws.create(replace(wanted, network_tier="best"))
    (call,) = ec2.calls("RunInstances")
    assert call.get("NetworkInterface.1.InterfaceType") == kind
    assert len(ec2.calls("AuthorizeSecurityGroupEgress")) == (1 if kind else 0)


def test_a_label_of_ours_is_refused(ec2: Cloud, aws: AwsProvisioner) -> None:
    with pytest.raises(UserError, match="sky-cluster-id"):
        aws.create(replace(request(), labels={"sky-cluster-id": "other"}))
    assert ec2.instances() == []


def test_no_instance_is_left_where_one_is_missing(ec2: Cloud, aws: AwsProvisioner) -> None:
    ec2.capacity(1, zone="us-east-1b")
    with pytest.raises(OutOfCapacity, match=r"us-east-1b m5\.large") as caught:
        aws.create(request(num_nodes=2))
    assert caught.value.scope.zone == "us-east-1b"
    assert ec2.instances(*LIVE) == []
    assert own_groups("us-east-1", "dev-1") == {}
    assert len(ec2.calls("RunInstances")) == 1


def test_without_a_zone_the_next_one_is_tried(ec2: Cloud, aws: AwsProvisioner) -> None:
    for zone in "ab":
        ec2.capacity(0, zone=f"us-east-1{zone}")
    aws.create(request(zone=""))
    assert places(ec2) == {"us-east-1c": 1}


def test_without_a_zone_a_region_that_has_none_is_refused_whole(ec2: Cloud, aws: AwsProvisioner) -> None:
    ec2.capacity(0, instance_type="m5.large")
    with pytest.raises(OutOfCapacity) as caught:
        aws.create(request(zone=""))
    assert (caught.value.scope.region, caught.value.scope.zone) == ("us-east-1", None)


def test_a_zone_without_a_subnet_is_refused(ec2: Cloud, aws: AwsProvisioner) -> None:
    with pytest.raises(OutOfCapacity, match="no public subnet"):
        aws.create(request(zone="us-east-1z"))


@pytest.mark.parametrize("limit", [0, 1])
def test_a_quota_refuses_the_region(limit: int, ec2: Cloud, aws: AwsProvisioner) -> None:
    ec2.quota("us-east-1", limit)
    with pytest.raises(QuotaExceeded) as caught:
        aws.create(request(num_nodes=2))
    assert (caught.value.scope.zone, caught.value.scope.region) == (None, "us-east-1")
    assert ec2.instances(*LIVE) == []


def test_spot_is_asked_for_and_refused_by_itself(ec2: Cloud, aws: AwsProvisioner) -> None:
    ec2.capacity(0, market="spot")
    with pytest.raises(OutOfCapacity) as caught:
        aws.create(request(market=Market.SPOT))
    assert caught.value.scope.market is Market.SPOT
    aws.create(request())
    assert [each["market"] for each in ec2.instances(*LIVE)] == ["on-demand"]


def test_a_lost_answer_makes_no_second_cluster(ec2: Cloud, aws: AwsProvisioner) -> None:
    ec2.fail("RunInstances", "", after=True)
    aws.create(request())
    assert len(ec2.calls("RunInstances")) == 2
    assert len(ec2.instances()) == 1


def test_stumbling_is_waited_out_as_long_as_aws_asks(ec2: Cloud, aws: AwsProvisioner) -> None:
    ec2.fail("RunInstances", "RequestLimitExceeded", status=503, headers={"Retry-After": "1"})
    ec2.fail("RunInstances", "InternalError", status=500)
    aws.create(request())
    first, second, _ = (float(call["at"]) for call in ec2.calls("RunInstances"))
    assert second - first >= 1


def test_a_new_instance_that_is_not_listed_yet_is_waited_for(ec2: Cloud, aws: AwsProvisioner) -> None:
    ec2.timing(unlisted_s=0.5)
    handle = aws.create(request())
    assert aws.describe(handle).state is NodeState.RUNNING
    assert len(ec2.instances()) == 1


def test_after_a_call_without_an_end_the_same_call_goes_on(ec2: Cloud, aws: AwsProvisioner) -> None:
    ec2.fail("RunInstances", "", after=True, times=6)
    ec2.timing(unlisted_s=0.5)
    with pytest.raises(Transient):
        aws.create(request())
    aws.create(request())
    assert len(ec2.instances()) == 1


def test_what_was_asked_for_a_moment_ago_is_found_and_ended_by_its_id(
    ec2: Cloud, aws: AwsProvisioner
) -> None:
    ec2.fail("RunInstances", "", after=True, times=6)
    ec2.timing(unlisted_s=0.5)
    with pytest.raises(Transient):
        aws.create(request())
    aws.delete(Handle("aws", "dev-1", "dev"))
    assert ec2.instances(*LIVE) == []
    assert intent.read("dev-1") is None


def test_a_lost_spot_node_is_made_again_beside_the_others(ec2: Cloud, aws: AwsProvisioner) -> None:
    spot = request(num_nodes=2, market=Market.SPOT)
    handle = aws.create(spot)
    ec2.interrupt(ec2.instances()[1]["id"])
    view = aws.describe(handle)
    assert view.state is NodeState.DEGRADED
    assert "Spot instance termination" in view.reason
    again = aws.create(spot)
    assert read_nodes(again.data)[0] == read_nodes(handle.data)[0]
    assert len(ec2.instances(*LIVE)) == 2
    assert aws.describe(again).state is NodeState.RUNNING


def test_a_cluster_that_was_taken_back_whole_is_made_anew_under_its_id(
    ec2: Cloud, aws: AwsProvisioner
) -> None:
    spot = request(market=Market.SPOT)
    handle = aws.create(spot)
    ec2.interrupt(ec2.instances()[0]["id"])
    assert aws.describe(handle).state is NodeState.GONE
    aws.create(spot)
    assert len(ec2.instances(*LIVE)) == 1


def test_an_instance_that_ends_before_it_runs_is_a_refusal(ec2: Cloud, aws: AwsProvisioner) -> None:
    ec2.timing(stillborn=3)
    with pytest.raises(OutOfCapacity, match="ended: Insufficient capacity"):
        aws.create(request(ports=PORTS))
    assert ec2.instances(*LIVE) == []
    assert own_groups("us-east-1", "dev-1") == {}


def test_who_may_not_is_told_what_it_was(ec2: Cloud, aws: AwsProvisioner) -> None:
    ec2.deny("ec2:RunInstances")
    with pytest.raises(AuthError, match="ec2:RunInstances"):
        aws.create(request())


def test_a_role_that_aws_does_not_know_everywhere_yet_is_waited_for(ec2: Cloud, aws: AwsProvisioner) -> None:
    said = (
        "Value (sky-instance) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile"
    )
    ec2.fail("RunInstances", "InvalidParameterValue", message=said, times=2)
    aws.create(request())
    assert len(ec2.calls("RunInstances")) == 3
