"""The public calls against the real executor of this machine."""

from __future__ import annotations

import inspect
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sky
from executors import registry
from executors.agent import processes
from executors.local.provisioner import marker_of
from sky import core
from sky.control import identity
from sky.control.records import ClusterRecord
from sky.control.state import open_store
from sky.exceptions import (
    ClusterDoesNotExist,
    ClusterNotUpError,
    ClusterOwnerIdentityMismatchError,
    InvalidClusterNameError,
    NotSupportedError,
    ResourcesMismatchError,
)
from sky.statuses import ClusterStatus, JobStatus

NAME = "dev"


@pytest.fixture(autouse=True)
def _local(home: Path) -> Iterator[None]:
    registry.unregister("local")
    yield
    for cluster in core.status():
        core.down(cluster["name"], purge=True)
    registry.unregister("local")


@pytest.fixture
def cluster() -> ClusterRecord:
    core.launch(sky.Task(), NAME)
    record = open_store().get(NAME)
    assert record is not None
    return record


SIGNATURES = {
    "launch": "task cluster_name=None retry_until_up=False idle_minutes_to_autostop=None dryrun=False "
    "down=False stream_logs=True backend=None optimize_target=COST detach_setup=False "
    "detach_run=False no_setup=False "
    "clone_disk_from=None fast=False _is_launched_by_jobs_controller=False "
    "_is_launched_by_sky_serve_controller=False _disable_controller_check=False",
    "exec": "task cluster_name dryrun=False down=False stream_logs=True backend=None detach_run=False",
    "stop": "cluster_name purge=False",
    "start": "cluster_name idle_minutes_to_autostop=None retry_until_up=False down=False force=False",
    "down": "cluster_name purge=False",
    "status": "cluster_names=None refresh=False",
    "autostop": "cluster_name idle_minutes down=False",
    "queue": "cluster_name skip_finished=False all_users=False",
    "cancel": "cluster_name all=False job_ids=None _try_cancel_if_cluster_is_init=False",
    "tail_logs": "cluster_name job_id follow=True tail=0",
    "download_logs": "cluster_name job_ids local_dir=~/sky_logs",
    "job_status": "cluster_name job_ids stream_logs=False",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_the_promised_ones(name: str) -> None:
    def shown(parameter: inspect.Parameter) -> str:
        default = parameter.default
        if default is parameter.empty:
            return parameter.name
        return f"{parameter.name}={getattr(default, 'name', default)}"

    parameters = inspect.signature(getattr(sky, name)).parameters.values()
    promised = [each for each in parameters if each.kind is not each.KEYWORD_ONLY]
    assert " ".join(map(shown, promised)) == SIGNATURES[name]
    assert all(each.default is not each.empty for each in parameters if each not in promised)


def test_a_launch_returns_the_job_and_the_handle(capfd: pytest.CaptureFixture[str]) -> None:
    task = sky.Task(run="echo out; echo err >&2")
    job_id, handle = core.launch(task, NAME)
    assert job_id == 1
    assert handle is not None
    assert (handle.cluster_name, handle.launched_nodes, handle.head_ip) == (NAME, 1, "127.0.0.1")
    assert handle.launched_resources.cloud == sky.Local()
    assert sorted(capfd.readouterr().out.split()) == ["err", "out"]
    assert task.best_resources is None


def test_a_name_is_made_up() -> None:
    _, handle = core.launch(sky.Task())
    assert handle is not None
    assert handle.cluster_name.startswith("sky-")
    identity.check_cluster_name(handle.cluster_name)


def test_status_has_the_documented_fields(cluster: ClusterRecord) -> None:
    (found,) = core.status(NAME)
    documented = {"name", "launched_at", "handle", "last_use", "status", "autostop", "to_down", "metadata"}
    documented |= {"owner", "cluster_hash", "storage_mounts_metadata", "cluster_ever_up", "status_updated_at"}
    assert documented | {"config_hash"} <= set(found)
    assert found["status"] is ClusterStatus.UP
    assert abs(found["launched_at"] - time.time()) < 60
    assert core.status(["ghost"]) == []
    assert [row["name"] for row in core.status([NAME, "ghost"], refresh=True)] == [NAME]


def test_queue_has_the_documented_fields(cluster: ClusterRecord) -> None:
    core.exec(sky.Task(name="n", run="true"), NAME)
    (job,) = core.queue(NAME)
    documented = {
        "job_id",
        "job_name",
        "username",
        "submitted_at",
        "start_at",
        "end_at",
        "resources",
        "status",
    }
    assert documented | {"log_path", "pid"} <= set(job)
    assert (job["job_id"], job["job_name"], job["status"]) == (1, "n", JobStatus.SUCCEEDED)
    assert core.queue(NAME, skip_finished=True) == []


def test_job_status(cluster: ClusterRecord) -> None:
    assert core.job_status(NAME, None) == {None: None}
    core.exec(sky.Task(run="sleep 0.3; exit 9"), NAME, stream_logs=False, detach_run=False)
    assert core.job_status(NAME, None) == {1: JobStatus.FAILED}
    assert core.job_status(NAME, [1, 7]) == {1: JobStatus.FAILED, 7: None}


def test_tail_logs(cluster: ClusterRecord, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no job yet"):
        core.tail_logs(NAME, None)
    core.exec(sky.Task(run="printf 'a\\nb\\nc\\n'"), NAME)
    capfd.readouterr()
    core.tail_logs(NAME, 1, tail=2)
    assert capfd.readouterr().out == "b\nc\n"
    with pytest.raises(ValueError, match="no job 5"):
        core.tail_logs(NAME, 5)


def test_cancel(cluster: ClusterRecord) -> None:
    for _ in range(2):
        core.exec(sky.Task(run="sleep 600"), NAME, detach_run=True)
    with pytest.raises(ValueError, match="not both"):
        core.cancel(NAME, all=True, job_ids=[1])
    assert core.cancel(NAME, job_ids=[]) == []
    assert core.cancel(NAME, job_ids=[1]) == [1]
    assert core.cancel(NAME, all=True) == [2]
    assert set(core.job_status(NAME, [1, 2]).values()) == {JobStatus.CANCELLED}


def test_download_logs(cluster: ClusterRecord, tmp_path: Path) -> None:
    core.exec(sky.Task(run="echo kept"), NAME)
    folders = core.download_logs(NAME, None, str(tmp_path))
    assert list(folders) == [1]
    assert Path(folders[1]).is_relative_to(tmp_path)
    assert "kept" in (Path(folders[1]) / "tasks" / "run.log").read_text()


@pytest.mark.parametrize(
    "call",
    [
        lambda: core.exec(sky.Task(run="true"), "ghost"),
        lambda: core.queue("ghost"),
        lambda: core.cancel("ghost"),
        lambda: core.tail_logs("ghost", 1),
        lambda: core.download_logs("ghost", [1]),
        lambda: core.job_status("ghost", [1]),
        lambda: core.autostop("ghost", 5),
        lambda: core.stop("ghost"),
        lambda: core.start("ghost"),
        lambda: core.down("ghost"),
    ],
)
def test_no_such_cluster(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ClusterDoesNotExist, match="ghost") as caught:
        call()
    assert isinstance(caught.value, ValueError)


def test_what_needs_a_cluster_that_is_up(cluster: ClusterRecord) -> None:
    core.stop(NAME)
    core.stop(NAME)
    for call in (
        lambda: core.exec(sky.Task(run="true"), NAME),
        lambda: core.queue(NAME),
        lambda: core.autostop(NAME, 5),
    ):
        with pytest.raises(ClusterNotUpError, match="sky start dev") as caught:
            call()
        assert isinstance(caught.value, ValueError)
        assert caught.value.cluster_status is ClusterStatus.STOPPED
        assert caught.value.handle.cluster_name == NAME


def test_start(cluster: ClusterRecord) -> None:
    with pytest.raises(ValueError, match="idle_minutes_to_autostop"):
        core.start(NAME, down=True)
    assert core.start(NAME).cluster_id == cluster.cluster_id
    core.stop(NAME)
    handle = core.start(NAME, idle_minutes_to_autostop=7)
    assert handle.cluster_id == cluster.cluster_id
    assert core.status(NAME)[0]["autostop"] == 7


def test_autostop(cluster: ClusterRecord) -> None:
    core.autostop(NAME, 10, down=True)
    (found,) = core.status(NAME)
    assert (found["autostop"], found["to_down"]) == (10, True)
    core.autostop(NAME, -5)
    (found,) = core.status(NAME)
    assert (found["autostop"], found["to_down"]) == (-1, False)


def test_an_autostop_of_zero_minutes_happens(cluster: ClusterRecord) -> None:
    core.autostop(NAME, 0)
    deadline = time.monotonic() + 60
    while core.status(NAME, refresh=True)[0]["status"] is not ClusterStatus.STOPPED:
        assert time.monotonic() < deadline
    assert core.status(NAME)[0]["autostop"] == -1
    core.start(NAME)
    assert core.status(NAME, refresh=True)[0]["status"] is ClusterStatus.UP


def test_the_resources_autostop_is_used() -> None:
    core.launch(sky.Task().set_resources(sky.Resources(autostop={"idle_minutes": 12, "down": True})), NAME)
    (found,) = core.status(NAME)
    assert (found["autostop"], found["to_down"]) == (12, True)


def test_entry_points_of_another_type() -> None:
    with pytest.raises(TypeError, match=r"sky\.Task\(run='echo'\)"):
        core.launch("echo")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="int"):
        core.exec(3, NAME)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Task or a Dag"):
        sky.optimize("task.yaml")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="OptimizeTarget"):
        sky.optimize(sky.Task(), minimize="time")  # type: ignore[arg-type]
    with sky.Dag() as dag:
        sky.Task(run="a")
        sky.Task(run="b")
    with pytest.raises(AssertionError, match="2"):
        core.launch(dag)


@pytest.mark.parametrize("name", ["1st", "a_", "a b", "", "a" * 64, "é", 5])
def test_bad_cluster_names(name: Any) -> None:
    with pytest.raises(InvalidClusterNameError):
        core.launch(sky.Task(), name)


def test_names_of_controllers_are_refused() -> None:
    with pytest.raises(NotSupportedError):
        core.launch(sky.Task(), "sky-jobs-controller-1")


def test_another_users_cluster(cluster: ClusterRecord) -> None:
    open_store().update(cluster, owner="eve@elsewhere")
    for call in (
        lambda: core.exec(sky.Task(run="true"), NAME),
        lambda: core.launch(sky.Task(run="true"), NAME),
        lambda: core.start(NAME),
        lambda: core.down(NAME),
    ):
        with pytest.raises(ClusterOwnerIdentityMismatchError, match="eve@elsewhere"):
            call()
    registry.load("local").provisioner.stop(cluster.executor_handle)
    assert core.status(refresh=True)[0]["status"] is ClusterStatus.UP, "only its owner can judge it"
    mine = open_store().get(NAME)
    assert mine is not None
    open_store().update(mine, owner=cluster.owner)


def test_a_job_beyond_the_node_is_refused(cluster: ClusterRecord) -> None:
    with pytest.raises(ResourcesMismatchError, match="1000 vCPUs"):
        core.exec(sky.Task(run="true").set_resources(sky.Resources(cpus=1000)), NAME)


def test_a_callable_run_is_called_for_its_rank(capfd: pytest.CaptureFixture[str]) -> None:
    core.launch(sky.Task(run=_greet), NAME)
    assert capfd.readouterr().out == "rank 0 at 127.0.0.1\n"


def _greet(rank: int, ips: list[str]) -> str:
    return f"echo rank {rank} at {ips[0]}"


def test_the_jobs_environment(cluster: ClusterRecord, capfd: pytest.CaptureFixture[str]) -> None:
    core.exec(sky.Task(run="echo $SKYPILOT_TASK_ID $SKYPILOT_CLUSTER_INFO $A", envs={"A": "1"}), NAME)
    out = capfd.readouterr().out
    assert f"_{NAME}_1 " in out
    assert '{"cluster_name": "dev", "cloud": "local", "region": "local", "zone": null} 1' in out


def test_a_cluster_that_was_removed_outside_is_noticed(cluster: ClusterRecord) -> None:
    executor = registry.load("local")
    executor.provisioner.delete(cluster.executor_handle)
    assert len(core.status()) == 1
    with pytest.raises(ClusterDoesNotExist, match="no folder on this machine"):
        core.queue(NAME)
    with pytest.raises(RuntimeError, match="could not stop"):
        core.stop(NAME)
    assert core.status(refresh=True) == []
    (paid,) = open_store().usage()
    assert paid.ended_at is not None


def test_a_launch_that_made_no_node_cannot_be_stopped(cluster: ClusterRecord) -> None:
    core.down(NAME)
    begun = replace(cluster, cluster_id="dev-2", status=ClusterStatus.INIT, handle=None, ever_up=False)
    open_store().add(begun)
    with pytest.raises(ClusterNotUpError, match="before it had a node") as caught:
        core.stop(NAME)
    assert caught.value.cluster_status is ClusterStatus.INIT
    assert core.start(NAME).cluster_name == NAME
    assert core.status(NAME)[0]["status"] is ClusterStatus.UP


def test_down_with_other_jobs_waits_for_them(cluster: ClusterRecord) -> None:
    core.exec(sky.Task(run="sleep 600"), NAME, detach_run=True)
    core.exec(sky.Task(run="true"), NAME, down=True)
    (found,) = core.status(NAME)
    assert (found["autostop"], found["to_down"]) == (1, True)
    core.cancel(NAME, all=True)
    core.exec(sky.Task(run="true"), NAME, down=True)
    assert core.status() == []


def test_a_launch_brings_a_killed_agent_back(
    cluster: ClusterRecord, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cluster.handle is not None
    marker = marker_of(cluster.handle["folder"])
    assert processes.marked(marker)
    while left := processes.marked(marker):  # what one of them starts before it is killed, too
        for each in left:
            processes.send(each, signal.SIGKILL)
    assert core.status(refresh=True)[0]["status"] is ClusterStatus.INIT
    job_id, handle = core.launch(sky.Task(run="echo back"), NAME)
    assert (job_id, handle.cluster_id) == (1, cluster.cluster_id)  # type: ignore[union-attr]
    assert capfd.readouterr().out == "back\n"


def test_launches_of_one_name_make_one_cluster(home: Path) -> None:
    code = "import sky; sky.launch(sky.Task(run='true'), 'dev', stream_logs=False)"
    launches = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(3)]
    for launch in launches:
        _, told = launch.communicate(timeout=120)
        assert launch.returncode == 0, told
    assert len(core.status()) == 1
    assert len(registry.load("local").provisioner.list()) == 1
    assert sorted(job["job_id"] for job in core.queue(NAME)) == [1, 2, 3]


def test_an_exec_leaves_the_record_to_a_launch_that_holds_it(cluster: ClusterRecord) -> None:
    store = open_store()
    with store.lock(NAME):
        held = store.get(NAME)
        core.exec(sky.Task(run="true"), NAME)
        assert store.get(NAME) == held
    core.exec(sky.Task(run="true"), NAME)
    assert store.get(NAME) != held


def test_buckets_are_refused_before_anything_is_made() -> None:
    task = sky.Task(run="true")
    task.set_storage_mounts({"/data": sky.Storage(source="s3://some-bucket")})
    with pytest.raises(NotSupportedError, match="/data"):
        core.launch(task, NAME)
    assert core.status() == []
