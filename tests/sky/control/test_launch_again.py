"""A cluster, and the tasks that are launched on it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

import sky
from executors import registry
from executors.api import Capability
from sky import core
from sky.exceptions import ResourcesMismatchError
from tests.sky.control.fake_infra import FakeCloud


@pytest.fixture
def aws() -> Iterator[FakeCloud]:
    cloud = FakeCloud("aws")
    registry.register("aws", lambda: replace(cloud.executor(), capabilities=frozenset(Capability)))
    yield cloud
    registry.unregister("aws")


def task(**resources: object) -> sky.Task:
    asked = sky.Resources(infra="aws/us-east-1", cpus=2, **resources)  # type: ignore[arg-type]
    return sky.Task(name="train", run="true").set_resources(asked)


@pytest.mark.parametrize(
    ("field", "asked", "other"),
    [
        ("image_id", "docker:team/tool", "docker:team/other"),
        ("image_id", "ami-0123", "ami-4567"),
        ("image_id", {"us-east-1": "ami-0123", "us-east-2": "ami-89ab"}, "ami-4567"),
        ("disk_tier", "medium", "high"),
    ],
)
def test_a_cluster_is_right_for_the_task_that_made_it_and_not_for_one_that_asks_for_something_else(
    aws: FakeCloud, field: str, asked: object, other: object
) -> None:
    for again in ({field: asked}, {field: asked}, {}):
        core.launch(task(**again), "dev")
    core.exec(task(**{field: asked}), "dev")
    with pytest.raises(ResourcesMismatchError, match="does not satisfy"):
        core.launch(task(**{field: other}), "dev")
    assert len(aws.existing) == 1


def test_a_cluster_without_an_image_of_the_users_is_not_right_for_one(aws: FakeCloud) -> None:
    core.launch(task(), "dev")
    with pytest.raises(ResourcesMismatchError, match="does not satisfy"):
        core.launch(task(image_id="docker:team/tool"), "dev")
    assert len(aws.existing) == 1
