"""Wrong task files: the place, the field and the hint of every error."""

from __future__ import annotations

from pathlib import Path

import pytest

from sky.exceptions import NullKeyError, SpecError, StorageModeError, StorageSpecError
from sky.yaml_io import load_task, load_tasks


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (
            "name: x\nresurces:\n  cpus: 4\n",
            "2:1",
            "resurces: unknown field in a task. Did you mean 'resources'?",
        ),
        ("resources:\n  cpu: 4\n", "2:3", "resources.cpu: unknown field in resources. Did you mean 'cpus'?"),
        (
            "resources:\n  any_of:\n    - cpus: 4\n    - cpsu: 4\n",
            "4:7",
            "resources.any_of[1].cpsu: unknown field",
        ),
        ("resources:\n  job_recovery:\n    stratgy: x\n", "3:5", "Did you mean 'strategy'"),
        ("resources:\n  autostop: {idle_minute: 3}\n", "2:14", "Did you mean 'idle_minutes'"),
        ("resources:\n  accelerator_args: {tpu_v: true}\n", "2:22", "Did you mean 'tpu_vm'"),
        ("service:\n  readiness_prob: /\n", "2:3", "Did you mean 'readiness_probe'"),
        ("service:\n  readiness_probe: {path: /, post_dat: 1}\n", "2:30", "Did you mean 'post_data'"),
        (
            "service:\n  readiness_probe: /\n  replica_policy: {min_replica: 1}\n",
            "3:20",
            "Did you mean 'min_replicas'",
        ),
        (
            "file_mounts:\n  /a: {nmae: x}\n",
            "2:8",
            "file_mounts./a.nmae: unknown field in a storage. Did you mean 'name'",
        ),
        ("estimate:\n  rutime: 2h\n", "2:3", "Did you mean 'runtime'"),
        ("pool:\n  worker: 2\n", "2:3", "Did you mean 'workers'"),
        ("volumes:\n  /a: {sise: 2}\n", "2:8", "Did you mean 'size'"),
        ("config:\n  dokcer: {}\n", "2:3", "Did you mean 'docker'"),
        ("config:\n  docker: {run_option: [--init]}\n", "2:12", "Did you mean 'run_options'"),
        (
            "config:\n  docker:\n    run_options: [--init, --rm]\n",
            "3:5",
            "config.docker.run_options: --rm cannot be given",
        ),
        (
            "experimental: {config_overrides: {docker: {run_options: -v}}}\n",
            "1:44",
            "experimental.config_overrides.docker.run_options: -v has no value",
        ),
        ("experimental:\n  config_override: {}\n", "2:3", "Did you mean 'config_overrides'"),
        ("experimental:\n  config_overrides:\n    gpc: {}\n", "3:5", "Did you mean 'gcp'"),
        ("name: a\nname: b\n", "2:1", "duplicate key 'name', first given on line 1"),
        ("envs:\n  A: 1\n  A: 2\n", "3:3", "duplicate key 'A', first given on line 2"),
        ("resources:\n  cpus: many\n", "2:3", "resources.cpus: 'many' is not a number of vCPUs"),
        ("resources:\n  infra: aws/us-esat-1\n", "2:3", "invalid region 'us-esat-1' for AWS"),
        (
            "resources:\n  ordered:\n  - infra: aws\n  - infra: awz\n",
            "4:5",
            "resources.ordered[1].infra: 'awz'",
        ),
        ("resources:\n  any_of: []\n", "2:3", "holds no candidate"),
        ("resources:\n  accelerators: []\n", "2:3", "holds no accelerator"),
        ("resources:\n  any_of: [{cpus: 1}]\n  ordered: [{cpus: 1}]\n", "3:3", "not both"),
        (
            "resources:\n  accelerators: [A100]\n  any_of: [{cpus: 1}]\n",
            "2:3",
            "a list of accelerators is an order",
        ),
        (
            "resources:\n  accelerators: {A100: 1, H100: 1}\n  ordered: [{cpus: 1}]\n",
            "2:3",
            "cannot be combined",
        ),
        ("resources:\n  gpus: A100\n  accelerators: A100\n", "2:3", "another name of accelerators"),
        ("resources:\n  allow: [burstabel]\n", "2:11", "Did you mean 'burstable'"),
        ("resources:\n  allow: [[]]\n", "2:11", "[] is not a kind of offer"),
        ("resources:\n  allow: spot\n", "2:3", "Known: burstable"),
        ("resources: 3\n", "1:1", "resources: must be a mapping, not 3"),
        ("resources:\n  use_spot: maybe\n", "2:3", "resources.use_spot: must be true or false"),
        ("num_nodes: '2'\n", "1:1", "num_nodes: must be a whole number"),
        ("num_nodes: 0\n", "1:1", "num_nodes: must be a whole number above 0"),
        ("name: [a]\n", "1:1", "name: must be text"),
        ("name: a b\n", "1:1", "name: 'a b' is not a name"),
        ("run: 3\n", "1:1", "run: must be text or a list"),
        ("setup: [1]\n", "1:1", "setup: must be text"),
        ("envs:\n  A-B: 1\n", "2:3", "envs.A-B: a name has"),
        (
            "envs:\n  A:\n",
            "2:3",
            "envs.A: has no value; give one here, or on the command line as --env A=VALUE",
        ),
        ("secrets:\n  A:\n", "2:3", "as --secret A=VALUE"),
        ("file_mounts:\n  /a/: s3://b\n", "2:3", "must not end with a slash"),
        ("file_mounts:\n  /a: /no/such\n", "2:3", "does not exist"),
        ("workdir: /no/such\n", "1:1", "workdir: '/no/such' does not exist"),
        ("inputs: {'s3://a': 1, 's3://b': 2}\n", "1:1", "one 'uri: gigabytes'"),
        ("inputs: {'s3://a': .inf}\n", "1:10", "number of gigabytes"),
        ("estimate: {runtime: 9999999999h}\n", "1:12", "100 years at most"),
        ("resources: {autostop: 10000000}\n", "1:13", "at most 1,000,000"),
        ("inputs: {'s3://a': big}\n", "1:10", "number of gigabytes"),
        ("service: {replicas: 1}\n", "1:1", "needs a readiness_probe"),
        ("service: {readiness_probe: health}\n", "1:11", "must start with /"),
        ("service: {readiness_probe: /, replicas: 1, replica_policy: {}}\n", "1:44", "not both"),
        (
            "service: {readiness_probe: /, replica_policy: {min_replicas: 3, max_replicas: 2}}\n",
            "1:65",
            "at least",
        ),
        ("service: {readiness_probe: /, replica_policy: {max_replicas: 2}}\n", "1:31", "is needed when"),
        (
            "service: {readiness_probe: /, replica_policy: {target_qps_per_replica: 2}}\n",
            "1:31",
            "is needed with",
        ),
        (
            "service: {readiness_probe: /, load_balancing_policy: rond_robin}\n",
            "1:31",
            "Did you mean 'round_robin'",
        ),
        ("service: {readiness_probe: /, ports: 99999}\n", "1:31", "one port"),
        ("pool: {workers: 1, max_workers: 2}\n", "1:8", "not both"),
        ("pool: {min_workers: 3, max_workers: 2}\n", "1:24", "at least min_workers (3)"),
        ("estimate: {cpus: 8}\n", "1:1", "needs a runtime"),
        ("estimate: {runtime: soon}\n", "1:12", "not a time above zero"),
        ("estimate: {runtime: 2h, cpus: 8, accelerators: A100}\n", "1:25", "not both"),
        ("estimate: {runtime: 2h, accelerators: 80GB+}\n", "1:25", "several accelerators"),
        ("estimate: {runtime: 2h, cpus: x}\n", "1:25", "number of vCPUs"),
        ("estimate: {runtime: 2h, scaling: 2}\n", "1:25", "from 0 to 1"),
        ("volumes:\n  /a: 3\n", "2:3", "name of a volume"),
        ("a: [\n", "2:1", "not valid YAML"),
        ("a: &a [*a]\n", "1:4", "contains itself"),
        ("? [a]\n: b\n", "1:3", "a key must be text"),
        ("a: !!python/object:os.system x\n", "1:4", "not valid YAML"),
        ("hello\n", "1:1", "a task is a mapping of fields, not str"),
        ("- a\n", "1:1", "a task is a mapping of fields, not list"),
        ("name: a\n---\nnmae: b\n", "3:1", "Did you mean 'name'"),
        ("execution: paralel\n---\nname: a\n", "1:1", "Did you mean 'parallel'"),
        ("execution: parallel\nprimary: [a]\n---\nname: a\n", "2:1", "Did you mean 'primary_tasks'"),
        ("execution: parallel\nprimary_tasks: [b]\n---\nname: a\n", "2:17", "is none of the tasks"),
        (
            "execution: parallel\n---\nname: a\n---\nname: a\n",
            "1:1",
            "two tasks of a job group are called 'a'",
        ),
    ],
)
def test_wrong_files(text: str, place: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"task\.yaml") as caught:
        load_tasks(file)
    assert str(caught.value).startswith(f"{file}:{place}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text", ["foo:\n", "resources:\n  foo:\n", "file_mounts:\n  /a: {name: bkt, foo: }\n"]
)
def test_an_unknown_key_without_a_value_is_both_kinds_of_error(text: str) -> None:
    with pytest.raises(AssertionError):
        load_tasks(text)
    with pytest.raises(ValueError, match="foo: unknown field") as caught:
        load_tasks(text)
    assert isinstance(caught.value, NullKeyError)


@pytest.mark.parametrize(
    ("storage", "error"),
    [("{name: b-x, mode: MUNT}", StorageModeError), ("{mode: COPY}", StorageSpecError)],
)
def test_storage_errors_keep_their_class_and_have_a_place(storage: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"<text>:2:\d+: file_mounts\./a"):
        load_tasks(f"file_mounts:\n  /a: {storage}\n")


def test_nesting_without_end_is_no_task_file() -> None:
    with pytest.raises(SpecError, match="nested too deeply"):
        load_task("run: " + "[" * 5_000 + "]" * 5_000)


@pytest.mark.parametrize(
    "tagged", ["!!int s3cret", "!!float s3cret", "!!bool s3cret", "!!timestamp s3cret", "0x_"]
)
def test_a_value_that_is_not_what_it_looks_like_is_not_shown(tagged: str) -> None:
    with pytest.raises(SpecError, match="quote it") as caught:
        load_task(f"secrets: {{S: {tagged}}}\nrun: a")
    assert "s3cret" not in str(caught.value)
