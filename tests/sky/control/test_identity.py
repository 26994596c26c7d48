"""Whose a cluster is: the user's, under the identity that its cloud knew them by."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sky
from executors import registry
from executors.api import Access
from executors.errors import Transient
from executors.fake import Script
from sky import core
from sky.control.state import open_store
from sky.exceptions import ClusterOwnerIdentityMismatchError
from tests.sky.control.fake_cloud import ADA, cloud

NAME = "dev"
EVE = Access(enabled=True, identity="acct-2/ada")
VERBS: dict[str, Callable[[], object]] = {
    "launch": lambda: core.launch(_task(), NAME),
    "exec": lambda: core.exec(sky.Task(run="true"), NAME),
    "start": lambda: core.start(NAME),
    "stop": lambda: core.stop(NAME),
    "down": lambda: core.down(NAME),
    "purge": lambda: core.down(NAME, purge=True),
    "autostop": lambda: core.autostop(NAME, 10),
    "dryrun": lambda: core.launch(_task(), NAME, dryrun=True),
    "queue": lambda: core.queue(NAME),
}


def _task() -> sky.Task:
    return sky.Task().set_resources(sky.Resources(cloud="aws", cpus="2+"))


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Script]:
    """A cloud on which ada has a cluster."""
    with cloud("aws", tmp_path, Script(access=ADA)) as script:
        core.launch(_task(), NAME)
        yield script
        script.access, script.fingerprint = ADA, "ada again"
        record = open_store().get(NAME)
        if record is not None:
            registry.load("aws").provisioner.delete(record.executor_handle)


def become_eve(script: Script) -> None:
    script.access, script.fingerprint = EVE, "profile=eve"


def owner() -> str:
    record = open_store().get(NAME)
    assert record is not None
    return record.owner


def test_a_cluster_belongs_to_the_user_as_the_cloud_knows_them(aws: Script) -> None:
    assert owner() == f"{getpass.getuser()} as acct-1/ada"
    core.exec(sky.Task(run="true"), NAME)
    core.down(NAME)
    assert core.status() == []


def test_another_identity_is_refused_by_name(aws: Script) -> None:
    become_eve(aws)
    effects = len(aws.calls)
    for verb, call in VERBS.items():
        with pytest.raises(ClusterOwnerIdentityMismatchError) as caught:
            call()
        assert "as acct-1/ada, and you are" in str(caught.value), verb
        assert "as acct-2/ada" in str(caught.value), verb
    assert {call.method for call in aws.calls[effects:]} <= {"check"}
    assert open_store().get(NAME) is not None


def test_what_another_identity_does_not_see_is_not_gone(aws: Script) -> None:
    record = open_store().get(NAME)
    assert record is not None
    registry.load("aws").provisioner.delete(record.executor_handle)
    aws.access = EVE  # a change of credentials that nothing here shows
    assert len(core.status(refresh=True)) == 1
    assert aws.calls[-1].method == "check"
    aws.access = ADA
    core.down(NAME)
    assert core.status() == []


def test_what_another_identity_does_not_see_is_not_down(aws: Script) -> None:
    aws.access = EVE
    with pytest.raises(ClusterOwnerIdentityMismatchError):
        core.down(NAME)
    assert aws.calls[-1].method == "check"


def test_whose_a_cluster_is_can_be_told_again_at_once(aws: Script) -> None:
    become_eve(aws)
    with pytest.raises(ClusterOwnerIdentityMismatchError):
        core.exec(sky.Task(run="true"), NAME)
    aws.access = ADA
    core.exec(sky.Task(run="true"), NAME)


def test_a_cloud_that_does_not_answer_speaks_against_nobody(aws: Script) -> None:
    aws.fingerprint = "renewed"
    aws.fail("check", Transient("the network is down"))
    core.exec(sky.Task(run="true"), NAME)


def test_records_of_before_identities_are_their_users(aws: Script) -> None:
    record = open_store().get(NAME)
    assert record is not None
    open_store().update(record, owner=getpass.getuser())
    become_eve(aws)
    core.exec(sky.Task(run="true"), NAME)
    core.down(NAME)
