"""The instances of a cluster: made all or none, found by their tag, listed head first."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from catalog.errors import SkyError
from catalog.offer import Market, OfferKey
from executors.api import NodeRequest
from executors.aws import tags
from executors.aws.disk import root_disk
from executors.aws.errors import CLOUD, code_of, refusal, retry_after_s, translated
from executors.aws.image import Image
from executors.aws.session import client
from executors.errors import Transient

_LIVE = {"pending", "running", "stopping", "stopped"}
_ATTEMPTS, _FIRST_PAUSE_S, _LONGEST_PAUSE_S = 6, 0.5, 8.0
_POLL_S, _LONGEST_POLL_S = 0.3, 4.0
_PROFILE_S = 60.0
"""How long an instance profile may take until EC2 knows it."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance as EC2 describes it; addresses are ``""`` where it has none.

    ``launched_at`` (its last start) and ``changed_at`` (its last start or stop) are in epoch seconds, 0 for
    unknown.
    """

    instance_id: str
    state: str
    public_ip: str
    private_ip: str
    generation: int
    index: int
    zone: str
    why: str
    marks: Mapping[str, str]
    launched_at: int = 0
    changed_at: int = 0

    @property
    def live(self) -> bool:
        """Whether it exists, be it on or off."""
        return self.state in _LIVE


def of_cluster(region: str, cluster_id: str = "") -> list[Instance]:
    """Return the cluster's instances (all of this user's for ``""``), head first, dead ones too."""
    pages = client("ec2", region).get_paginator("describe_instances")
    with translated():
        found = [
            read(each)
            for page in pages.paginate(Filters=tags.filters(cluster_id))
            for reservation in page["Reservations"]
            for each in reservation["Instances"]
        ]
    return sorted(found, key=lambda each: (each.generation, each.index, each.instance_id))


def read(fields: Mapping[str, Any]) -> Instance:
    """Return one instance of an answer of ``DescribeInstances``."""
    marks = tags.read(fields.get("Tags", []))
    reason = fields.get("StateReason", {})
    launched_at = int(fields["LaunchTime"].timestamp()) if "LaunchTime" in fields else 0
    return Instance(
        instance_id=fields["InstanceId"],
        state=fields["State"]["Name"],
        public_ip=fields.get("PublicIpAddress", ""),
        private_ip=fields.get("PrivateIpAddress", ""),
        generation=int(marks.get(tags.GENERATION, "0")),
        index=fields.get("AmiLaunchIndex", 0),
        zone=fields.get("Placement", {}).get("AvailabilityZone", ""),
        why=reason.get("Message", "") or reason.get("Code", ""),
        marks=marks,
        launched_at=launched_at,
        changed_at=max(launched_at, _time_in(fields.get("StateTransitionReason", ""))),
    )


def _time_in(reason: str) -> int:
    """Return the time in ``User initiated (2030-01-02 03:04:05 GMT)``, in epoch seconds; 0 for none."""
    found = re.search(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)", reason)
    return int(datetime.fromisoformat(f"{found[1]}+00:00").timestamp()) if found else 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What instances to make, all that a call needs besides where and how many.

    ``user_data`` holds the private host key and is not in the repr.
    """

    request: NodeRequest
    image: Image
    user_data: str = field(repr=False)
    host_key: str
    groups: Sequence[str]
    profile: str
    efa: bool = False
    reservation_id: str = ""


def run(plan: Plan, subnet: str, zone: str, count: int, generation: int) -> list[str]:
    """Make ``count`` instances, all or none, and return their ids; the same call again makes no more.

    Raises ``OutOfCapacity``, ``QuotaExceeded``, ``AuthError``, and ``Transient`` when it is not known whether
    they were made.
    """
    offer = plan.request.offer
    marks = {
        **tags.of_cluster(plan.request),
        tags.GENERATION: str(generation),
        tags.HOST_KEY: plan.host_key,
    }
    spot = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
    market = {"InstanceMarketOptions": {"MarketType": "spot", "SpotOptions": spot}}
    target = {"CapacityReservationTarget": {"CapacityReservationId": plan.reservation_id}}
    arguments = {
        "ClientToken": _token(plan.request.cluster_id, zone, generation),
        "MinCount": count,
        "MaxCount": count,
        "ImageId": plan.image.image_id,
        "InstanceType": offer.key.instance_type,
        "BlockDeviceMappings": root_disk(plan.image, plan.request.disk_size_gib, plan.request.disk_tier),
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": subnet,
                "Groups": list(plan.groups),
                "DeleteOnTermination": True,
                "AssociatePublicIpAddress": True,
                **({"InterfaceType": "efa"} if plan.efa else {}),
            }
        ],
        "UserData": plan.user_data,
        "IamInstanceProfile": {"Name": plan.profile},
        "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
        "TagSpecifications": tags.specification(["instance", "volume", "network-interface"], marks),
        **({"CapacityReservationSpecification": target} if plan.reservation_id else {}),
        **(market if offer.key.market is Market.SPOT else {"InstanceInitiatedShutdownBehavior": "stop"}),
    }
    # A refusal comes with status 500 too, and the SDK would ask again for what there is none of.
    ec2 = client("ec2", offer.key.region, attempts=1)
    answer = _patiently(lambda: ec2.run_instances(**arguments), offer.key)
    return [each["InstanceId"] for each in answer["Instances"]]


def _token(cluster_id: str, zone: str, generation: int) -> str:
    """Return the name of one making of instances; EC2 takes 64 characters."""
    return hashlib.sha256(f"{cluster_id}/{zone}/{generation}".encode()).hexdigest()


def _patiently(call: Callable[[], Any], key: OfferKey) -> Any:
    """Make the call; again while AWS stumbles, or does not know the instance profile yet."""
    from botocore.exceptions import ClientError

    pause_s, known_by = _FIRST_PAUSE_S, time.monotonic() + _PROFILE_S
    attempt = 0
    while True:
        wait_s = 0.0
        try:
            with translated(key):
                try:
                    return call()
                except ClientError as error:
                    wait_s = retry_after_s(error)
                    if not (_profile_is_new(error) and time.monotonic() < known_by):
                        raise
        except Transient:
            attempt += 1
            if attempt == _ATTEMPTS:
                raise
        time.sleep(max(wait_s, pause_s))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _profile_is_new(error: BaseException) -> bool:
    return code_of(error) == "InvalidParameterValue" and "iamInstanceProfile" in str(error)


def wait(
    region: str, cluster_id: str, done: Callable[[Sequence[Instance]], bool], limit_s: float, what: str
) -> list[Instance]:
    """Look at the cluster's instances until they are as wanted. Raises ``Transient`` after ``limit_s``."""
    deadline, pause_s = time.monotonic() + limit_s, _POLL_S
    while True:
        found = of_cluster(region, cluster_id)
        if done(found):
            return found
        if time.monotonic() > deadline:
            states = ", ".join(f"{each.instance_id} {each.state}" for each in found) or "no instances"
            raise Transient(f"{CLOUD}/{region}: not {what} within {limit_s:g} s: {states}")
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, _LONGEST_POLL_S)


def start(region: str, instance_ids: Sequence[str], key: OfferKey) -> None:
    """Switch instances on again. Raises what ``run`` raises."""
    ec2 = client("ec2", region, attempts=1)
    _patiently(lambda: ec2.start_instances(InstanceIds=list(instance_ids)), key)


def stop(region: str, instance_ids: Sequence[str]) -> None:
    """Switch instances off, their disks kept."""
    with translated():
        client("ec2", region).stop_instances(InstanceIds=list(instance_ids))


def terminate(region: str, instance_ids: Iterable[str]) -> None:
    """End instances and their disks; ended already is success."""
    ids = list(instance_ids)
    if ids:
        with translated():
            client("ec2", region).terminate_instances(InstanceIds=ids)


def ended_because(instance: Instance, key: OfferKey) -> SkyError:
    """Return the error for an instance that did not come to run, by the reason that EC2 gives for its end."""
    code, _, message = instance.why.partition(": ")
    code = code.removeprefix("Server.").removeprefix("Client.")
    return refusal(code, f"instance {instance.instance_id} ended: {message or instance.why}", key)
