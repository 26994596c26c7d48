"""The package's surface: lazy names, clouds, statuses, errors, configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sky
from catalog.errors import Infeasible, SkyError
from catalog.names import names
from executors import fake, registry
from executors.api import Capability
from sky import clouds, config, exceptions
from sky.exceptions import NotSupportedError, SpecError
from sky.resources import Resources
from sky.statuses import ClusterStatus, JobStatus, ManagedJobStatus, OptimizeTarget

FORBIDDEN = {
    "pyarrow",
    "ortools",
    "pandas",
    "numpy",
    "yaml",
    "click",
    "rich",
    "boto3",
    "google",
    "azure",
    "kubernetes",
}


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not _loaded_by("import sky") & FORBIDDEN


def test_a_request_in_python_loads_neither_yaml_nor_arrow() -> None:
    code = "import sky\nsky.Task(resources=sky.Resources(infra='aws/us-east-1', accelerators='A100:8'))"
    assert not _loaded_by(code) & FORBIDDEN


def test_parsing_a_file_loads_no_sdk_and_no_arrow() -> None:
    code = "from sky.yaml_io import load_tasks\nload_tasks('resources:\\n  infra: gcp\\nfile_mounts: {/a: s3://b}')"
    assert _loaded_by(code) & FORBIDDEN == {"yaml"}


def test_public_names_resolve() -> None:
    assert sky.Kubernetes is sky.K8s
    assert sky.Task.__module__ == "sky.task"
    assert sky.exceptions.SkyError is SkyError
    assert set(sky.__all__) == set(dir(sky))
    with pytest.raises(AttributeError, match="'lanuch'"):
        _ = sky.lanuch  # type: ignore[attr-defined]


def test_clouds_are_values() -> None:
    assert sky.AWS() == sky.AWS() != sky.GCP()
    assert len({sky.AWS(), sky.AWS(), sky.Azure()}) == 2
    assert (str(sky.AWS()), repr(sky.AWS()), sky.AWS().canonical_name()) == ("AWS", "AWS", "aws")
    assert sky.AWS().is_same_cloud(sky.AWS())
    assert not sky.AWS().is_same_cloud(None)


@pytest.mark.parametrize(
    "name", ["aws", "AWS", " Aws ", "k8s", "KUBERNETES", "lambda", "ssh", "slurm", "local", "do"]
)
def test_clouds_by_name(name: str) -> None:
    assert clouds.from_str(name).canonical_name() == {"k8s": "kubernetes"}.get(
        name.strip().lower(), name.strip().lower()
    )


def test_unknown_clouds_get_a_hint() -> None:
    with pytest.raises(SpecError, match="Did you mean 'Nebius'"):
        clouds.from_str("nebuis")
    with pytest.raises(SpecError, match="Known clouds: AWS"):
        clouds.from_str("qqqqq")


def test_a_cloud_that_a_package_brings_can_do_what_its_executor_can(tmp_path: Path) -> None:
    features = clouds.CloudImplementationFeatures
    can = frozenset({Capability.STOP, Capability.AUTOSTOP})
    registry.register("mars", lambda: fake.executor("mars", tmp_path, fake.Script(), can))
    try:
        mars = clouds.from_str("Mars")
        assert (mars.canonical_name(), mars == clouds.from_str("mars")) == ("mars", True)
        assert mars.features == {features.STOP, features.AUTO_TERMINATE}
        assert str(sky.Resources(infra="mars/north").cloud) == "mars"
    finally:
        registry.unregister("mars")
    with pytest.raises(SpecError, match="'mars' is not a cloud"):
        clouds.from_str("mars")


def test_every_cloud_of_the_catalog_has_a_class() -> None:
    assert {cloud.canonical_name() for cloud in clouds.ALL_CLOUDS} >= set(names().clouds)
    zoned = {
        cloud
        for cloud in names().clouds
        if any(names().zones(cloud, region) for region in names().regions(cloud))
    }
    assert zoned <= {cloud.canonical_name() for cloud in clouds.ALL_CLOUDS if cloud.has_zones}


def test_clouds_say_what_they_cannot_do() -> None:
    features = clouds.CloudImplementationFeatures
    sky.AWS().check_features_are_supported({features.SPOT_INSTANCE, features.STOP})
    with pytest.raises(NotSupportedError, match="Lambda does not support spot_instance, stop"):
        sky.Lambda().check_features_are_supported({features.SPOT_INSTANCE, features.STOP})
    limits = {sky.AWS(): 248, sky.GCP(): 35, sky.Azure(): 42, sky.K8s(): 42, sky.Lambda(): 57, sky.OCI(): 200}
    assert {cloud: cloud.max_cluster_name_length for cloud in limits} == limits


def test_enums() -> None:
    assert [(target.name, target.value) for target in OptimizeTarget] == [("COST", 0), ("TIME", 1)]
    assert [status.name for status in ClusterStatus] == ["INIT", "UP", "STOPPED"]
    assert [status.name for status in JobStatus] == (
        [
            "INIT",
            "PENDING",
            "SETTING_UP",
            "RUNNING",
            "FAILED_DRIVER",
            "SUCCEEDED",
            "FAILED",
            "FAILED_SETUP",
            "CANCELLED",
        ]
    )
    assert JobStatus.INIT < JobStatus.RUNNING <= JobStatus.RUNNING < JobStatus.CANCELLED
    assert JobStatus.CANCELLED > JobStatus.INIT
    assert JobStatus.CANCELLED >= JobStatus.CANCELLED
    assert [status for status in JobStatus if not status.is_terminal()] == JobStatus.nonterminal_statuses()
    assert JobStatus.user_code_failure_states() == [JobStatus.FAILED, JobStatus.FAILED_SETUP]
    assert {status for status in ManagedJobStatus if status.is_failed()} < {
        status for status in ManagedJobStatus if status.is_terminal()
    }
    with pytest.raises(TypeError):
        _ = JobStatus.INIT < ClusterStatus.UP  # type: ignore[operator]


def test_the_tree_of_errors() -> None:
    assert issubclass(exceptions.ClusterDoesNotExist, ValueError)
    assert issubclass(exceptions.ClusterNotUpError, ValueError)
    assert issubclass(exceptions.ResourcesUnavailableError, Infeasible)
    assert issubclass(exceptions.NonExistentStorageAccountError, exceptions.StorageInitError)
    assert issubclass(exceptions.StorageModeError, exceptions.StorageSpecError)
    every = [
        each for each in vars(exceptions).values() if isinstance(each, type) and issubclass(each, Exception)
    ]
    assert all(issubclass(each, SkyError) for each in every)
    tree = exceptions.__doc__ or ""
    assert [each.__name__ for each in every if each.__name__ not in tree] == []
    assert exceptions.KEYBOARD_INTERRUPT_CODE == 130


def test_errors_carry_what_a_caller_needs() -> None:
    history = [RuntimeError("no capacity")]
    error = exceptions.ResourcesUnavailableError("none", no_failover=True).with_failover_history(history)
    assert (error.no_failover, error.failover_history) == (True, history)
    command = exceptions.CommandError(3, "x" * 200, "broken", "because")
    assert (command.returncode, command.error_msg, command.detailed_reason) == (3, "broken", "because")
    assert len(str(command)) < 200
    not_up = exceptions.ClusterNotUpError("stopped", ClusterStatus.STOPPED, handle="h")
    assert (not_up.cluster_status, not_up.handle) == (ClusterStatus.STOPPED, "h")
    assert exceptions.ProvisionPrechecksError(history).reasons == history
    reason = exceptions.FetchClusterInfoError.Reason.HEAD
    assert exceptions.FetchClusterInfoError(reason).reason is reason
    zones = exceptions.AWSAzFetchingError("us-east-1", exceptions.AWSAzFetchingError.Reason.AUTH_FAILURE)
    assert zones.region == "us-east-1"


def test_no_configuration(home: Path) -> None:
    assert not config.loaded()
    assert config.to_dict() == {}
    assert config.allowed_clouds() == ()


def test_configuration(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home / ".sky" / "config.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("allowed_clouds: [GCP, k8s]\n")
    assert config.loaded_config_path() == file
    assert config.allowed_clouds() == ("gcp", "kubernetes")
    assert config.get_nested(("allowed_clouds", "x"), 3) == 3
    assert Resources(region="us-central1").cloud == sky.GCP()
    with pytest.raises(SpecError, match="no cloud has instance type"):
        Resources(instance_type="p4d.24xlarge")
    other = home / "other.yaml"
    other.write_text("")
    monkeypatch.setenv("SKYPILOT_CONFIG", str(other))
    assert config.allowed_clouds() == ()
    monkeypatch.setenv("SKYPILOT_CONFIG", str(home / "none.yaml"))
    with pytest.raises(FileNotFoundError, match="SKYPILOT_CONFIG"):
        config.to_dict()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("allowed_cloud: [aws]\n", ":1:1: allowed_cloud: unknown field in the configuration. Did you mean"),
        ("allowed_clouds: aws\n", ":1:1: allowed_clouds: must be a list"),
        ("allowed_clouds:\n- aws\n- awz\n", ":3:3: allowed_clouds[1]: 'awz' is not a cloud"),
        ("allowed_clouds: [3]\n", "is not the name of a cloud"),
        ("allowed_clouds: [\n", "not valid YAML"),
        (
            "docker:\n  run_options: --net none\n",
            ":2:3: docker.run_options: --net cannot be given: it is the host's",
        ),
        (
            "kubernetes:\n  ports: ingress\n",
            ":2:3: kubernetes.ports: is one of loadbalancer, nodeport, ",
        ),
    ],
)
def test_wrong_configuration(text: str, message: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home / "config.yaml"
    file.write_text(text)
    monkeypatch.setenv("SKYPILOT_CONFIG", str(file))
    with pytest.raises(ValueError, match="config") as caught:
        config.to_dict()
    assert message in str(caught.value)
