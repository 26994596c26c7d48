"""Task files: places in errors, hints, chains and groups, substitution, and the round trip."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import sky
from sky.exceptions import SpecError
from sky.resources import Resources
from sky.storage import StorageMode
from sky.task import Task
from sky.yaml_io import load_task, load_tasks

FULL = """\
name: train
workdir: {workdir}
num_nodes: 2
setup: [pip install x, echo done]
run: |
  python train.py
envs: {{SIZE: 3, BUCKET: data}}
secrets: {{TOKEN: hunter2}}
file_mounts:
  /code: {workdir}
  /data: {{source: "s3://${{BUCKET}}", mode: mount_cached}}
  /out: s3://$BUCKET/$UNKNOWN
volumes: {{/cache: my-volume, /big: {{name: other, size: 10}}}}
resources:
  infra: aws/us-east-1
  accelerators: {{A100: 8, H100: 8}}
  use_spot: true
  disk_size: 1TB
  autostop: {{idle_minutes: 5, down: true}}
  labels: {{team: ml}}
  any_of:
    - cpus: 8+
    - infra: gcp
      labels: {{team: hpc, tier: a}}
service: {{readiness_probe: /health, replicas: 2}}
inputs: {{"s3://in": 100}}
outputs: {{"gs://out": 1}}
estimate: {{runtime: 2h, accelerators: "A100:8", scaling: 0.9}}
event_callback: echo changed
config: {{docker: {{run_options: [-v /data:/data]}}}}
"""


def test_every_section_arrives(tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(FULL.format(workdir=tmp_path))
    task = Task.from_yaml(str(file))
    assert (task.name, task.num_nodes, task.workdir) == ("train", 2, str(tmp_path))
    assert (task.setup, task.run) == ("pip install x\necho done", "python train.py\n")
    assert (task.envs, task.secrets) == ({"SIZE": "3", "BUCKET": "data"}, {"TOKEN": "hunter2"})
    assert task.file_mounts == {"/code": str(tmp_path), "/out": "s3://data/$UNKNOWN"}
    assert task.storage_mounts["/data"].source == "s3://data"
    assert task.storage_mounts["/data"].mode is StorageMode.MOUNT_CACHED
    assert task.volumes == {"/cache": "my-volume", "/big": {"name": "other", "size": 10}}
    assert len(task.resources) == 4
    gcp = [resources for resources in task.resources if resources.cloud == sky.GCP()]
    assert {resources.get_accelerators_str() for resources in gcp} == {"A100:8", "H100:8"}
    assert {resources.infra for resources in gcp} == {"gcp"}
    assert gcp[0].labels == {"team": "hpc", "tier": "a"}
    assert all(resources.use_spot and resources.disk_size == 1024 for resources in task.resources)
    assert task.service is not None
    assert task.service.min_replicas == 2
    assert (task.inputs, task.estimated_outputs_size_gigabytes) == ("s3://in", 1)
    assert task.estimate is not None
    assert (task.estimate.runtime_s, task.estimate.accelerators, task.estimate.exponent) == (
        7_200,
        ("A100", 8),
        0.9,
    )
    assert task.config == {"docker": {"run_options": ["-v /data:/data"]}}
    again = Task.from_yaml_config(yaml.safe_load(yaml.safe_dump(task.to_yaml_config())))
    assert again.to_yaml_config() == task.to_yaml_config()
    assert again.resources == task.resources


def test_the_argument_is_left_alone(tmp_path: Path) -> None:
    config = yaml.safe_load(FULL.format(workdir=tmp_path))
    before = copy.deepcopy(config)
    Task.from_yaml_config(config, env_overrides={"BUCKET": "x"})
    assert config == before


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\n\n"])
def test_an_empty_file_is_an_empty_task(text: str, tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(text)
    assert Task.from_yaml(str(file)).to_yaml_config() == Task().to_yaml_config()


def test_nulls_are_absent() -> None:
    task = Task.from_yaml_str("name:\nrun:\nresources:\nnum_nodes:\nfile_mounts:\n")
    assert task.to_yaml_config() == Task().to_yaml_config()


def test_one_task_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="holds 2 tasks"):
        load_task("run: a\n---\nrun: b\n")
    with pytest.raises(FileNotFoundError):
        Task.from_yaml(str(tmp_path / "none.yaml"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not UTF-8"):
        Task.from_yaml(str(tmp_path / "binary"))


def test_documents_form_a_chain() -> None:
    dag = load_tasks(
        "name: pipe\n---\nrun: a\nenvs: {X: }\n---\nname: own\nrun: b\n---\n", env_overrides={"X": 1}
    )
    assert dag.name == "pipe"
    assert [task.name for task in dag.tasks] == ["pipe-0", "own"]
    assert dag.edge_indices == ((0, 1),)
    assert [task.envs for task in dag.tasks] == [{"X": "1"}, {"X": "1"}]


def test_a_chain_without_a_name_is_called_as_its_file(tmp_path: Path) -> None:
    file = tmp_path / "steps.yaml"
    file.write_text("run: a\n---\nrun: b\n")
    dag = load_tasks(file)
    assert (dag.name, [task.name for task in dag.tasks]) == ("steps", ["steps-0", "steps-1"])


def test_a_job_group_has_no_edges() -> None:
    dag = load_tasks(
        "name: g\nexecution: parallel\nprimary_tasks: [a]\n"
        "termination_delay: 30s\ninter_connection: infiniband\n"
        "---\nname: a\n---\nname: b\n"
    )
    assert dag.is_job_group()
    assert (dag.name, dag.primary_tasks, dag.termination_delay, dag.edges) == ("g", ["a"], "30s", ())
    assert dag.inter_connection == "infiniband"


def test_a_single_document_with_only_a_name_is_a_task() -> None:
    dag = load_tasks("name: only\n")
    assert [task.name for task in dag.tasks] == ["only"]


def test_overrides() -> None:
    task = load_task("envs: {A: 1, B: }\nsecrets: {S: }\n", [("B", 2), ("NEW", "x")], {"S": "hunter2"})
    assert task.envs == {"A": "1", "B": "2", "NEW": "x"}
    assert task.secrets == {"S": "hunter2"}


def test_substitution_is_for_places_only(tmp_path: Path) -> None:
    text = (
        f"workdir: ${{DIR}}\nname: x\nrun: echo $DIR ${{DIR}}\nsetup: echo $DIR\n"
        f"envs: {{DIR: {tmp_path}, P: /h}}\n"
        f"file_mounts: {{/a/$NAME: 's3://${{NAME}}/b'}}\nservice: {{readiness_probe: $P}}\n"
    )
    task = load_task(text, {"NAME": "bkt"})
    assert task.workdir == str(tmp_path)
    assert (task.run, task.setup) == ("echo $DIR ${DIR}", "echo $DIR")
    assert task.file_mounts == {"/a/bkt": "s3://bkt/b"}
    assert task.service is not None
    assert task.service.readiness_path == "/h"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("accelerators: A100", {Resources(accelerators="A100")}),
        ("gpus: {A100: }", {Resources(accelerators="A100")}),
        (
            "accelerators: {A100: 8, H100: 4}",
            {Resources(accelerators="A100:8"), Resources(accelerators="H100:4")},
        ),
        (
            "accelerators: ['A100:8', 'H100:4']",
            [Resources(accelerators="A100:8"), Resources(accelerators="H100:4")],
        ),
        ("{cpus: 4, any_of: [{memory: 8}, {cpus: 2}]}", {Resources(cpus=4, memory=8), Resources(cpus=2)}),
        (
            "{use_spot: true, ordered: [{infra: gcp}, {infra: aws}]}",
            [Resources(infra="gcp", use_spot=True), Resources(infra="aws", use_spot=True)],
        ),
        (
            "{infra: gcp, any_of: [{cloud: aws}, {cpus: 2}]}",
            {Resources(infra="aws"), Resources(infra="gcp", cpus=2)},
        ),
        ("spot_recovery: failover", {Resources(job_recovery="FAILOVER")}),
        (
            "{arch: any, allow: [burstable, bare_metal]}",
            {Resources(arch="any", allow_burstable=True, allow_bare_metal=True)},
        ),
        ("allow: restricted_regions", {Resources(allow_restricted_regions=True)}),
        (
            "{network_tier: best, local_disk: nvme, max_hourly_cost: $2.5, priority: -5}",
            {Resources(network_tier="best", local_disk="nvme", max_hourly_cost=2.5, priority=-5)},
        ),
        ("{ports: 8080}", {Resources(ports=8080)}),
        (
            "{image_id: {us-east-1: ami-1}, infra: aws/us-east-1}",
            {Resources(infra="aws/us-east-1", image_id="ami-1")},
        ),
        ("{any_of: [null]}", {Resources()}),
    ],
)
def test_resources_sections(section: str, expected: Any) -> None:
    text = section if section.startswith("{") else f"{{{section}}}"
    assert Resources.from_yaml_config(yaml.safe_load(text)) == expected
    assert Resources.from_yaml_config(None) == {Resources()}


def test_a_function_cannot_be_written_to_a_file() -> None:
    with pytest.raises(sky.exceptions.NotSupportedError, match="Python function"):
        Task(run=lambda rank, ips: "x").to_yaml_config()


words = st.text("abcXYZ019", min_size=1, max_size=6)
configs = st.fixed_dictionaries(
    {},
    optional={
        "name": words,
        "num_nodes": st.integers(1, 9),
        "setup": st.one_of(st.text(), st.lists(st.text(), max_size=3)),
        "run": st.text(),
        "envs": st.dictionaries(
            words.filter(lambda word: not word[0].isdigit()),
            st.one_of(st.text(), st.integers(), st.booleans()),
        ),
        "secrets": st.dictionaries(words.filter(lambda word: not word[0].isdigit()), st.text()),
        "resources": st.one_of(
            st.fixed_dictionaries(
                {
                    "accelerators": st.dictionaries(
                        st.sampled_from(["A100", "H100"]), st.integers(1, 8), min_size=1
                    )
                }
            ),
            st.fixed_dictionaries(
                {
                    "ordered": st.lists(
                        st.fixed_dictionaries({"cpus": st.integers(1, 64)}), min_size=1, max_size=3
                    )
                }
            ),
            st.fixed_dictionaries(
                {
                    "any_of": st.lists(
                        st.fixed_dictionaries({"memory": st.integers(1, 64)}), min_size=1, max_size=3
                    )
                }
            ),
        ),
        "file_mounts": st.dictionaries(
            words.map("/{}".format),
            st.sampled_from(
                ["s3://b/c", {"name": "bkt", "mode": "COPY", "source": "/tmp"}, {"source": "gs://bkt"}]
            ),
        ),
        "inputs": st.dictionaries(st.just("s3://x"), st.integers(0, 100), min_size=1),
        "estimate": st.fixed_dictionaries(
            {"runtime": st.integers(1, 10**6)},
            optional={"cpus": st.integers(1, 64), "scaling": st.floats(0, 1)},
        ),
        "pool": st.fixed_dictionaries({"workers": st.integers(0, 5)}),
    },
)


@given(configs)
def test_round_trip(config: dict[str, Any]) -> None:
    if any(
        isinstance(each, dict) and each.get("mode") == "COPY"
        for each in config.get("file_mounts", {}).values()
    ):
        config["file_mounts"] = {
            key: each for key, each in config["file_mounts"].items() if not isinstance(each, dict)
        }
    task = Task.from_yaml_config(config)
    written = task.to_yaml_config()
    again = Task.from_yaml_config(yaml.safe_load(yaml.safe_dump(written)))
    assert again.to_yaml_config() == written
    assert (again.estimate, again.storage_mounts) == (task.estimate, task.storage_mounts)
    assert (
        list(again.resources) == list(task.resources)
        if len(task.resources) == 1
        else again.resources == task.resources
    )


@pytest.mark.parametrize(
    "field",
    [
        "workdir: /no/$S/x",
        "file_mounts: {/a: '/no/${S}/x'}",
        "file_mounts: {/$S/: /tmp}",
        "file_mounts: {/a: {source: 'ftp://$S'}}",
        "service: {readiness_probe: $S}",
    ],
)
def test_errors_name_a_secret_and_do_not_show_it(field: str) -> None:
    for value in ("hunter2", "hunter2 \"'\n"):
        with pytest.raises(SpecError) as caught:
            Task.from_yaml_config(yaml.safe_load(field), secrets_overrides={"S": value})
        assert "hunter2" not in str(caught.value)
        assert "hunter2" not in repr(caught.value)
        assert "$S" in str(caught.value)


def test_a_secret_that_no_place_uses_leaves_messages_alone() -> None:
    with pytest.raises(SpecError, match="workdir: '/no/such' does not exist"):
        Task.from_yaml_config({"secrets": {"S": "o"}, "workdir": "/no/such"})


def test_names_made_from_a_file_name_are_names(tmp_path: Path) -> None:
    path = tmp_path / "my tasks (é) 1.yaml"
    path.write_text("run: a\n---\nrun: b\n", encoding="utf-8")
    assert [task.name for task in load_tasks(path).tasks] == ["my-tasks-1-0", "my-tasks-1-1"]


def test_setting_a_field_checks_it_as_making_the_task_does() -> None:
    task = Task()
    with pytest.raises(SpecError, match="is not a name"):
        task.name = "two words"
    with pytest.raises(SpecError, match="does not exist"):
        task.workdir = "/no/such"
    assert (task.name, task.workdir) == (None, None)
