from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import sky
from catalog.errors import UserError
from executors import registry
from executors.api import Access, Handle, NodeRequest, NodeState
from executors.errors import CleanupIncomplete, Transient
from executors.fake import Script
from sky import core
from sky.cli.main import cli
from sky.control import gc
from sky.control.gc import Kind, remove, survey
from sky.control.records import ClusterRecord
from sky.control.state import open_store
from sky.statuses import ClusterStatus
from tests.sky.control.fake_cloud import ADA, cloud
from tests.sky.control.store_suite import OFFER


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A cloud where everything is old enough to be judged."""
    monkeypatch.setattr(gc, "YOUNG_S", 0)
    monkeypatch.delenv("COLUMNS", raising=False)
    with cloud("aws", tmp_path, Script(access=ADA)) as script:
        yield script


@pytest.fixture
def gcp(tmp_path: Path) -> Iterator[Script]:
    with cloud("gcp", tmp_path, Script(access=Access(enabled=True))) as script:
        yield script


def make(cluster_id: str, infra: str = "aws") -> Handle:
    """Make what a provider holds, without a record."""
    name = cluster_id.rpartition("-")[0]
    return registry.load(infra).provisioner.create(NodeRequest(cluster_id, name, OFFER))


def recorded(name: str = "dev", **changes: object) -> ClusterRecord:
    """Make a cluster and its record, UP."""
    handle = make(f"{name}-00000001")
    made = ClusterRecord(name, handle.cluster_id, "aws", OFFER, handle=dict(handle.data), launched_at=5)
    return open_store().update(open_store().add(replace(made, **changes)), status=ClusterStatus.UP)  # type: ignore[arg-type]


def held(infra: str = "aws") -> list[str]:
    return [view.cluster_id for view in registry.load(infra).provisioner.list()]


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["gc", *words], standalone_mode=False)


def test_where_records_and_providers_agree_there_is_nothing_to_do(aws: Script) -> None:
    recorded()
    assert survey().findings == ()
    done = run()
    assert done.return_value == 0
    assert "agree" in done.stdout


def test_what_a_closed_record_left_is_found_with_its_price_and_removed(aws: Script) -> None:
    record = recorded(num_nodes=2)
    open_store().close(record)
    (found,) = survey().findings
    assert (found.kind, found.infra, found.cluster_id) == (Kind.ORPHAN, "aws", record.cluster_id)
    assert (found.place, found.hourly_micro_usd) == ("us-east-1/us-east-1a", 2 * OFFER.price_micro_usd)
    assert time.time() - found.created_at < 60
    done = run()
    assert done.return_value == 1
    assert held() == [record.cluster_id], "nothing is removed unless it is said so"
    assert "sky gc dev-00000001 --yes" in done.stdout
    assert run("--yes").return_value == 0
    assert held() == []
    assert run().return_value == 0


def test_what_was_never_recorded_here_is_removed_by_its_id_only(aws: Script) -> None:
    make("theirs-00000002")
    (found,) = survey().findings
    assert (found.kind, found.name, found.hourly_micro_usd) == (Kind.UNKNOWN, "theirs", 0)
    assert run("-y").return_value == 1
    assert held() == ["theirs-00000002"]
    assert run("theirs-00000002", "-y").return_value == 0
    assert held() == []


def test_a_record_of_what_is_gone_is_closed(aws: Script) -> None:
    record = recorded()
    registry.load("aws").provisioner.delete(record.executor_handle)
    (found,) = survey().findings
    assert (found.kind, found.state) == (Kind.GONE, "UP")
    assert "preempted, or terminated outside" in found.detail
    assert open_store().get("dev") is not None
    assert run("--yes").return_value == 0
    assert open_store().get("dev") is None
    assert open_store().usage()[0].ended_at is not None


def test_a_list_that_is_not_complete_closes_no_record(aws: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    monkeypatch.setattr(registry.load("aws").provisioner, "list", list)
    assert survey().findings == ()


def test_a_provider_that_cannot_say_closes_no_record(aws: Script) -> None:
    record = recorded()
    registry.load("aws").provisioner.delete(record.executor_handle)
    aws.fail("describe", Transient("try later"))
    found = survey()
    assert found.findings == ()
    assert "try later" in found.left_alone[record.cluster_id]


def test_a_launch_that_may_be_under_way_is_left_alone(aws: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store()
    begun = store.add(ClusterRecord("begun", "begun-00000003", "aws", OFFER))
    ended = recorded("ended")
    store.close(ended)
    os.utime(Path(ended.executor_handle.data["folder"], "cluster.json"), (5, 5))
    make("young-00000004")
    monkeypatch.setattr(gc, "YOUNG_S", 600)
    with store.lock("begun"):
        found = survey()
        done = run("--yes")
    assert found.findings == ()
    assert set(found.left_alone) == {begun.cluster_id, ended.cluster_id, "young-00000004"}
    assert done.return_value == 0
    assert len(held()) == 2
    assert "left alone: it is younger than 10 minutes" in done.stderr


def test_a_cluster_that_a_command_works_on_is_left_alone(aws: Script) -> None:
    orphan = recorded("orphan")
    open_store().close(orphan)
    gone = recorded("gone")
    registry.load("aws").provisioner.delete(gone.executor_handle)
    with open_store().lock("orphan"), open_store().lock("gone"):
        found = survey()
    assert found.findings == ()
    assert set(found.left_alone) == {orphan.cluster_id, gone.cluster_id}
    findings = {each.name: each for each in survey().findings}
    with open_store().lock("orphan"), pytest.raises(Exception, match="another command"):
        remove(findings["orphan"])
    assert held() == [orphan.cluster_id]


@pytest.mark.parametrize("made", [False, True])
def test_an_interrupted_launch_is_removed_whatever_it_made(made: bool, aws: Script) -> None:
    if made:
        make("half-00000005")
    open_store().add(ClusterRecord("half", "half-00000005", "aws", OFFER, intent_at=int(time.time())))
    (found,) = survey().findings
    assert (found.kind, found.remedy) == (Kind.INTERRUPTED, "sky gc half-00000005 --yes")
    assert run().return_value == 1
    assert open_store().get("half") is not None, "nothing is removed unless it is said so"
    assert run("-y").return_value == 0
    assert held() == []
    assert open_store().get("half") is None


def test_a_launch_that_came_to_its_end_meanwhile_is_not_removed(aws: Script) -> None:
    make("half-00000005")
    begun = open_store().add(ClusterRecord("half", "half-00000005", "aws", OFFER))
    (found,) = survey().findings
    open_store().update(begun, status=ClusterStatus.UP)
    with pytest.raises(UserError, match="half changed meanwhile"):
        remove(found)
    assert held() == ["half-00000005"]


def test_a_record_of_which_only_firewall_rules_are_left_is_closed_with_them(aws: Script) -> None:
    record = recorded()
    aws.tell(record.cluster_id, NodeState.DEGRADED, "its rules are left", nodeless=True)
    (found,) = survey().findings
    assert (found.kind, found.state) == (Kind.GONE, "UP")
    assert "its rules are left" in found.detail
    assert run("--yes").return_value == 0
    assert "delete" in [call.method for call in aws.calls if call.cluster_id == record.cluster_id]
    assert open_store().get("dev") is None


def test_a_launch_that_begins_while_providers_are_asked_has_its_record(
    aws: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    provisioner = registry.load("aws").provisioner
    look = provisioner.list

    def launch_and_look() -> object:
        if open_store().get("dev") is None:
            recorded()
        return look()

    monkeypatch.setattr(provisioner, "list", launch_and_look)
    assert survey().findings == ()


def test_other_users_things_are_not_looked_at(aws: Script) -> None:
    theirs = recorded(owner="eve")
    open_store().close(theirs)
    gone = recorded("gone", owner="eve as acct-9/eve")
    registry.load("aws").provisioner.delete(gone.executor_handle)
    found = survey()
    assert (found.findings, found.left_alone) == ((), {})
    assert run("-y").return_value == 0
    assert held() == [theirs.cluster_id]


def test_a_provider_that_does_not_answer_stops_no_other(aws: Script, gcp: Script) -> None:
    open_store().close(recorded())
    make("theirs-00000002", "gcp")
    aws.fail("list", Transient("the network is down"))
    found = survey()
    assert [each.infra for each in found.findings] == ["gcp"]
    assert found.silent == {"aws": "the network is down"}
    release = gcp.hold("list")
    try:
        found = survey(limit_s=0.2)
    finally:
        release.set()
    assert [each.infra for each in found.findings] == ["aws"]
    assert found.silent == {"gcp": "no answer within 0.2 s"}


def test_silence_is_not_a_clean_bill(aws: Script) -> None:
    aws.fail("list", Transient("the network is down"))
    done = run()
    assert done.return_value == 1
    assert "aws did not say what it holds: the network is down" in done.stderr


def test_credentials_that_went_away_are_named_where_clusters_were(aws: Script, gcp: Script) -> None:
    recorded()
    aws.configured = gcp.configured = False
    found = survey()
    assert set(found.silent) == {"aws"}
    assert "sky check aws" in found.silent["aws"]


def test_what_could_not_be_removed_stays_found(aws: Script) -> None:
    open_store().close(recorded())
    aws.fail("delete", CleanupIncomplete("one disk is left: vol-1"))
    done = run("--yes", "--json")
    assert done.return_value == 1
    (found,) = json.loads(done.stdout)["findings"]
    assert (found["kind"], found["removed"]) == ("orphan", False)
    assert "vol-1" in found["error"]
    assert run("--yes").return_value == 0


def test_json_says_all_of_it(aws: Script) -> None:
    open_store().close(recorded())
    report = json.loads(run("--json").stdout)
    assert set(report) == {"findings", "silent", "left_alone"}
    (found,) = report["findings"]
    assert (found["price_usd_per_hour"], found["removed"], found["error"]) == (7.2, False, None)


def test_an_id_that_was_not_found_is_a_mistake(aws: Script) -> None:
    done = run("dev-00000001", "-y")
    assert "nothing to remove" in str(done.exception)


def test_an_id_that_is_no_name_is_no_path(
    aws: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    view = replace(registry.load("aws").provisioner.describe(make("odd-00000001")), cluster_id="../../odd-1")
    monkeypatch.setattr(registry.load("aws").provisioner, "list", lambda: [view])
    (found,) = survey().findings
    assert found.name == "../../odd"
    assert list(Path(tmp_path).rglob("odd.lock")) == []


def test_a_whole_launch_and_a_purge(aws: Script) -> None:
    core.launch(sky.Task().set_resources(sky.Resources(cloud="aws", cpus="2+")), "dev")
    assert survey().findings == ()
    aws.fail("delete", CleanupIncomplete("the provider has a bad day"))
    core.down("dev", purge=True)
    (found,) = survey().findings
    assert (found.kind, found.state) == (Kind.ORPHAN, NodeState.RUNNING.value)
    remove(found)
    assert held() == []
