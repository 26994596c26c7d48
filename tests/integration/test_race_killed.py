"""A launcher killed in a race leaves nothing that has no record, and the next launch leaves one cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from executors import registry
from executors.agent import processes
from executors.local.provisioner import marker_of
from sky import core
from sky.control.state import open_store
from sky.statuses import ClusterStatus
from tests.integration.killed_at import RACERS, RACING_CLOUDS, racing_clouds, racing_task
from tests.integration.test_sigkill import NAME, killed

QUICK = [
    ("sky.control.state:Store.add", "after", 1),
    ("executors.fake.provisioner:FakeProvisioner.create", "after", 2),
    ("sky.control.state:Store.rename", "after", 1),
]
STEPS = [
    ("sky.control.state:Store.add", "before", 1),
    ("sky.control.state:Store.add", "after", RACERS),
    ("executors.fake.provisioner:FakeProvisioner.create", "before", 1),
    ("executors.fake.provisioner:FakeProvisioner.create", "after", 1),
    ("executors.fake.provisioner:FakeProvisioner.create", "after", RACERS),
    ("sky.control.state:Store.update", "after", 1),
    ("sky.control.state:Store.update", "after", RACERS),
    ("executors.lifecycle:ensure_agent", "before", 1),
    ("executors.lifecycle:ensure_agent", "after", 1),
    ("sky.control.state:Store.rename", "before", 1),
    ("executors.fake.provisioner:FakeProvisioner.delete", "before", 1),
    ("executors.fake.provisioner:FakeProvisioner.delete", "after", 1),
    ("sky.control.state:Store.close", "before", 1),
    ("sky.control.state:Store.close", "after", 1),
    ("sky.control.ssh_config:add", "before", 1),
]


def _id(step: tuple[str, str, int]) -> str:
    target, moment, nth = step
    return f"{target.rpartition(':')[2]}-{moment}-{nth}"


@pytest.fixture(autouse=True)
def _clouds() -> Iterator[None]:
    racing_clouds()
    yield
    for record in open_store().records():
        core.down(record.name)
    for name in RACING_CLOUDS:
        registry.unregister(name)


def existing() -> set[str]:
    return {view.cluster_id for name in RACING_CLOUDS for view in registry.load(name).provisioner.list()}


def recorded() -> set[str]:
    return {record.cluster_id for record in open_store().records()}


def assert_all_can_be_removed(home: Path) -> None:
    ids = existing()
    assert ids <= recorded(), "something exists without a record"
    core.status(refresh=True)
    assert ids <= recorded(), "a refresh forgot what exists"
    for cluster in core.status():
        core.down(cluster["name"])
    assert (existing(), recorded()) == (set(), set())
    for folder in (home / ".sky" / name / each for name in RACING_CLOUDS for each in ids):
        assert processes.marked(marker_of(folder)) == []


def assert_a_launch_leaves_one(home: Path) -> None:
    before = existing()
    _, handle = core.launch(racing_task(), NAME, race=RACERS)
    assert handle is not None
    assert existing() == recorded() == {handle.cluster_id}
    (row,) = core.status()
    assert (row["name"], row["status"]) == (NAME, ClusterStatus.UP)
    for folder in (home / ".sky" / name / each for name in RACING_CLOUDS for each in before):
        if folder.name != handle.cluster_id:
            assert processes.marked(marker_of(folder)) == []


@pytest.mark.parametrize("step", QUICK, ids=_id)
def test_what_a_killed_race_left_is_seen_and_removed(
    step: tuple[str, str, int], home: Path, tmp_path: Path
) -> None:
    killed("race", step, tmp_path)
    assert_all_can_be_removed(home)


def test_after_a_killed_race_a_launch_leaves_one_cluster(home: Path, tmp_path: Path) -> None:
    killed("race", QUICK[1], tmp_path)
    assert_a_launch_leaves_one(home)


@pytest.mark.needs("time")
@pytest.mark.parametrize("again", [False, True], ids=["down", "again"])
@pytest.mark.parametrize("step", [*QUICK, *STEPS], ids=_id)
def test_every_step(step: tuple[str, str, int], again: bool, home: Path, tmp_path: Path) -> None:
    killed("race", step, tmp_path)
    if again:
        assert_a_launch_leaves_one(home)
    else:
        assert_all_can_be_removed(home)
