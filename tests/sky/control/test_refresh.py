"""What changed outside is found by a refresh, and said with its reason."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import sky
from catalog.offer import Market
from executors.api import NodeState
from executors.errors import CleanupIncomplete, Transient
from executors.fake import Script
from sky import core
from sky.cli.main import cli
from sky.control.endpoints import endpoints
from sky.control.records import ClusterRecord
from sky.control.state import open_store
from sky.exceptions import ClusterStatusFetchingError, PortDoesNotExistError
from sky.statuses import ClusterStatus
from tests.sky.control.fake_cloud import cloud

NAME = "dev"


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Script]:
    """A cloud with a cluster on a spot instance that opened two ports."""
    with cloud("aws", tmp_path, Script(exposed={8080: "lb.example:80", 9000: "lb.example:9000"})) as script:
        resources = sky.Resources(cloud="aws", cpus="2+", ports=[8080, 9000], use_spot=True)
        core.launch(sky.Task().set_resources(resources), NAME)
        yield script
        script._told.clear()
        core.down(NAME) if open_store().get(NAME) else None


def current() -> ClusterRecord:
    record = open_store().get(NAME)
    assert record is not None
    return record


def test_what_a_gone_cluster_left_is_removed_and_a_failure_of_that_forgiven(aws: Script) -> None:
    aws.tell(current().cluster_id, NodeState.GONE)
    aws.fail("delete", CleanupIncomplete("its firewall rules are still there"))
    assert core.status(refresh=True) == []
    assert [call.method for call in aws.calls][-1] == "delete"


def test_a_preempted_cluster_is_gone_with_the_providers_words(
    aws: Script, caplog: pytest.LogCaptureFixture
) -> None:
    assert current().offer.key.market is Market.SPOT
    aws.tell(current().cluster_id, NodeState.GONE, "aws took its spot instance back")
    with caplog.at_level(logging.INFO, "sky"):
        assert core.status(refresh=True) == []
    assert "Cluster dev is gone: aws took its spot instance back" in caplog.text
    assert core.cost_report()[0]["usage_intervals"][0][1] is not None


def test_a_preemption_that_nobody_explains_is_still_said(
    aws: Script, caplog: pytest.LogCaptureFixture
) -> None:
    aws.tell(current().cluster_id, NodeState.GONE)
    with caplog.at_level(logging.INFO, "sky"):
        done = CliRunner().invoke(cli, ["status", "--refresh"])
    assert "No cluster." in done.stdout
    assert "Cluster dev is gone: its spot instances were preempted, or terminated outside" in caplog.text


def test_a_cluster_that_lost_a_node_says_so(aws: Script) -> None:
    aws.tell(current().cluster_id, NodeState.DEGRADED, "1 of 2 nodes was preempted")
    (row,) = core.status(refresh=True)
    assert (row["status"], row["status_reason"]) == (ClusterStatus.INIT, "1 of 2 nodes was preempted")
    shown = CliRunner().invoke(cli, ["status"])
    assert "dev is INIT: 1 of 2 nodes was preempted; sky start dev repairs it" in shown.stderr


def test_a_cluster_that_was_stopped_outside_says_so(aws: Script) -> None:
    aws.tell(current().cluster_id, NodeState.STOPPED, "stopped by ada in the console")
    (row,) = core.status(refresh=True)
    assert (row["status"], row["status_reason"]) == (ClusterStatus.STOPPED, "stopped by ada in the console")


def test_a_provider_with_addresses_of_its_own_is_asked_for_them(aws: Script) -> None:
    assert endpoints(NAME) == {8080: "lb.example:80", 9000: "lb.example:9000"}
    assert CliRunner().invoke(cli, ["status", "--endpoint", "8080", NAME]).stdout == "lb.example:80\n"
    aws.fail("endpoints", Transient("try later"))
    with pytest.raises(ClusterStatusFetchingError, match="try later"):
        endpoints(NAME)


def test_an_address_that_is_not_there_yet_is_named(aws: Script) -> None:
    aws.exposed = {8080: "lb.example:80"}
    assert endpoints(NAME, 8080) == {8080: "lb.example:80"}
    with pytest.raises(PortDoesNotExistError, match="no address yet for 9000: pending; try again"):
        endpoints(NAME)


def test_others_have_their_ports_at_the_head_node(tmp_path: Path) -> None:
    with cloud("gcp", tmp_path, Script()):
        core.launch(sky.Task().set_resources(sky.Resources(cloud="gcp", cpus="2+", ports="8080-8081")), NAME)
        made = open_store().update(replace(current()), head_ip="203.0.113.9")
        assert endpoints(NAME) == {8080: f"{made.head_ip}:8080", 8081: f"{made.head_ip}:8081"}
        core.down(NAME)
