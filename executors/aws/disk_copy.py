"""The copy of a stopped machine's disk: an image and its snapshot, found again by the tag of a cluster's id.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from catalog.errors import ExecutorError
from executors.aws import tags
from executors.aws.errors import CLOUD, code_of, translated
from executors.aws.session import client
from executors.errors import NotFound, Transient

_LIMIT_S = 3600.0
_PAUSE_S = 5.0


def make(region: str, instance_id: str, marks: dict[str, str]) -> str:
    """Return the image of the machine's disk, once it can be booted; one that has these tags is taken.

    The machine is off. Raises ``Transient`` where EC2 does not finish it in time, and what it says where the
    copy fails; what was begun then is found by its tag.
    """
    image = _find(region, marks[tags.CLUSTER_ID]) or _begin(region, instance_id, marks)
    deadline = time.monotonic() + _LIMIT_S
    while image["State"] == "pending":
        if time.monotonic() > deadline:
            raise Transient(f"{CLOUD}/{region}: {image['ImageId']} is not made within {_LIMIT_S:g} s")
        time.sleep(_PAUSE_S)
        image = _find(region, marks[tags.CLUSTER_ID]) or image
    if image["State"] != "available":
        why = image.get("StateReason", {}).get("Message", image["State"])
        raise ExecutorError(f"{CLOUD}/{region}: the disk of {instance_id} was not copied: {why}")
    found: str = image["ImageId"]
    return found


def left(region: str, cluster_id: str = "") -> dict[str, str]:
    """Return the images and snapshots of a copy (all of this user's for ``""``), each with its cluster id."""
    ec2, wanted = client("ec2", region), tags.filters(cluster_id)
    with translated():
        images = ec2.describe_images(Owners=["self"], Filters=wanted)["Images"]
        pages = ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], Filters=wanted)
        snapshots = [each for page in pages for each in page["Snapshots"]]
    found = [(each["ImageId"], each) for each in images] + [(each["SnapshotId"], each) for each in snapshots]
    return {name: tags.read(each["Tags"])[tags.CLUSTER_ID] for name, each in found}


def remove(region: str, cluster_id: str) -> None:
    """Remove the copy, first the image, which holds its snapshot; gone already is success."""
    ec2 = client("ec2", region)
    for name in left(region, cluster_id):
        with suppress(NotFound), translated():
            if name.startswith("ami-"):
                ec2.deregister_image(ImageId=name)
            else:
                ec2.delete_snapshot(SnapshotId=name)


def _begin(region: str, instance_id: str, marks: dict[str, str]) -> Any:
    """Begin the image. Its name is taken where an answer was lost: then it was begun before."""
    from botocore.exceptions import ClientError

    name = f"sky-{marks[tags.CLUSTER_ID]}"
    with translated():
        try:
            client("ec2", region).create_image(
                InstanceId=instance_id,
                Name=name,
                Description=f"The disk of {instance_id}, for a cluster that starts from it",
                TagSpecifications=tags.specification(["image", "snapshot"], marks),
            )
        except ClientError as error:
            if code_of(error) != "InvalidAMIName.Duplicate":
                raise
    return {"State": "pending", "ImageId": name}


def _find(region: str, cluster_id: str) -> Any:
    """Return the image with the tag; ``None`` where EC2 lists none, or none yet."""
    with translated():
        answer = client("ec2", region).describe_images(Owners=["self"], Filters=tags.filters(cluster_id))
    return next(iter(answer["Images"]), None)
