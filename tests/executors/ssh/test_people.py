"""Autostop that waits for more than jobs: for logins, for busy accelerators; or for nothing at all."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from executors import lifecycle, ssh
from executors.agent_queue import AgentQueue
from executors.api import Autostop, Executor, NodeRequest, NodeState, WaitFor
from tests.executors.conftest import spec, wait_until
from tests.executors.ssh.lab import Lab, LabHost
from tests.hosts.command import environment

pytestmark = pytest.mark.needs("namespaces")

EXECUTOR: Executor = ssh.executor()
QUICK = {"seconds_per_idle_minute": 0.5, "poll_s": 0.02, "cancel_grace_s": 0.3}
NVIDIA_SMI = '#!/bin/sh\necho "0\n$(cat /utilization)"\n'


class Cluster:
    """A cluster on one host, whose idle minutes last half a second."""

    def __init__(self, lab: Lab) -> None:
        offer = lab.up(1, cpus=2, memory=4).offer()
        self.handle = lifecycle.bring_up(EXECUTOR, NodeRequest("c-1", "c", offer))
        self.host: LabHost = lab.head(self.handle)
        self.queue.ensure_agent(QUICK)

    @property
    def queue(self) -> AgentQueue:
        made = EXECUTOR.queue(self.handle, EXECUTOR.connect(self.handle))
        assert isinstance(made, AgentQueue)
        return made

    def stopped(self) -> bool:
        return EXECUTOR.provisioner.describe(self.handle).state is NodeState.STOPPED

    def idle_since(self) -> float:
        since = self.queue.idle_since()
        assert since is not None
        return since

    def wait_past_due(self) -> None:
        """Wait until the idle clock was moved on by more than two idle minutes."""
        first = self.idle_since()
        wait_until(lambda: self.idle_since() > first + 1.0)


@pytest.fixture
def cluster(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    monkeypatch.setenv("SKY_HOME", str(tmp_path_factory.mktemp("sky")))
    return Cluster(lab)


@contextmanager
def session(host: LabHost, *options: str) -> Iterator[None]:
    """Be logged in to the host over the block."""
    process = subprocess.Popen(
        [*host.host.ssh_argv(*options), "echo here; cat"],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == b"here"
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["-tt"], id="terminal"),
        pytest.param(["-T"], id="without-one", marks=pytest.mark.needs("time")),
    ],
)
def test_a_login_keeps_the_cluster_up_until_it_ends(cluster: Cluster, options: list[str]) -> None:
    with session(cluster.host, *options):
        cluster.queue.set_autostop(Autostop(1, wait_for=WaitFor.JOBS_AND_SSH))
        cluster.wait_past_due()
    wait_until(cluster.stopped)


@pytest.mark.needs("time")
def test_a_login_does_not_count_unless_asked_for(cluster: Cluster) -> None:
    with session(cluster.host, "-tt"):
        cluster.queue.set_autostop(Autostop(1))
        wait_until(cluster.stopped)


def test_calls_of_sky_itself_are_no_logins(cluster: Cluster) -> None:
    queue = cluster.queue
    queue.set_autostop(Autostop(1000, wait_for=WaitFor.JOBS_AND_SSH))
    first = cluster.idle_since()
    long = ["sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done"]
    assert b"".join(EXECUTOR.connect(cluster.handle).follow(long)) == b"1\n2\n3\n4\n5\n"
    assert cluster.idle_since() == first


@pytest.mark.needs("time")
def test_accelerators_that_compute_keep_the_cluster_up_until_they_rest(cluster: Cluster) -> None:
    root = cluster.host.host.root
    (root / "utilization").write_text("73\n")
    program = root / "usr/local/bin/nvidia-smi"
    program.write_text(NVIDIA_SMI)
    program.chmod(0o755)
    cluster.queue.set_autostop(Autostop(1, wait_for=WaitFor.JOBS_AND_ACCELERATORS))
    cluster.wait_past_due()
    (root / "utilization").write_text("2\n")
    wait_until(cluster.stopped, 40)


@pytest.mark.needs("time")
def test_without_accelerators_there_is_nothing_to_wait_for(cluster: Cluster) -> None:
    cluster.queue.set_autostop(Autostop(1, wait_for=WaitFor.JOBS_AND_SSH_AND_ACCELERATORS))
    wait_until(cluster.stopped)


def test_with_none_the_minutes_pass_whatever_runs_and_jobs_end_in_order(cluster: Cluster) -> None:
    script = "trap 'echo told; exit 3' TERM; echo begun; while :; do sleep 0.02; done"
    job = cluster.queue.submit(spec(script))
    wait_until(lambda: cluster.host.run("cat ~/sky_logs/*/run.log").startswith("begun"))
    cluster.queue.set_autostop(Autostop(1, wait_for=WaitFor.NONE))
    wait_until(cluster.stopped)
    cluster.handle = lifecycle.start(EXECUTOR, cluster.handle)
    assert b"".join(cluster.queue.tail(job)).endswith(b"told\n")
    assert cluster.queue.jobs([job])[0].state.value == "CANCELLED"
    assert cluster.queue.autostop() is None
