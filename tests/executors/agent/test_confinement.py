"""Jobs in control groups of the kernel: their limits hold, and nothing that they start gets away."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from executors.agent import confinement, processes
from executors.agent.capacity import Capacity
from executors.agent.capacity import Demand as NodeDemand
from executors.agent.control_group import ControlGroup, Limits
from executors.agent.layout import Layout
from executors.job import Demand, JobState
from tests.executors.conftest import Node, spec, wait_until

CAPPED = Demand(cpus_milli=100, memory_mib=64, cpus_capped=True, memory_capped=True)
GREEDY = f"{sys.executable} -c 'bytearray(256 << 20)'"
HOLD = "echo ready; until [ -e ~/go ]; do sleep 0.02; done; echo done"
HIDE = """( setsid sh -c 'echo $$ > ~/hidden; exec sleep 300' <&- >&- 2>&- & )
until [ -s ~/hidden ]; do sleep 0.02; done
"""
"""Leaves a process behind that is no child, in no session, and holds no file of the job."""

confined = pytest.mark.needs("cgroups")


def _tree(node: Node) -> ControlGroup:
    found = confinement.read(Layout(node.home))
    assert found.tree is not None, found.reason
    return found.tree


def _value(node: Node, *names: str) -> str:
    """Return the first line of the file of one of these names in the one job's group."""
    (group,) = _tree(node).children("job-")
    paths = [folder / name for folder in group.folders for name in names if (folder / name).exists()]
    return paths[0].read_text().splitlines()[0]


def _gone(pid: int) -> bool:
    return processes.started(pid) is None


@confined
def test_a_job_that_takes_more_than_its_memory_ends_alone_and_says_why(node: Node) -> None:
    other = node.queue.submit(spec(HOLD, run_timestamp="other"))
    job = node.queue.submit(spec(f"exec {GREEDY}", demand=CAPPED))
    output = b"".join(node.queue.tail(job)).decode()
    record = node.queue.jobs([job])[0]
    assert (record.state, record.exit_code) == (JobState.FAILED, 137)
    assert output.splitlines()[-1] == (
        "sky: a process of this job was killed as its 64 MiB of memory were used up; "
        "ask for more memory in its resources"
    )
    (node.home / "go").touch()
    assert b"".join(node.queue.tail(other)) == b"ready\ndone\n"
    assert node.queue.jobs([other])[0].state is JobState.SUCCEEDED


@confined
def test_each_attempt_has_the_whole_of_its_memory_anew(node: Node) -> None:
    script = f"[ -e ~/tried ] && exec echo enough; touch ~/tried; exec {GREEDY}"
    job = node.queue.submit(spec(script, demand=CAPPED, retries=1))
    output = b"".join(node.queue.tail(job)).decode()
    assert output.count("64 MiB of memory were used up") == 1
    assert output.splitlines()[-1] == "enough"


@confined
def test_a_job_gets_the_cpu_that_it_asked_for_and_no_more(node: Node) -> None:
    job = node.queue.submit(spec(f"while [ ! -e ~/go ]; do :; done & {HOLD}", demand=CAPPED))
    assert next(iter(node.queue.tail(job))) == b"ready\n"
    assert _value(node, "cpu.cfs_quota_us", "cpu.max").split()[0] == "10000"
    (group,) = _tree(node).children("job-")
    stat = next(folder / "cpu.stat" for folder in group.folders if (folder / "cpu.stat").exists())
    wait_until(lambda: int(dict(map(str.split, stat.read_text().splitlines()))["nr_throttled"]) > 1)
    (node.home / "go").touch()
    assert b"".join(node.queue.tail(job)).endswith(b"done\n")


@confined
@pytest.mark.parametrize(
    "demand",
    [
        Demand(),
        Demand(cpus_milli=1_000, memory_mib=64),
        Demand(cpus_milli=2_000, memory_mib=4_096, cpus_capped=True, memory_capped=True),
    ],
    ids=["nothing", "at-least", "whole-node"],
)
def test_who_asks_for_nothing_exact_or_for_all_is_not_limited(node: Node, demand: Demand) -> None:
    job = node.queue.submit(spec(HOLD, demand=demand))
    assert next(iter(node.queue.tail(job))) == b"ready\n"
    assert _value(node, "cpu.cfs_quota_us", "cpu.max").split()[0] in ("-1", "max")
    memory = _value(node, "memory.limit_in_bytes", "memory.max")
    assert memory == "max" or int(memory) > 1 << 60
    (node.home / "go").touch()
    assert b"".join(node.queue.tail(job)).endswith(b"done\n")


@confined
def test_what_hides_from_a_job_ends_with_it(node: Node) -> None:
    jobs = {}
    for name, after in (("ended", "exit 3"), ("cancelled", f"{HOLD}"), ("killed", f"{HOLD}")):
        (node.home / "hidden").unlink(missing_ok=True)
        job = node.queue.submit(spec(f"{HIDE} {after}", run_timestamp=name))
        wait_until(lambda: (node.home / "hidden").exists() and (node.home / "hidden").read_text())
        hidden = int((node.home / "hidden").read_text())
        if name == "cancelled":
            assert node.queue.cancel([job]) == [job]
        elif name == "killed":
            pid = node.queue.jobs([job])[0].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda job=job: node.queue.jobs([job])[0].state.terminal)
        assert _gone(hidden), name
        jobs[name] = node.queue.jobs([job])[0].state
    assert jobs == {
        "ended": JobState.FAILED,
        "cancelled": JobState.CANCELLED,
        "killed": JobState.FAILED_DRIVER,
    }
    wait_until(lambda: _tree(node).children("job-") == [])


@confined
def test_what_goes_on_in_ever_new_processes_is_ended(node: Node) -> None:
    heirs = "trap '' TERM; pass_on() { [ $1 -gt 0 ] && echo >> ~/heirs && pass_on $(($1 - 1)) & }"
    script = f"{heirs}; for _ in 1 2 3; do pass_on 20000; done; {HOLD}"
    job = node.queue.submit(spec(script, demand=Demand(cpus_milli=500, cpus_capped=True)))
    assert next(iter(node.queue.tail(job))) == b"ready\n"
    assert node.queue.cancel([job]) == [job]
    born = (node.home / "heirs").stat().st_size
    assert b"".join(node.queue.tail(node.queue.submit(spec("echo next", run_timestamp="next")))) == b"next\n"
    assert (node.home / "heirs").stat().st_size == born
    assert node.queue.jobs([job])[0].state is JobState.CANCELLED


@confined
def test_nothing_of_a_cluster_is_left_in_the_kernel(node: Node) -> None:
    folders = _tree(node).folders
    assert all(folder.is_dir() for folder in folders)
    node.executor.provisioner.delete(node.handle)
    assert not any(folder.exists() for folder in folders)


def test_a_job_with_limits_says_when_the_node_cannot_hold_it_to_them(node: Node) -> None:
    confinement.read(Layout(node.home)).forget()
    record = {"boot": processes.boot_id(), "version": 0, "folders": {}, "reason": "no such thing here"}
    (node.state / "confinement.json").write_text(json.dumps(record))
    job = node.queue.submit(spec("echo hello", demand=CAPPED))
    assert b"".join(node.queue.tail(job)).decode().splitlines() == [
        "sky: this job is not confined to its 0.1 CPUs and 64 MiB of memory: no such thing here",
        "hello",
    ]
    plain = node.queue.submit(spec("echo hello", run_timestamp="plain"))
    assert b"".join(node.queue.tail(plain)) == b"hello\n"


def test_what_was_made_before_a_reboot_does_not_count(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.state.mkdir()
    record = {"boot": "before", "version": 1, "folders": {"cpu": "/c", "memory": "/m"}, "reason": ""}
    (layout.state / "confinement.json").write_text(json.dumps(record))
    assert confinement.read(layout).tree is None


def test_limits_are_what_was_asked_for_exactly_below_the_node() -> None:
    node = Capacity(4_000, 8_192, "", 0)
    demand = NodeDemand(2_000, 8_192, "", 0)
    both = {"demand": {"cpus_capped": True, "memory_capped": True}}
    assert confinement.limits_of(both, demand, node) == Limits(2_000, 2_000, 0)
    assert confinement.limits_of({}, demand, node) == Limits(2_000, 0, 0)


def _kernel_group(folder: Path, procs: str = "", *, root: bool = False) -> Path:
    """Make a folder that looks like a group of version 2."""
    folder.mkdir()
    (folder / "cgroup.procs").write_text(procs)
    if not root:
        (folder / "cgroup.type").write_text("domain\n")
    return folder


def test_a_login_under_systemd_has_its_tree_in_the_user_s_slice(tmp_path: Path) -> None:
    top = _kernel_group(tmp_path / "top", root=True)
    user = _kernel_group(_kernel_group(top / "user.slice") / "user-1000.slice")
    session = _kernel_group(user / "session-3.scope", "71\n72\n")
    manager = _kernel_group(user / "user@1000.service")
    for own in (session, manager):
        assert confinement.home_v1(own, top) == user
        assert confinement.home_v2(own, top) == user


def test_a_machine_without_systemd_has_its_tree_at_the_top_and_a_container_has_none(tmp_path: Path) -> None:
    top = _kernel_group(tmp_path / "top", "1\n2\n", root=True)
    assert confinement.home_v2(top, top) == top
    container = _kernel_group(tmp_path / "container", "1\n2\n")
    assert confinement.home_v2(container, container) is None
    assert confinement.home_v1(container, container) == container
