"""``docker.run_options`` from a task, or the configuration, to those who run its containers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import sky
from executors import registry
from executors.api import Capability
from sky import core
from sky.exceptions import ResourcesMismatchError, SpecError
from tests.sky.control.fake_infra import FakeCloud


@pytest.fixture
def aws() -> Iterator[FakeCloud]:
    cloud = FakeCloud("aws")
    registry.register("aws", lambda: replace(cloud.executor(), capabilities=frozenset(Capability)))
    yield cloud
    registry.unregister("aws")


def task(run_options: object = None) -> sky.Task:
    config = {} if run_options is None else {"config": {"docker": {"run_options": run_options}}}
    resources = {"infra": "aws/us-east-1", "cpus": 2, "image_id": "docker:team/tool"}
    return sky.Task.from_yaml_config({"name": "train", "run": "true", "resources": resources, **config})


def test_a_tasks_options_reach_its_containers_and_those_made_again(aws: FakeCloud) -> None:
    core.launch(task("--shm-size=2g --label 'a b'"), "dev")
    core.stop("dev")
    core.start("dev")
    assert [request.docker_run_options for request in aws.requests] == [
        ("--shm-size=2g", "--label", "a b"),
        ("--shm-size=2g", "--label", "a b"),
    ]


def test_the_configurations_options_stand_where_the_task_has_none(aws: FakeCloud, home: Path) -> None:
    file = home / ".sky" / "config.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("docker: {run_options: [--privileged, '-v /a:/b']}\n")
    core.launch(task(), "first")
    core.launch(task("--init"), "second")
    core.launch(task([]), "third")
    assert [request.docker_run_options for request in aws.requests] == [
        ("--privileged", "-v", "/a:/b"),
        ("--init",),
        (),
    ]


def test_a_cluster_whose_containers_have_other_options_is_not_right_for_the_task(aws: FakeCloud) -> None:
    core.launch(task("--init --label 'a b'"), "dev")
    core.launch(task(["--init", "--label 'a b'"]), "dev")
    core.exec(task(), "dev")
    with pytest.raises(ResourcesMismatchError, match="run_options --init --label 'a b', and the task asks"):
        core.exec(task("--privileged"), "dev")


def test_options_that_are_set_in_python_are_checked_before_anything_is_made(aws: FakeCloud) -> None:
    wrong = task()
    wrong.config = {"docker": {"run_options": ["--name mine"]}}
    with pytest.raises(SpecError, match=r"docker\.run_options: --name cannot be given"):
        core.launch(wrong, "dev")
    assert aws.requests == []
