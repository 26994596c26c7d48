"""Whichever call of AWS was the last before a kill: what exists is found by its id, completed, or ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from executors.api import Handle, NodeState
from executors.aws import session
from executors.aws.network import own_groups
from executors.aws.provisioner import AwsProvisioner
from tests.clouds.ec2.cloud import Cloud
from tests.executors.aws.conftest import request
from tests.integration.killed_at import arm

LIVE = ("pending", "running", "stopping", "stopped")
BARE = Handle("aws", "dev-1", "dev")
WANTED = request(num_nodes=2, ports=("8080",))
_CALL = "botocore.client:BaseClient._make_api_call"


def killed(work: Callable[[], object], call: int) -> bool:
    """Do ``work`` in a process that dies right after its so-manieth call of AWS; false if it had fewer."""
    child = os.fork()
    if not child:
        session._client.cache_clear()
        arm(_CALL, "after", call)
        try:
            work()
        finally:
            os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def assert_nothing_is_left(ec2: Cloud, home: Path) -> None:
    assert ec2.instances(*LIVE) == []
    assert own_groups("us-east-1", "dev-1") == {}
    assert [path.name for path in (home / ".sky").rglob("*") if "dev-1" in path.name] == []


def call_that_makes_instances(ec2: Cloud) -> int:
    """Return the number of that call in a first create."""
    AwsProvisioner().create(WANTED)
    number = [call["action"] for call in ec2.calls()].index("RunInstances") + 1
    AwsProvisioner().delete(BARE)
    ec2.reset()
    return number


@pytest.mark.parametrize("ending", ["delete", "create"])
def test_a_kill_when_the_instances_were_made(
    ending: str, ec2: Cloud, aws: AwsProvisioner, home: Path
) -> None:
    number = call_that_makes_instances(ec2)
    ec2.timing(unlisted_s=0.3)
    assert killed(lambda: aws.create(WANTED), number)
    if ending == "create":
        assert aws.describe(aws.create(WANTED)).state is NodeState.RUNNING
        assert len(ec2.instances()) == 2
    aws.delete(BARE)
    assert_nothing_is_left(ec2, home)


@pytest.mark.needs("time")
@pytest.mark.parametrize("ending", ["delete", "create"])
def test_a_kill_after_any_call_of_create(ending: str, ec2: Cloud, aws: AwsProvisioner, home: Path) -> None:
    number = 0
    while True:
        number += 1
        ec2.reset()
        ec2.timing(unlisted_s=0.3)
        if not killed(lambda: aws.create(WANTED), number):
            break
        if ending == "create":
            assert aws.describe(aws.create(WANTED)).state is NodeState.RUNNING
            assert len(ec2.instances(*LIVE)) == 2
        aws.delete(BARE)
        assert_nothing_is_left(ec2, home)
    assert number > 10


@pytest.mark.needs("time")
@pytest.mark.parametrize("verb", ["stop", "start", "delete"])
def test_a_kill_after_any_call_of_the_others(verb: str, ec2: Cloud, aws: AwsProvisioner, home: Path) -> None:
    number = 0
    while True:
        number += 1
        ec2.reset()
        handle = aws.create(WANTED)
        if verb == "start":
            aws.stop(handle)
        was_killed = killed(lambda handle=handle: getattr(aws, verb)(handle), number)
        if verb == "stop":
            aws.stop(handle)
            assert aws.describe(handle).state is NodeState.STOPPED
        if verb == "start":
            assert aws.describe(aws.start(handle)).state is NodeState.RUNNING
        aws.delete(BARE)
        assert_nothing_is_left(ec2, home)
        if not was_killed:
            break
    assert number > 1
