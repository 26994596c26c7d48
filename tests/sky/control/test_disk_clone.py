"""A launch with ``clone_disk_from``: from what it starts, where it may go, and what is left of the copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

import sky
from catalog.errors import ExecutorError, UserError
from catalog.scope import Scope
from executors import registry
from executors.api import Capability, Executor, Handle, NodeState
from executors.errors import OutOfCapacity
from sky import core
from sky.control.place import offer_scope
from sky.control.state import open_store
from sky.exceptions import ClusterDoesNotExist, NotSupportedError, ResourcesUnavailableError
from tests.sky.control.fake_infra import FakeCloud

IMAGE = "ami-0123456789abcdef0"


@dataclass
class CopyingCloud(FakeCloud):
    """One that can copy disks within a region; ``copies`` has (source, copy) for each that was made."""

    copies: list[tuple[str, str]] = field(default_factory=list)
    copy_failure: BaseException | None = None

    def executor(self) -> Executor:
        able = {Capability.IMAGE, Capability.COPY_DISK}
        return replace(super().executor(), capabilities=super().executor().capabilities | able)

    def reach_of_copy(self, handle: Handle) -> Scope:
        return Scope(self.name, "us-east-1")

    def copy_disk(self, handle: Handle, copy_id: str) -> str:
        assert {record.cluster_id for record in open_store().aside("new")} == {copy_id}
        self.existing[copy_id] = NodeState.DEGRADED
        self.copies.append((handle.cluster_id, copy_id))
        if self.copy_failure:
            raise self.copy_failure
        return IMAGE


@pytest.fixture
def aws() -> Iterator[CopyingCloud]:
    cloud = CopyingCloud("aws", leaves_remains=False)
    registry.register("aws", cloud.executor)
    yield cloud
    registry.unregister("aws")


def task(**resources: object) -> sky.Task:
    return sky.Task(name="train", run="true").set_resources(sky.Resources(**resources))  # type: ignore[arg-type]


@pytest.fixture
def source(aws: CopyingCloud) -> str:
    """The id of the stopped cluster ``old``."""
    core.launch(task(infra="aws/us-east-1", disk_size=100, cpus=4), "old", detach_run=True)
    core.stop("old")
    return next(iter(aws.existing))


def clone(**resources: object) -> None:
    core.launch(task(**resources), "new", clone_disk_from="old", detach_run=True)


def assert_nothing_of_the_copy_is_left(aws: CopyingCloud) -> None:
    assert open_store().aside("new") == []
    assert {copy for _, copy in aws.copies} & set(aws.existing) == set()


def test_the_cluster_starts_from_a_copy_made_once_that_goes_afterwards(
    aws: CopyingCloud, source: str
) -> None:
    aws.on_create = lambda request: (
        aws.failures.append(OutOfCapacity("none", offer_scope(request.offer.key), 60))
        if len(aws.requests) < 4
        else None
    )
    clone(cpus="8+")
    assert [request.image_id for request in aws.requests] == [None, IMAGE, IMAGE, IMAGE]
    assert {request.offer.key.region for request in aws.requests} == {"us-east-1"}
    assert [made for made, _ in aws.copies] == [source]
    assert {record.name for record in open_store().records()} == {"old", "new"}
    assert_nothing_of_the_copy_is_left(aws)


def test_a_cluster_that_runs_is_to_be_stopped_first(aws: CopyingCloud, source: str) -> None:
    core.start("old")
    with pytest.raises(NotSupportedError, match="run: sky stop old"):
        clone()
    with pytest.raises(NotSupportedError, match="run: sky stop old"):
        core.launch(task(), "new", clone_disk_from="old", dryrun=True)
    assert aws.copies == []


def test_what_was_started_outside_is_noticed(aws: CopyingCloud, source: str) -> None:
    aws.existing[source] = NodeState.RUNNING
    with pytest.raises(NotSupportedError, match="old is INIT"):
        clone()


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ({"infra": "gcp"}, "can be used on aws/us-east-1"),
        ({"infra": "aws/us-west-2"}, "can be used on aws/us-east-1"),
        ({"arch": "arm64"}, "x86_64"),
        ({"infra": "aws/us-east-1", "image_id": "ami-1"}, "image_id and clone_disk_from"),
        ({"disk_size": 99}, "ask for --disk-size 100"),
    ],
)
def test_what_the_copy_cannot_be_is_said_before_it_is_made(
    aws: CopyingCloud, source: str, resources: dict[str, object], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        clone(**resources)
    with pytest.raises(UserError, match=words):
        core.launch(task(**resources), "new", clone_disk_from="old", dryrun=True)
    assert aws.copies == []


def test_a_plan_that_goes_nowhere_costs_no_copy(aws: CopyingCloud, source: str) -> None:
    with pytest.raises(ResourcesUnavailableError):
        clone(cpus="100000+")
    assert aws.copies == []


def test_there_is_no_such_cluster_or_the_new_one_is_there(aws: CopyingCloud, source: str) -> None:
    with pytest.raises(ClusterDoesNotExist, match="elsewhere"):
        core.launch(task(), "new", clone_disk_from="elsewhere")
    with pytest.raises(NotSupportedError, match="cluster old exists"):
        core.launch(task(), "old", clone_disk_from="old")


def test_an_infra_that_cannot_copy_says_who_can() -> None:
    core.launch(sky.Task(run="true").set_resources(sky.Resources(infra="local")), "here")
    core.stop("here")
    with pytest.raises(NotSupportedError, match="local does not do that; aws and gcp can"):
        core.launch(task(), "new", clone_disk_from="here")


@pytest.mark.parametrize("failure", [ExecutorError("the disk is odd"), KeyboardInterrupt()])
def test_a_copy_that_fails_is_removed(aws: CopyingCloud, source: str, failure: BaseException) -> None:
    aws.copy_failure = failure
    with pytest.raises(type(failure)):
        clone()
    assert_nothing_of_the_copy_is_left(aws)
    assert len(aws.requests) == 1


def test_a_copy_that_stays_is_told_and_removed_by_the_next_launch(
    aws: CopyingCloud, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    aws.clean_up_failure = ExecutorError("the API is down")
    clone()
    assert "sky down 'new~disk'" in caplog.text
    assert [record.name for record in open_store().aside("new")] == ["new~disk"]
    aws.clean_up_failure = None
    core.launch(task(), "new", detach_run=True)
    assert_nothing_of_the_copy_is_left(aws)
