"""Task: every rule of its fields and setters."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, List  # noqa: UP035 - users annotate with it

import pytest

import sky
from sky.exceptions import MisuseError, SpecError
from sky.resources import Resources
from sky.service import ServiceSpec
from sky.storage import Storage, StorageMode
from sky.task import Task

OUTSIDE = "outside"


@pytest.mark.parametrize("name", ["a", "a1", "a-b", "a--b", "a.b_c", "A_.b", "7"])
def test_names(name: str) -> None:
    assert Task(name).name == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "a---b", "a b", "a/b", "é", "a\n", 3])
def test_bad_names(name: Any) -> None:
    with pytest.raises(SpecError, match="name: "):
        Task(name)


@pytest.mark.parametrize("num_nodes", [0, -1, 1.0, "2", True])
def test_bad_num_nodes(num_nodes: Any) -> None:
    with pytest.raises(SpecError, match="num_nodes: must be a whole number above 0"):
        Task(num_nodes=num_nodes)
    with pytest.raises(SpecError):
        Task().num_nodes = num_nodes


def test_defaults() -> None:
    task = Task()
    assert task.num_nodes == 1
    assert task.resources == {Resources()}
    assert (task.envs, task.secrets, task.file_mounts, task.storage_mounts) == ({}, {}, None, {})
    assert task.best_resources is None
    assert not task.use_spot
    assert not task.is_controller_task()
    assert task.get_required_cloud_features() == set()
    assert {each.name for each in Task(num_nodes=2).get_required_cloud_features()} == {"MULTI_NODE"}


def test_workdir_must_be_a_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    link = tmp_path / "link"
    link.symlink_to(tmp_path, target_is_directory=True)
    assert Task(workdir=str(link)).workdir == str(link)
    for wrong in (str(file), str(tmp_path / "none"), 3):
        with pytest.raises(SpecError, match="workdir: "):
            Task(workdir=wrong)  # type: ignore[arg-type]


def test_lines_are_joined() -> None:
    task = Task(setup=["a", "b"], run=["c", "d"])
    assert (task.setup, task.run) == ("a\nb", "c\nd")
    with pytest.raises(SpecError, match="setup: must be text or a list of lines"):
        Task(setup=[1])  # type: ignore[list-item]
    with pytest.raises(SpecError, match="run: must be text"):
        Task(run=3)  # type: ignore[arg-type]


def annotated(rank: int, ips: List[str]) -> str | None:  # noqa: UP006
    import json

    return f"echo {rank} {json.dumps(ips)} {len(ips)}"


def nested(rank: int, ips: list[str]) -> str:
    return "".join(sorted(str(each) for each in ips)) + str(rank)


@pytest.mark.parametrize("run", [annotated, nested, lambda rank, ips: f"echo {rank} {max(ips)}"])
def test_self_contained_functions_may_run(run: Callable[[int, list[str]], str | None]) -> None:
    assert Task(run=run).run is run


def uses_a_global(rank: int, ips: list[str]) -> str:
    return OUTSIDE


def uses_a_global_deep_inside(rank: int, ips: list[str]) -> str:
    return ",".join(list(map(lambda ip: ip + OUTSIDE, ips)))  # noqa: C417


def uses_a_nonlocal() -> Callable[[int, list[str]], str]:
    local = "x"
    return lambda rank, ips: local


def wrongly_annotated(rank: str, ips: list[str]) -> str:
    return rank


def also_wrongly_annotated(rank: int, ips: str) -> str:
    return ips


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda: "x", "two parameters"),
        (lambda a, b, c: "x", "two parameters"),
        (wrongly_annotated, "'rank' must be annotated int"),
        (also_wrongly_annotated, r"'ips' must be annotated List\[str\]"),
        (uses_a_global, "uses OUTSIDE from outside"),
        (uses_a_global_deep_inside, "uses OUTSIDE from outside"),
        (uses_a_nonlocal(), "uses local from outside"),
        (print, "function or lambda"),
    ],
)
def test_other_functions_may_not(run: Any, message: str) -> None:
    with pytest.raises(SpecError, match=f"run: .*{message}"):
        Task(run=run)


def test_envs() -> None:
    task = Task(envs={"A": 1}).update_envs([("B", True), ("A", "2")]).update_envs(None)
    assert task.envs == {"A": "2", "B": "True"}
    task.envs["A"] = "changed"
    assert task.envs["A"] == "2"


@pytest.mark.parametrize(
    ("envs", "message"),
    [
        ({"1A": "x"}, "envs.1A: a name has"),
        ({"A-B": "x"}, "a name has"),
        ({1: "x"}, "the name 1 must be text"),
        ([("A", "1"), ("A", "2")], "envs.A: is given twice"),
        ({"A": None}, "--env A=VALUE"),
        ("A=1", "a mapping, or a list"),
        ([("A",)], "a mapping, or a list"),
        ({"SKYPILOT_DOCKER_USERNAME": "me"}, "SKYPILOT_DOCKER_PASSWORD, SKYPILOT_DOCKER_SERVER too"),
    ],
)
def test_bad_envs(envs: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Task(envs=envs)
    task = Task(envs={"KEPT": "1"})
    with pytest.raises(SpecError, match=message):
        task.update_envs(envs)
    assert task.envs == {"KEPT": "1"}


def test_secrets_are_shown_nowhere() -> None:
    task = Task("t", run="true", secrets={"TOKEN": "hunter2"}).update_secrets({"OTHER": "hunter3"})
    assert task.secrets == {"TOKEN": "hunter2", "OTHER": "hunter3"}
    assert "hunter" not in repr(task) + str(task) + str(task.to_yaml_config(redact_secrets=True))
    for wrong in ({"bad name": "hunter2"}, ["hunter2"], "hunter2", [("A", "hunter2"), ("A", "hunter2")]):
        with pytest.raises(SpecError) as caught:
            Task(secrets=wrong)  # type: ignore[arg-type]
        assert "hunter" not in str(caught.value) + repr(caught.value)
    for config in (
        {"secrets": "hunter2"},
        {"secrets": ["hunter2"]},
        {"secrets": {"A": "hunter2", "B": None}},
    ):
        with pytest.raises(SpecError) as caught:
            Task.from_yaml_config(config)
        assert "hunter" not in str(caught.value) + repr(caught.value)


def test_the_registry_login_may_be_split_between_envs_and_secrets() -> None:
    envs = {"SKYPILOT_DOCKER_USERNAME": "me", "SKYPILOT_DOCKER_SERVER": "example.com"}
    login = Task(envs=envs, secrets={"SKYPILOT_DOCKER_PASSWORD": "hunter2"}).docker_login_config
    assert login is not None
    assert (login.username, login.password, login.server) == ("me", "hunter2", "example.com")
    assert "hunter2" not in repr(login)


def test_resources() -> None:
    spot, other = Resources(use_spot=True), Resources(cpus=4)
    assert Task().set_resources(spot).resources == {spot}
    assert Task().set_resources([spot, other]).resources == [spot, other]
    assert Task().set_resources({spot, other}).use_spot
    assert Task(resources=other).resources == {other}
    for wrong in (None, [], set(), [1], "A100"):
        with pytest.raises(SpecError, match="resources: "):
            Task().set_resources(wrong)  # type: ignore[arg-type]


def test_resources_override_keeps_the_container() -> None:
    spot, other = Resources(infra="aws"), Resources(cpus=4)
    assert Task().set_resources([spot, other]).set_resources_override({"use_spot": True}).resources == [
        spot.copy(use_spot=True),
        other.copy(use_spot=True),
    ]
    assert isinstance(Task().set_resources({spot}).set_resources_override({"cpus": 2}).resources, set)
    with pytest.raises(SpecError, match="cpus"):
        Task().set_resources_override({"cpus": "x"})


def test_file_mounts(tmp_path: Path) -> None:
    task = Task().set_file_mounts({"/a": str(tmp_path)}).update_file_mounts({"/b": "s3://bucket/x"})
    task.update_file_mounts({"/a": "skypilot:internal"})
    assert task.file_mounts == {"/a": "skypilot:internal", "/b": "s3://bucket/x"}
    assert task.set_file_mounts(None).file_mounts is None


@pytest.mark.parametrize(
    ("mounts", "message"),
    [
        ({"/a/": "s3://b"}, "file_mounts./a/: the place on the node must not end with a slash"),
        ({"/a": "s3://b/"}, "the source 's3://b/' must not end with a slash"),
        ({"s3://b": "/a"}, "swap the two sides"),
        ({"/a": "/does/not/exist"}, "does not exist"),
        ({"/a": 3}, "must be a path or a URI"),
        ({3: "/a"}, "must be text"),
        ({"~/sky_workdir": "s3://b"}, "where the workdir goes"),
        (["/a"], "must be a mapping"),
    ],
)
def test_bad_file_mounts(mounts: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=message):
        Task(workdir=str(tmp_path)).set_file_mounts(mounts)


def test_the_workdir_s_place_is_free_without_one() -> None:
    assert Task().set_file_mounts({"~/sky_workdir": "s3://b"}).file_mounts


def test_storage_mounts() -> None:
    mounted = Storage(name="bucket")
    task = Task().set_resources([Resources(cpus=1), Resources(cpus=2)]).set_storage_mounts({"/data": mounted})
    assert isinstance(task.resources, list)
    assert all(resources.requires_fuse for resources in task.resources)
    assert {each.name for each in task.get_required_cloud_features()} == {"STORAGE_MOUNTING"}
    task.update_storage_mounts({"/more": Storage(name="other")})
    assert sorted(task.storage_mounts) == ["/data", "/more"]
    assert task.set_storage_mounts(None).storage_mounts == {}
    copied = Task().set_storage_mounts({"/data": Storage(source="s3://b/x", mode=StorageMode.COPY)})
    assert not any(resources.requires_fuse for resources in copied.resources)
    for wrong in ({"/data/": mounted}, {"s3://b": mounted}, {"/data": "s3://b"}):
        with pytest.raises(SpecError, match="file_mounts"):
            Task().set_storage_mounts(wrong)  # type: ignore[arg-type]


def test_inputs_and_outputs() -> None:
    task = Task().set_inputs("gs://b", 10).set_outputs("s3://c", 0.5)
    assert (task.get_inputs(), task.get_estimated_inputs_size_gigabytes()) == ("gs://b", 10)
    assert (task.get_outputs(), task.get_estimated_outputs_size_gigabytes()) == ("s3://c", 0.5)
    assert task.get_inputs_cloud() == sky.GCP()
    assert Task().set_inputs("s3://b", 1).get_inputs_cloud() == sky.AWS()
    assert Task().set_inputs("cos://b", 1).get_inputs_cloud() == sky.IBM()
    with pytest.raises(ValueError, match="on no cloud"):
        Task().set_inputs("/local", 1).get_inputs_cloud()
    with pytest.raises(SpecError, match="number of gigabytes"):
        Task().set_inputs("s3://b", "big")  # type: ignore[arg-type]


def test_time_estimator() -> None:
    task = Task()
    with pytest.raises(NotImplementedError, match="set_time_estimator"):
        task.estimate_runtime(Resources())
    task.set_time_estimator(lambda resources: 60.0 if resources.use_spot else 30.0)
    assert task.estimate_runtime(Resources(use_spot=True)) == 60


def test_service() -> None:
    service = ServiceSpec.from_yaml_config({"readiness_probe": "/"})
    assert Task().set_service(service).service is service
    assert Task().set_service(service).set_service(None).service is None
    with pytest.raises(SpecError, match="ServiceSpec"):
        Task().set_service({"readiness_probe": "/"})  # type: ignore[arg-type]


def test_blocked_resources() -> None:
    assert Task(blocked_resources=[Resources(infra="aws")] * 2).blocked_resources == {Resources(infra="aws")}


def test_a_deep_copy_is_apart() -> None:
    task = Task("t", run="true", envs={"A": "1"}).set_resources([Resources(cpus=1)])
    clone = copy.deepcopy(task)
    clone.update_envs({"A": "2"}).best_resources = Resources()
    assert (task.envs, task.best_resources) == ({"A": "1"}, None)
    assert clone.to_yaml_config() == {**task.to_yaml_config(), "envs": {"A": "2"}}


def test_an_edge_needs_a_dag() -> None:
    with pytest.raises(MisuseError, match=r"with sky.Dag\(\)"):
        Task("a") >> Task("b")


def test_repr_is_one_short_line() -> None:
    assert (
        repr(Task("t", run="echo " + "x" * 100, num_nodes=2))
        == f"Task(name='t', run='echo {'x' * 32}...', num_nodes=2)"
    )
    assert repr(Task(run=annotated)) == "Task(run='<function>')"
    assert os.linesep not in repr(Task("t", run="a\nb"))


def test_a_label_without_a_value_counts_as_absent() -> None:
    (resources,) = Task.from_yaml_config({"resources": {"labels": {"a": None, "b": "c"}}}).resources
    assert resources.labels == {"b": "c"}
