"""Who may reach a machine: logins from where the user is, ports that were asked for, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from executors.aws.network import groups_for, network, open_logins
from executors.aws.session import client
from executors.errors import OutOfCapacity
from tests.clouds.ec2.cloud import Cloud
from tests.executors.aws.conftest import request


def rules(group_id: str) -> set[tuple[Any, ...]]:
    (group,) = client("ec2", "us-east-1").describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    return {
        (rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort"), source)
        for rule in group["IpPermissions"]
        for source in [
            *(each["CidrIp"] for each in rule["IpRanges"]),
            *(each["GroupId"] for each in rule["UserIdGroupPairs"]),
        ]
    }


def test_one_node_without_ports_lets_in_logins_alone(ec2: Cloud) -> None:
    place = network("us-east-1")
    (shared,) = groups_for(request(), place.vpc_id)
    assert rules(shared) == set()
    open_logins("us-east-1")
    open_logins("us-east-1")
    assert rules(shared) == {("tcp", 22, 22, "198.18.0.0/15")}
    assert groups_for(request("dev-2"), place.vpc_id) == [shared]


def test_ports_and_peers_have_a_group_of_the_cluster(ec2: Cloud) -> None:
    place = network("us-east-1")
    wanted = request(num_nodes=2, ports=("8080", "9000-9010"))
    shared, own = groups_for(wanted, place.vpc_id)
    assert groups_for(wanted, place.vpc_id) == [shared, own]
    assert rules(own) == {
        ("tcp", 8080, 8080, "0.0.0.0/0"),
        ("tcp", 9000, 9010, "0.0.0.0/0"),
        ("-1", None, None, own),
    }


def test_every_zone_of_the_default_vpc_has_a_subnet(ec2: Cloud) -> None:
    assert list(network("us-west-2").subnets) == [f"us-west-2{zone}" for zone in "abcd"]


def test_a_region_without_a_vpc_says_how_to_make_one(ec2: Cloud) -> None:
    ec2_client = client("ec2", "us-west-2")
    (vpc,) = ec2_client.describe_vpcs()["Vpcs"]
    for subnet in ec2_client.describe_subnets()["Subnets"]:
        ec2_client.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2_client.delete_vpc(VpcId=vpc["VpcId"])
    with pytest.raises(OutOfCapacity, match="aws ec2 create-default-vpc --region us-west-2"):
        network("us-west-2")
