"""Where machines stand in the network: the region's VPC, a subnet of the zone, and who may reach them.

Logins come through one group of the VPC that all clusters share. A cluster with ports, or with several nodes
that have to reach each other, has a group of its own besides.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catalog.scope import Scope
from executors.api import NodeRequest
from executors.aws import tags
from executors.aws.errors import CLOUD, code_of, translated
from executors.aws.session import client
from executors.errors import Declined
from executors.vm.ssh_sources import ANYWHERE, ssh_sources

NO_NETWORK_TTL_S = 86400
"""How long a region or zone is left out that has no network for machines."""
SHARED_GROUP = "sky-ssh"
SSH_FROM_ENV = "SKY_AWS_SSH_FROM"
"""Address ranges (``203.0.113.0/24,...``) that logins are let in from, where it is set."""
_DELETE_S, _PAUSE_S = 300.0, 2.0
_IN_USE = {"DependencyViolation", "InvalidGroup.InUse"}


@dataclass(frozen=True, slots=True)
class Network:
    """A VPC and one subnet of it for each zone, in the order of their names."""

    vpc_id: str
    subnets: dict[str, str]


def network(region: str) -> Network:
    """Return the VPC that is tagged ``sky-vpc``, else the default one, and its public subnets.

    Raises ``Declined`` for a region that has neither. The SDK's errors pass as they are.
    """
    ec2 = client("ec2", region)
    for wanted in ({"Name": "tag-key", "Values": ["sky-vpc"]}, {"Name": "is-default", "Values": ["true"]}):
        vpcs = ec2.describe_vpcs(Filters=[wanted])["Vpcs"]
        if vpcs:
            break
    else:
        raise Declined(
            f"{CLOUD}/{region} has no default VPC and none with the tag sky-vpc: aws ec2 create-default-vpc "
            f"--region {region}",
            Scope(CLOUD, region),
            NO_NETWORK_TTL_S,
        )
    vpc_id: str = vpcs[0]["VpcId"]
    pages = ec2.get_paginator("describe_subnets").paginate(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    found = [subnet for page in pages for subnet in page["Subnets"] if subnet["MapPublicIpOnLaunch"]]
    found.sort(key=lambda subnet: (subnet["AvailabilityZone"], not subnet["DefaultForAz"]))
    subnets: dict[str, str] = {}
    for subnet in found:
        subnets.setdefault(subnet["AvailabilityZone"], subnet["SubnetId"])
    if not subnets:
        raise Declined(
            f"{CLOUD}/{region}: no subnet of {vpc_id} gives machines public addresses",
            Scope(CLOUD, region),
            NO_NETWORK_TTL_S,
        )
    return Network(vpc_id, subnets)


def groups_for(request: NodeRequest, vpc_id: str, *, efa: bool = False) -> list[str]:
    """Return the ids of the security groups for the cluster's machines, made where they are missing.

    Nobody can log in before ``open_logins``.
    """
    region = request.offer.key.region
    shared = _group(region, vpc_id, SHARED_GROUP, "Logins to the machines of sky", {"made-by": "sky"})
    if request.num_nodes == 1 and not request.ports:
        return [shared]
    name = f"sky-{request.cluster_id}"
    own = _group(region, vpc_id, name, f"Cluster {request.cluster_name}", tags.of_cluster(request))
    among = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": own}]}
    _allow(region, own, [among, *(_tcp(port, ANYWHERE) for port in request.ports)])
    if efa:
        _allow(region, own, [among], outward=True)
    return [shared, own]


def open_logins(region: str) -> None:
    """Let logins in from where this machine is today, to the machines of all clusters in the region."""
    with translated():
        wanted = [{"Name": "group-name", "Values": [SHARED_GROUP]}]
        is_aws = not os.environ.get("AWS_ENDPOINT_URL")
        rules = [_tcp("22", source) for source in ssh_sources(SSH_FROM_ENV, look=is_aws)]
        for group in client("ec2", region).describe_security_groups(Filters=wanted)["SecurityGroups"]:
            _allow(region, group["GroupId"], rules)


def own_groups(region: str, cluster_id: str = "") -> dict[str, str]:
    """Return the groups of a cluster alone (of all of this user's for ``""``): group id -> cluster id."""
    pages = client("ec2", region).get_paginator("describe_security_groups")
    found = pages.paginate(Filters=tags.filters(cluster_id))
    groups = [group for page in found for group in page["SecurityGroups"]]
    return {group["GroupId"]: tags.read(group["Tags"])[tags.CLUSTER_ID] for group in groups}


def delete_group(region: str, group_id: str, limit_s: float = _DELETE_S) -> bool:
    """Remove a group once no machine uses it any more; gone already is success.

    Returns whether it is gone within ``limit_s``.
    """
    deadline = time.monotonic() + limit_s
    while not _deleted(region, group_id):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def _deleted(region: str, group_id: str) -> bool:
    """Remove a group and return true, or false while it is in use."""
    from botocore.exceptions import ClientError

    try:
        client("ec2", region).delete_security_group(GroupId=group_id)
    except ClientError as error:
        if code_of(error) in _IN_USE:
            return False
        if code_of(error) != "InvalidGroup.NotFound":
            raise
    return True


def _group(region: str, vpc_id: str, name: str, description: str, marks: dict[str, str]) -> str:
    """Return the id of the group of that name in the VPC, made where there is none."""
    from botocore.exceptions import ClientError

    ec2 = client("ec2", region)
    wanted = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": [name]}]
    found = ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]
    if not found:
        try:
            made: str = ec2.create_security_group(
                GroupName=name,
                Description=description,
                VpcId=vpc_id,
                TagSpecifications=tags.specification(["security-group"], marks),
            )["GroupId"]
        except ClientError as error:
            if code_of(error) != "InvalidGroup.Duplicate":
                raise
            found = ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]
        else:
            return made
    group_id: str = found[0]["GroupId"]
    return group_id


def _allow(region: str, group_id: str, rules: Sequence[dict[str, Any]], *, outward: bool = False) -> None:
    """Let in (or out) what ``rules`` say, besides what is let in already."""
    ec2 = client("ec2", region)
    authorize = ec2.authorize_security_group_egress if outward else ec2.authorize_security_group_ingress
    for rule in rules:
        _once(authorize, GroupId=group_id, IpPermissions=[rule])


def _once(authorize: Any, **arguments: Any) -> None:
    from botocore.exceptions import ClientError

    try:
        authorize(**arguments)
    except ClientError as error:
        if code_of(error) != "InvalidPermission.Duplicate":
            raise


def _tcp(ports: str, source: str) -> dict[str, Any]:
    first, _, last = ports.partition("-")
    kind, field = ("Ipv6Ranges", "CidrIpv6") if ":" in source else ("IpRanges", "CidrIp")
    return {
        "IpProtocol": "tcp",
        "FromPort": int(first),
        "ToPort": int(last or first),
        kind: [{field: source}],
    }
