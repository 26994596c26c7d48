"""Autostop fires when it should, does not when it should not, and stops or removes the cluster itself."""

from __future__ import annotations

import time

import pytest

from executors import lifecycle, node_setup
from executors.api import Autostop, NodeState
from executors.errors import ExecutorError, Transient
from tests.conformance.conftest import Subject


@pytest.fixture
def quick(subject: Subject) -> Subject:
    """A cluster whose idle minutes last 0.3 s."""
    subject.tune(seconds_per_idle_minute=0.3)
    return subject


def state(subject: Subject) -> NodeState:
    return subject.executor.provisioner.describe(subject.handle).state


def wait_for(subject: Subject, wanted: NodeState) -> None:
    deadline = time.monotonic() + 60
    while state(subject) is not wanted:
        assert time.monotonic() < deadline, f"still {state(subject)}"
        time.sleep(0.02)


@pytest.mark.usefixtures("stoppable")
def test_an_idle_cluster_stops_itself_and_starts_again_without_a_setting(quick: Subject) -> None:
    quick.run("echo kept > ~/file")
    quick.queue.set_autostop(Autostop(1))
    wait_for(quick, NodeState.STOPPED)
    quick.handle = lifecycle.start(quick.executor, quick.handle)
    assert quick.queue.autostop() is None
    assert quick.run("cat ~/file")[0] == "kept\n"


def test_an_idle_cluster_takes_itself_down(quick: Subject) -> None:
    quick.queue.set_autostop(Autostop(1, down=True))
    wait_for(quick, NodeState.GONE)
    assert list(quick.executor.provisioner.list()) == []


@pytest.mark.usefixtures("stoppable")
def test_a_job_keeps_the_cluster_up_until_it_ends(quick: Subject) -> None:
    job = quick.submit("until [ -e ~/go ]; do sleep 0.02; done")
    quick.queue.set_autostop(Autostop(0))
    assert quick.queue.idle_since() is None
    time.sleep(0.7)
    assert state(quick) is NodeState.RUNNING
    quick.executor.connect(quick.handle).run(["touch", "go"])
    wait_for(quick, NodeState.STOPPED)
    with pytest.raises(ExecutorError):
        quick.submit("true")
    quick.handle = lifecycle.start(quick.executor, quick.handle)
    assert quick.queue.jobs([job])[0].state.value == "SUCCEEDED"


@pytest.mark.usefixtures("stoppable")
def test_setup_keeps_the_cluster_up(quick: Subject) -> None:
    seen: list[NodeState] = []

    def react(chunk: bytes) -> None:
        if b"begun" in chunk:
            quick.queue.set_autostop(Autostop(1))
            quick.executor.connect(quick.handle).run(["touch", "set"])
        if b"much later" in chunk:
            seen.append(state(quick))
            quick.executor.connect(quick.handle).run(["touch", "seen"])

    wait = "until [ -e ~/{} ]; do sleep 0.02; done"
    script = f"echo begun; {wait.format('set')}; sleep 0.8; echo much later; {wait.format('seen')}"
    node_setup.run_setup(quick.executor, quick.handle, script, env={}, run_timestamp="sky-s", on_output=react)
    assert seen == [NodeState.RUNNING]
    wait_for(quick, NodeState.STOPPED)


def test_a_cancelled_setting_does_not_act_and_a_new_one_restarts_the_clock(subject: Subject) -> None:
    queue = subject.queue
    subject.run("true")
    before = queue.idle_since()
    queue.set_autostop(Autostop(60))
    first = queue.idle_since()
    assert before is not None
    assert first is not None
    assert first > before
    queue.set_autostop(Autostop(30, down=True))
    assert queue.idle_since() == first
    assert queue.autostop() == Autostop(30, down=True)
    queue.set_autostop(Autostop(-1))
    assert queue.autostop() is None
    queue.set_autostop(Autostop(60))
    again = queue.idle_since()
    assert again is not None
    assert again > first
    assert state(subject) is NodeState.RUNNING


def test_a_stopping_cluster_refuses_work(subject: Subject) -> None:
    subject.queue.stop_agent()
    with pytest.raises(Transient, match="stopping"):
        subject.submit("true")
