"""Clusters of instances over real HTTP: all or none, found by their id alone, nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from catalog.errors import UserError
from catalog.offer import Market
from catalog.scope import Scope
from executors.api import Handle, NodeState
from executors.errors import (
    AuthError,
    CleanupIncomplete,
    OutOfCapacity,
    QuotaExceeded,
    Transient,
)
from executors.fanout import on_each
from executors.gcp import firewall, instances, names
from executors.gcp.provisioner import GcpProvisioner
from executors.transports.address import Address, read_nodes
from executors.vm import ready
from tests.clouds.gce import faults
from tests.clouds.gce.gce import Gce
from tests.executors.gcp.conftest import offer, order


def by_id(cluster_id: str = "dev-0a1b2c3d") -> Handle:
    """The handle of a cluster whose creation was interrupted."""
    return Handle("gcp", cluster_id, "dev")


def test_a_cluster_from_nothing_to_gone(provisioner: GcpProvisioner, gce: Gce) -> None:
    handle = provisioner.create(order(num_nodes=2, ports=("8080", "9000-9010"), labels={"team": "a"}))
    assert handle.data["zone"] == "us-east1-b"
    assert len({node.internal_ip for node in read_nodes(handle.data)}) == 2
    assert provisioner.describe(handle).state is NodeState.RUNNING
    assert provisioner.describe(handle).addresses == tuple(node.host for node in read_nodes(handle.data))
    assert provisioner.describe(by_id()) == provisioner.describe(handle)
    assert [view.cluster_id for view in provisioner.list()] == ["dev-0a1b2c3d"]
    assert [each["labels"]["team"] for each in gce.instances()] == ["a", "a"]
    assert len(gce.calls("firewalls.insert")) == 3
    running = provisioner.describe(handle)
    provisioner.stop(handle)
    provisioner.stop(handle)
    stopped = provisioner.describe(handle)
    assert stopped.state is NodeState.STOPPED
    assert 0 < running.created_at == stopped.created_at <= running.since <= stopped.since
    assert stopped.place == "us-east1/us-east1-b"
    started = provisioner.start(provisioner.start(handle))
    assert provisioner.describe(started).state is NodeState.RUNNING
    before, after = read_nodes(handle.data), read_nodes(started.data)
    assert [node.internal_ip for node in before] == [node.internal_ip for node in after]
    assert {node.host for node in before}.isdisjoint(node.host for node in after)
    provisioner.delete(by_id())
    provisioner.delete(handle)
    assert provisioner.describe(handle).state is NodeState.GONE
    assert (gce.instances(), provisioner.list()) == ([], [])


def test_the_same_id_twice_is_one_cluster(provisioner: GcpProvisioner, gce: Gce) -> None:
    first = provisioner.create(order(num_nodes=2))
    assert provisioner.create(order(num_nodes=2)) == first
    assert len(gce.calls("instances.insert")) == 2
    assert len(gce.calls("firewalls.insert")) == 2


def test_names_of_clusters_that_differ_in_what_names_cannot_hold_stay_apart(
    provisioner: GcpProvisioner,
) -> None:
    ids = ["My.Dev-0a1b2c3d", "my-dev-0a1b2c3d", "x" * 63 + "-0a1b2c3d", "x" * 63 + "-0a1b2c3e"]
    assert len({names.tag(each) for each in ids}) == 4
    for each in ids:
        provisioner.create(order(each))
    provisioner.delete(by_id(ids[0]))
    assert [view.cluster_id for view in provisioner.list()] == sorted(ids[1:])


def test_a_cluster_is_found_over_many_pages(provisioner: GcpProvisioner, gce: Gce) -> None:
    gce.set(page_size=1)
    handle = provisioner.create(order(num_nodes=3, ports=("80",)))
    assert len(provisioner.describe(by_id()).addresses) == 3
    provisioner.delete(handle)
    assert (gce.instances(), provisioner.list()) == ([], [])


def test_a_stockout_of_one_node_leaves_none(provisioner: GcpProvisioner, gce: Gce) -> None:
    gce.fail(faults.stockout("us-east1-b", times=1))
    with pytest.raises(OutOfCapacity, match="ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS") as caught:
        provisioner.create(order(num_nodes=3))
    assert caught.value.scope == Scope("gcp", "us-east1", "us-east1-b", "e2-small", market=Market.ON_DEMAND)
    assert (gce.instances(), provisioner.list()) == ([], [])


def test_a_node_that_is_missing_is_made_again_and_the_others_stay(
    provisioner: GcpProvisioner, gce: Gce
) -> None:
    handle = provisioner.create(order(num_nodes=2))
    head, worker = (each["id"] for each in gce.instances())
    one = Handle("gcp", handle.cluster_id, "dev", handle.data)
    rest = provisioner._rest(one)
    rest.change("DELETE", f"zones/us-east1-b/instances/{names.node(handle.cluster_id, 1)}")
    gce.fail(faults.stockout("us-east1-b", times=1))
    while provisioner.describe(handle).state is not NodeState.DEGRADED:
        pass
    with pytest.raises(OutOfCapacity):
        provisioner.create(order(num_nodes=2))
    assert [each["id"] for each in gce.instances()] == [head]
    provisioner.create(order(num_nodes=2))
    ids = [each["id"] for each in gce.instances()]
    assert (len(ids), ids[0], worker in ids) == (2, head, False)
    assert provisioner.describe(handle).state is NodeState.RUNNING


def test_an_offer_of_a_region_is_tried_in_every_zone_that_has_the_type(
    provisioner: GcpProvisioner, gce: Gce
) -> None:
    gce.fail(faults.stockout("us-east4-a"))
    regional = offer("c4a-standard-4", "", region="us-east4", arch="arm64")
    handle = provisioner.create(order(offer=regional))
    assert [call["zone"] for call in gce.calls("instances.insert")] == ["us-east4-a", "us-east4-b"]
    assert handle.data["zone"] == "us-east4-b"
    gce.fail(faults.stockout())
    with pytest.raises(OutOfCapacity) as caught:
        provisioner.create(order("other-0a1b2c3d", offer=regional))
    assert caught.value.scope.matches(regional.key)
    assert caught.value.scope.zone is None
    assert len(gce.instances()) == 1


def test_a_killed_creation_that_goes_on_at_google_is_waited_for_and_deleted(
    provisioner: GcpProvisioner, gce: Gce
) -> None:
    gce.set(list_lag_s=0.5)
    gce.fail(faults.slow("instances.insert", 0.5))
    rest = provisioner._rest()
    rest.change(
        "POST", "zones/us-east1-b/instances", instances.wanted(order(), "us-east1-b", 0, "#cloud-config")
    )
    provisioner.delete(by_id())
    assert gce.instances() == []


def test_a_list_that_still_shows_a_deleted_node_is_not_believed(
    provisioner: GcpProvisioner, gce: Gce
) -> None:
    handle = provisioner.create(order())
    gce.set(list_lag_s=60)
    provisioner.delete(handle)
    assert provisioner.describe(handle).state is not NodeState.GONE
    provisioner.create(order())
    assert len(gce.instances()) == 1


def test_what_cannot_be_deleted_is_named_with_the_command(provisioner: GcpProvisioner, gce: Gce) -> None:
    handle = provisioner.create(order())
    name = gce.instances()[0]["name"]
    gce.fail(faults.failing("instances.delete", "RESOURCE_OPERATION_FAILED", "the host is on fire"))
    with pytest.raises(CleanupIncomplete, match="the host is on fire") as caught:
        provisioner.delete(handle)
    assert f"gcloud compute instances delete {name} --zone=us-east1-b --project=example" in str(caught.value)
    gce.heal()
    provisioner.delete(handle)
    assert gce.instances() == []


def test_a_spot_instance_that_is_taken_away_is_stopped_and_can_be_started(
    provisioner: GcpProvisioner, gce: Gce
) -> None:
    handle = provisioner.create(order(offer=offer(market=Market.SPOT)))
    (instance,) = gce.instances()
    assert instance["scheduling"]["provisioningModel"] == "SPOT"
    gce.preempt(instance)
    assert provisioner.describe(handle).state is NodeState.STOPPED
    gce.fail(faults.stockout("us-east1-b", method="instances.start", times=1))
    with pytest.raises(OutOfCapacity) as caught:
        provisioner.start(handle)
    assert caught.value.scope.market is Market.SPOT
    assert provisioner.describe(provisioner.start(handle)).state is NodeState.RUNNING


def test_a_spot_instance_that_is_taken_away_before_its_login_is_no_capacity(
    provisioner: GcpProvisioner, gce: Gce, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_meanwhile(nodes: Sequence[Address], host_key: str, check: Callable[[], None]) -> None:
        gce.preempt(gce.instances()[1])
        on_each(range(2), lambda _: check(), step="waiting", cancel=lambda _: None)

    monkeypatch.setattr(ready, "wait_until_ready", taken_meanwhile)
    with pytest.raises(OutOfCapacity, match="was stopped as soon as it was made") as caught:
        provisioner.create(order(offer=offer(market=Market.SPOT), num_nodes=2))
    assert caught.value.scope == Scope("gcp", "us-east1", "us-east1-b", "e2-small", market=Market.SPOT)


@pytest.mark.parametrize(
    ("instance_type", "accelerator", "count", "attached"),
    [
        ("n1-standard-8", "T4", 2, [("nvidia-tesla-t4", 2)]),
        ("g2-standard-4", "L4", 1, []),
        ("a2-highgpu-1g", "A100", 1, []),
        ("n4-standard-2", "", 0, []),
        ("e2-small", "", 0, []),
    ],
)
def test_types_are_ordered_as_they_can_be_had(
    provisioner: GcpProvisioner,
    gce: Gce,
    instance_type: str,
    accelerator: str,
    count: int,
    attached: list[tuple[str, int]],
) -> None:
    wanted = offer(instance_type, accelerator=accelerator, count=count)
    for number, tier in enumerate((None, "low", "best")):
        provisioner.create(order(f"c-{number}", offer=wanted, disk_tier=tier))
    for instance in gce.instances():
        found = instance["guestAccelerators"]
        assert [
            (each["acceleratorType"].rpartition("/")[2], each["acceleratorCount"]) for each in found
        ] == attached
        assert instance["scheduling"]["onHostMaintenance"] == ("TERMINATE" if accelerator else "MIGRATE")


def test_quota_and_login(provisioner: GcpProvisioner, gce: Gce) -> None:
    gce.fail(faults.regional_quota("us-east1"))
    with pytest.raises(QuotaExceeded, match="Quota 'CPUS' exceeded") as quota:
        provisioner.create(order())
    assert quota.value.scope == Scope("gcp", "us-east1", market=Market.ON_DEMAND)
    gce.heal()
    gce.fail(faults.not_enabled("instances.aggregatedList"))
    with pytest.raises(
        AuthError, match=r"gcloud services enable compute\.googleapis\.com --project example"
    ) as auth:
        provisioner.describe(by_id())
    assert auth.value.scope == Scope("gcp")


def test_throttling_is_waited_out_as_long_as_google_says(
    provisioner: GcpProvisioner, gce: Gce, pauses: list[float]
) -> None:
    gce.fail(faults.throttled("instances.insert", times=2, retry_after="7"))
    provisioner.create(order())
    assert pauses == [7.0, 7.0]
    gce.fail(faults.broken("instances.aggregatedList", times=-1))
    with pytest.raises(Transient, match="Backend Error"):
        provisioner.describe(by_id())
    assert len(pauses) == 7


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "method", ["instances.insert", "instances.stop", "instances.delete", "firewalls.insert"]
)
def test_an_answer_that_is_lost_changes_nothing(
    provisioner: GcpProvisioner, gce: Gce, method: str, moment: str
) -> None:
    gce.fail(faults.lost(method, moment))
    handle = provisioner.create(order())
    assert len(gce.instances()) == 1
    provisioner.stop(handle)
    assert provisioner.describe(handle).state is NodeState.STOPPED
    provisioner.delete(handle)
    assert (gce.instances(), provisioner.list()) == ([], [])
    assert len(gce.calls(method)) == 2
    assert len({call["requestId"] for call in gce.calls(method)}) == 1


def test_a_subnetwork_that_is_not_there_rules_out_its_region(
    provisioner: GcpProvisioner, gce: Gce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKY_GCP_SUBNETWORK", "mine")
    with pytest.raises(OutOfCapacity, match="regions/us-east1/subnetworks/mine") as caught:
        provisioner.create(order())
    assert caught.value.scope == Scope("gcp", "us-east1")
    monkeypatch.setenv("SKY_GCP_SUBNETWORK", "default")
    provisioner.create(order())


def test_logins_may_be_narrowed_and_labels_of_ours_are_refused(
    provisioner: GcpProvisioner, gce: Gce, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="sky-cluster"):
        provisioner.create(order(labels={"sky-cluster": "mine"}))
    monkeypatch.setenv("SKY_GCP_SSH_FROM", "192.0.2.0/24, 198.51.100.7")
    handle = provisioner.create(order())
    assert logins_from(provisioner, handle) == [["192.0.2.0/24", "198.51.100.7/32"]]


def logins_from(provisioner: GcpProvisioner, handle: Handle) -> list[list[str]]:
    """The ranges of each rule that lets logins in."""
    rest = provisioner._rest(handle)
    rules = [rest.get(f"global/firewalls/{name}") for name in firewall.find(rest, handle.cluster_id)]
    return sorted(rule["sourceRanges"] for rule in rules if "-ssh-" in rule["name"])


@pytest.mark.parametrize("verb", ["create", "start"])
def test_from_another_network_logins_are_let_in_too_until_the_cluster_goes(
    verb: str, provisioner: GcpProvisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKY_GCP_SSH_FROM", "192.0.2.1")
    handle = provisioner.create(order())
    monkeypatch.setenv("SKY_GCP_SSH_FROM", "198.51.100.7")
    provisioner.create(order()) if verb == "create" else provisioner.start(handle)
    assert logins_from(provisioner, handle) == [["192.0.2.1/32"], ["198.51.100.7/32"]]
    provisioner.delete(handle)
    assert logins_from(provisioner, handle) == []
