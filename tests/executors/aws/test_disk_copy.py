"""The copy of a stopped cluster's disk: an image and a snapshot, found by their tag and removed by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.scope import Scope
from executors.api import Handle, NodeState
from executors.aws import disk_copy, intent
from executors.aws.provisioner import AwsProvisioner
from executors.aws.session import client
from executors.errors import NotFound
from tests.clouds.ec2.cloud import Cloud
from tests.executors.aws.conftest import request
from tests.executors.aws.test_killed import killed

COPY = Handle("aws", "new-1", "new")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_copy, "_PAUSE_S", 0.02)


@pytest.fixture
def stopped(ec2: Cloud, aws: AwsProvisioner) -> Handle:
    """A cluster of two nodes that stops right now."""
    handle = aws.create(request(num_nodes=2))
    aws.stop(handle)
    return handle


def held() -> tuple[int, int]:
    """How many images and snapshots there are that are ours."""
    kinds = [name.partition("-")[0] for name in disk_copy.left("us-east-1")]
    return kinds.count("ami"), kinds.count("snap")


def test_a_copy_is_of_the_heads_disk_once_for_an_id_and_bootable(
    ec2: Cloud, aws: AwsProvisioner, stopped: Handle
) -> None:
    image = aws.copy_disk(stopped, "new-1")
    assert aws.copy_disk(stopped, "new-1") == image
    (call,) = ec2.calls("CreateImage")
    head = next(each for each in ec2.instances() if each["tags"]["sky-generation"] == "0")
    assert call["InstanceId"] == head["id"]
    (made,) = client("ec2", "us-east-1").describe_images(ImageIds=[image])["Images"]
    assert made["State"] == "available"
    assert aws.reach_of_copy(stopped) == Scope("aws", "us-east-1")


def test_a_copy_is_seen_and_removed_by_its_id_alone(ec2: Cloud, aws: AwsProvisioner, stopped: Handle) -> None:
    image = aws.copy_disk(stopped, "new-1")
    assert held() == (1, 1)
    assert aws.describe(COPY).state is NodeState.DEGRADED
    assert image in aws.describe(COPY).reason
    assert [view.cluster_id for view in aws.list()] == ["dev-1", "new-1"]
    aws.delete(COPY)
    aws.delete(COPY)
    assert held() == (0, 0)
    assert aws.describe(COPY).state is NodeState.GONE
    assert aws.describe(stopped).state is NodeState.STOPPED


def test_a_copy_that_was_begun_when_its_answer_was_lost_is_taken(
    ec2: Cloud, aws: AwsProvisioner, stopped: Handle
) -> None:
    ec2.fail("CreateImage", "", after=True)
    aws.copy_disk(stopped, "new-1")
    assert held() == (1, 1)


@pytest.mark.needs("time")
def test_a_kill_after_any_call_of_a_copy(
    ec2: Cloud, aws: AwsProvisioner, stopped: Handle, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intent, "SETTLE_S", 1.0)
    number = 1
    while killed(lambda: aws.copy_disk(stopped, COPY.cluster_id), number):
        aws.delete(COPY)
        assert held() == (0, 0)
        assert [path.name for path in (home / ".sky").rglob("*") if COPY.cluster_id in path.name] == []
        number += 1
    assert held() == (1, 1)
    assert number > 3


def test_a_snapshot_that_a_kill_left_without_its_image_is_removed(
    ec2: Cloud, aws: AwsProvisioner, stopped: Handle
) -> None:
    image = aws.copy_disk(stopped, "new-1")
    client("ec2", "us-east-1").deregister_image(ImageId=image)
    assert held() == (0, 1)
    aws.delete(COPY)
    assert held() == (0, 0)


def test_there_is_nothing_to_copy_of_a_cluster_that_is_gone(ec2: Cloud, aws: AwsProvisioner) -> None:
    handle = aws.create(request())
    aws.delete(handle)
    with pytest.raises(NotFound):
        aws.copy_disk(handle, "new-1")
    assert ec2.calls("CreateImage") == []
