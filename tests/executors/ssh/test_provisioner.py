"""Clusters on real hosts: all or none, the same for everybody, and nothing lost or left."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from executors import lifecycle, ssh
from executors.api import Executor, Handle, NodeRequest, NodeState
from executors.errors import CleanupIncomplete, NotFound, OutOfCapacity
from executors.ssh import claims
from executors.transports.address import read_nodes
from tests.executors.ssh.lab import Lab
from tests.hosts.machine import Machine

pytestmark = pytest.mark.needs("time")

KILLED_AT = str(Path(__file__).with_name("create_killed_at.py"))
STEPS = [
    ("executors.ssh.claims:claim", "before", 1),
    ("executors.ssh.claims:claim", "after", 1),
    ("executors.ssh.host:reserve", "after", 1),
    ("executors.ssh.host:reserve", "before", 2),
    ("executors.ssh.host:reserve", "after", 2),
    ("executors.ssh.host:prepare", "before", 1),
    ("executors.ssh.host:prepare", "after", 2),
]


def request(lab: Lab, count: int, cluster_id: str = "c-1", num_nodes: int = 1) -> NodeRequest:
    offer = lab.up(count, cpus=2, memory=4).offer()
    return NodeRequest(cluster_id, f"{cluster_id}-name", offer, num_nodes)


@pytest.fixture
def executor() -> Executor:
    return ssh.executor()


def state(executor: Executor, handle: Handle) -> NodeState:
    return executor.provisioner.describe(handle).state


def bare(wanted: NodeRequest) -> Handle:
    return Handle("ssh", wanted.cluster_id, wanted.cluster_name)


def test_a_cluster_of_two_hosts_is_one_cluster_and_both_are_reached(lab: Lab, executor: Executor) -> None:
    wanted = request(lab, 3, num_nodes=2)
    handle = executor.provisioner.create(wanted)
    assert executor.provisioner.create(wanted) == handle
    said = [executor.connect(handle, node).run(["uname", "-n"]).stdout for node in range(2)]
    assert len(set(said)) == 2
    with pytest.raises(NotFound, match="rank 2"):
        executor.connect(handle, 2)
    view = executor.provisioner.describe(handle)
    assert view.addresses == tuple(node.internal_ip for node in read_nodes(handle.data))
    assert view.state is NodeState.PENDING
    assert executor.provisioner.list() == [view]
    held = [json.loads((each.home / ".sky_reservation").read_text()) for each in lab.hosts if each.left()]
    assert sorted((each["cluster_id"], each["rank"]) for each in held) == [("c-1", 0), ("c-1", 1)]
    executor.provisioner.delete(handle)
    assert [each.left() for each in lab.hosts] == [[], [], []]


def test_too_few_free_hosts_are_refused_naming_the_holder_and_none_is_kept(
    lab: Lab, executor: Executor
) -> None:
    wanted = request(lab, 2)
    first = executor.provisioner.create(wanted)
    with pytest.raises(OutOfCapacity, match=r"1 of 2 2cpu-4gb hosts is free.*held by c-1-name \(") as refused:
        executor.provisioner.create(replace(wanted, cluster_id="c-2", num_nodes=2))
    assert refused.value.scope.matches(wanted.offer.key)
    assert claims.cluster_ids() == ["c-1"]
    executor.provisioner.delete(bare(replace(wanted, cluster_id="c-2")))
    executor.provisioner.delete(first)
    assert [each.left() for each in lab.hosts] == [[], []]


def test_two_laptops_that_want_the_same_hosts_never_share_one(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.take(3)
    laptops = []
    for number in range(3):
        monkeypatch.setenv("SKY_HOME", str(tmp_path / f"laptop-{number}"))
        lab.up(cpus=2, memory=4)
        laptops.append(tmp_path / f"laptop-{number}")
    for turn in range(3):
        results = [json.loads(each) for each in _create_at_once(laptops, turn)]
        won = [each for each in results if each["hosts"]]
        assert len(won) == 1, results
        held = [each for each in lab.hosts if (each.home / ".sky_reservation").exists()]
        assert sorted(each.name for each in held) == sorted(won[0]["hosts"])
        for laptop, result in zip(laptops, results, strict=True):
            monkeypatch.setenv("SKY_HOME", str(laptop))
            ssh.executor().provisioner.delete(Handle("ssh", result["cluster_id"], "x"))
        assert [each.left() for each in lab.hosts] == [[], [], []]


def _create_at_once(laptops: list[Path], turn: int) -> list[str]:
    """Let every laptop make a cluster of two hosts at the same moment; returns what each printed."""
    code = (
        "import json, sys\n"
        "from executors import ssh\n"
        "from executors.api import NodeRequest\n"
        "from executors.errors import OutOfCapacity\n"
        "from executors.ssh import pools\n"
        "from executors.ssh.offers import offers_of\n"
        "from executors.transports.address import read_nodes\n"
        "cluster_id = sys.argv[1]\n"
        "wanted = NodeRequest(cluster_id, cluster_id, offers_of(pools.load('lab'))[0], 2)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "try:\n"
        "    hosts = [node.host for node in read_nodes(ssh.executor().provisioner.create(wanted).data)]\n"
        "except OutOfCapacity:\n"
        "    hosts = []\n"
        "print(json.dumps({'cluster_id': cluster_id, 'hosts': hosts}))\n"
    )
    processes = []
    for number, laptop in enumerate(laptops):
        process = subprocess.Popen(
            [sys.executable, "-c", code, f"c-{turn}-{number}"],
            env={**_environment(), "SKY_HOME": str(laptop)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return [process.communicate("go\n")[0] for process in processes]


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


@pytest.mark.parametrize(("target", "moment", "nth"), STEPS)
def test_a_creation_killed_on_the_way_is_completed_or_removed(
    target: str, moment: str, nth: int, lab: Lab, executor: Executor
) -> None:
    wanted = request(lab, 2, num_nodes=2)
    for finish in ("complete", "remove"):
        killed = subprocess.run(
            [sys.executable, KILLED_AT, "c-1", target, moment, str(nth)], env=_environment(), check=False
        )
        assert killed.returncode == -9
        assert state(executor, bare(wanted)) is not NodeState.RUNNING
        if finish == "complete":
            handle = executor.provisioner.create(wanted)
            assert len(read_nodes(handle.data)) == 2
            assert state(executor, handle) is NodeState.PENDING
        executor.provisioner.delete(bare(wanted))
        assert state(executor, bare(wanted)) is NodeState.GONE
        assert [each.left() for each in lab.hosts] == [[], []]
        assert claims.cluster_ids() == []


def test_what_the_user_has_on_a_host_is_moved_aside_and_comes_back(
    lab: Lab, executor: Executor, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = request(lab, 1)
    lab.hosts[0].run("mkdir sky_workdir && echo precious > sky_workdir/thesis.tex")
    handle = lifecycle.bring_up(executor, wanted)
    assert "~/sky_workdir was there" in caplog.text
    assert executor.connect(handle).run(["ls", "sky_workdir"]).stdout == ""
    lifecycle.stop(executor, handle)
    assert lab.hosts[0].run("cat sky_workdir/thesis.tex") == "precious\n"
    handle = lifecycle.start(executor, handle)
    lifecycle.tear_down(executor, handle)
    assert lab.hosts[0].left() == ["sky_workdir"]
    assert lab.hosts[0].run("cat sky_workdir/thesis.tex") == "precious\n"


def test_a_stopped_cluster_waits_for_its_own_host(lab: Lab, executor: Executor) -> None:
    wanted = request(lab, 1)
    handle = lifecycle.bring_up(executor, wanted)
    lifecycle.stop(executor, handle)
    other = executor.provisioner.create(replace(wanted, cluster_id="c-2", cluster_name="guest"))
    assert state(executor, handle) is NodeState.STOPPED
    with pytest.raises(OutOfCapacity, match=r"is held by guest \("):
        lifecycle.start(executor, handle)
    assert state(executor, handle) is NodeState.STOPPED
    executor.provisioner.delete(other)
    handle = lifecycle.start(executor, handle)
    assert state(executor, handle) is NodeState.RUNNING
    lifecycle.tear_down(executor, handle)
    assert lab.hosts[0].left() == []


@pytest.mark.needs("namespaces")
def test_a_host_that_is_cut_off_is_degraded_not_gone_and_can_be_ended_later(
    lab: Lab, executor: Executor
) -> None:
    handle = lifecycle.bring_up(executor, request(lab, 1))
    machine = lab.hosts[0].host
    assert isinstance(machine, Machine)
    machine.partition()
    view = executor.provisioner.describe(handle)
    assert view.state is NodeState.DEGRADED
    assert lab.hosts[0].name in view.reason
    with pytest.raises(CleanupIncomplete, match=f"{lab.hosts[0].name}.*sky down c-1-name.*rm -rf"):
        lifecycle.tear_down(executor, handle)
    machine.heal()
    lifecycle.tear_down(executor, handle)
    assert lab.hosts[0].left() == []


@pytest.mark.needs("namespaces")
def test_a_creation_passes_over_a_host_that_is_off(lab: Lab, executor: Executor) -> None:
    wanted = request(lab, 2)
    machine = lab.hosts[0].host
    assert isinstance(machine, Machine)
    machine.crash()
    handle = executor.provisioner.create(wanted)
    assert [node.host for node in read_nodes(handle.data)] == [lab.hosts[1].name]
    executor.provisioner.delete(handle)


@pytest.mark.needs("namespaces")
def test_a_host_that_lost_power_is_degraded_and_a_start_repairs_it(lab: Lab, executor: Executor) -> None:
    wanted = request(lab, 1)
    handle = lifecycle.bring_up(executor, wanted)
    machine = lab.hosts[0].host
    assert isinstance(machine, Machine)
    machine.crash()
    machine.boot()
    view = executor.provisioner.describe(handle)
    assert (view.state, view.reason) == (NodeState.DEGRADED, "its agent does not run")
    assert lifecycle.bring_up(executor, wanted) == handle
    assert state(executor, handle) is NodeState.RUNNING
    lifecycle.tear_down(executor, handle)
