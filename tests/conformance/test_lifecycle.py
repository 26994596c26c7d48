"""What every executor does with clusters: idempotent steps, nothing left behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executors import lifecycle
from executors.api import Executor, Handle, NodeState, Stoppable
from executors.errors import SyncFailed
from tests.conformance.conftest import Make, Place, Subject


def test_creating_twice_makes_one_cluster_and_keeps_its_jobs(subject: Subject) -> None:
    _, first = subject.run("echo once")
    again = lifecycle.bring_up(subject.executor, subject.request)
    assert again == subject.handle
    assert [view.cluster_id for view in subject.executor.provisioner.list()] == ["c-1"]
    assert subject.queue.jobs() == [first]


def test_a_cluster_is_described_from_creation_to_the_end(subject: Subject) -> None:
    provisioner = subject.executor.provisioner
    view = provisioner.describe(subject.handle)
    assert (view.state, len(view.addresses)) == (NodeState.RUNNING, 1)
    lifecycle.tear_down(subject.executor, subject.handle)
    assert provisioner.describe(subject.handle).state is NodeState.GONE
    assert list(provisioner.list()) == []
    lifecycle.tear_down(subject.executor, subject.handle)


def test_tear_down_ends_running_jobs(subject: Subject, place: Place) -> None:
    job = subject.submit("sleep 300 & setsid sleep 301 & echo $$ $!; wait")
    pids = [int(pid) for pid in next(iter(subject.queue.tail(job))).split()]
    assert [place.alive(subject.handle, pid) for pid in pids] == [True, True]
    lifecycle.tear_down(subject.executor, subject.handle)
    assert [place.alive(subject.handle, pid) for pid in pids] == [False, False]


def test_a_cluster_whose_agent_cannot_start_is_found_and_removed_by_its_id(
    executor: Executor, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise SyncFailed("no space left")

    created: list[Handle] = []
    request = replace(subject.request, cluster_id="c-2")
    with monkeypatch.context() as broken:
        broken.setattr(lifecycle, "ensure_agent", refuse)
        with pytest.raises(SyncFailed, match="no space left"):
            lifecycle.bring_up(executor, request, on_created=created.append)
    assert [handle.cluster_id for handle in created] == ["c-2"]
    assert sorted(view.cluster_id for view in executor.provisioner.list()) == ["c-1", "c-2"]
    assert lifecycle.bring_up(executor, request) == created[0]
    lifecycle.tear_down(executor, Handle(executor.name, "c-2", request.cluster_name))
    assert [view.cluster_id for view in executor.provisioner.list()] == ["c-1"]


@pytest.mark.usefixtures("stoppable")
def test_stop_keeps_files_and_records_and_start_takes_jobs_again(subject: Subject) -> None:
    assert isinstance(subject.executor.provisioner, Stoppable)
    subject.run("echo kept > ~/file")
    running, waiting = (
        subject.submit(script, demand=replace(subject_demand(), cpus_milli=2_000))
        for script in ("sleep 300", "echo resumed")
    )
    lifecycle.stop(subject.executor, subject.handle)
    lifecycle.stop(subject.executor, subject.handle)
    assert subject.executor.provisioner.describe(subject.handle).state is NodeState.STOPPED
    subject.handle = lifecycle.start(subject.executor, subject.handle)
    subject.handle = lifecycle.start(subject.executor, subject.handle)
    assert subject.executor.provisioner.describe(subject.handle).state is NodeState.RUNNING
    assert subject.finish(waiting)[0] == "resumed\n"
    assert {job.job_id: job.state.value for job in subject.queue.jobs([running, waiting])} == {
        running: "CANCELLED",
        waiting: "SUCCEEDED",
    }
    output, job = subject.run("cat ~/file")
    assert (output, job.job_id) == ("kept\n", waiting + 1)


def subject_demand():  # type: ignore[no-untyped-def]
    from executors.job import Demand

    return Demand()


def test_an_offer_is_all_that_create_needs(make: Make, subject: Subject) -> None:
    other = make("c-2", subject.request.offer)
    assert other.handle.cluster_id == "c-2"
    subject.run("touch here")
    assert [each.run("ls")[0] for each in (subject, other)] == ["here\n", ""]
