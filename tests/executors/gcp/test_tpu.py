"""TPU VMs over real HTTP, against a service that refuses what its discovery document does not allow."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from catalog.offer import Market, Offer
from catalog.scope import Scope
from executors.api import Handle, NodeState
from executors.errors import AuthError, CleanupIncomplete, OutOfCapacity, QuotaExceeded, Unsupported
from executors.gcp import instances, names, operations, tpu
from executors.gcp.provisioner import GcpProvisioner
from executors.transports.address import read_nodes
from tests.clouds.gce import faults
from tests.clouds.gce.gce import Gce
from tests.clouds.gce.metadata import MetadataHandler
from tests.executors.gcp.conftest import offer, order

ZONE = "us-west4-a"
BY_ID = Handle("gcp", "dev-0a1b2c3d", "dev")
CREATE = "projects.locations.nodes.create"


def tpu_offer(name: str = "v5litepod-8", zone: str = ZONE, *, market: Market = Market.ON_DEMAND) -> Offer:
    return offer("TPU-VM", zone, accelerator=f"tpu-{name}", count=1, market=market)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_TPU_PAUSE_S", 0.02)


def test_a_cluster_from_nothing_to_gone(provisioner: GcpProvisioner, gce: Gce) -> None:
    handle = provisioner.create(order(offer=tpu_offer(), num_nodes=2, ports=("80",), labels={"team": "a"}))
    head, worker = gce.tpus()
    assert (head["acceleratorType"], head["runtimeVersion"]) == ("v5litepod-8", "v2-alpha-tpuv5-lite")
    assert [each["labels"]["team"] for each in (head, worker)] == ["a", "a"]
    assert head["tags"] == [names.group(BY_ID.cluster_id)]
    assert len(gce.calls("firewalls.insert")) == 3
    assert gce.calls("instances.insert") == []
    assert provisioner.create(order(offer=tpu_offer(), num_nodes=2)) == handle
    running = provisioner.describe(handle)
    assert running == provisioner.describe(BY_ID)
    assert running.state is NodeState.RUNNING
    assert running.place == "us-west4/us-west4-a"
    assert running.created_at > 0
    assert running.addresses == tuple(node.host for node in read_nodes(handle.data))
    assert [view.cluster_id for view in provisioner.list()] == [BY_ID.cluster_id]
    provisioner.stop(handle)
    provisioner.stop(handle)
    assert provisioner.describe(handle).state is NodeState.STOPPED
    started = provisioner.start(provisioner.start(handle))
    assert provisioner.describe(started).state is NodeState.RUNNING
    provisioner.delete(BY_ID)
    provisioner.delete(handle)
    assert (gce.tpus(), provisioner.list()) == ([], [])


@pytest.mark.parametrize(
    ("name", "zone", "runtime"),
    [
        ("v2-8", "us-central1-b", "tpu-ubuntu2204-base"),
        ("v5p-8", "us-east5-a", "v2-alpha-tpuv5"),
        ("v6e-4", "us-east5-b", "v2-alpha-tpuv6e"),
    ],
)
def test_every_generation_has_its_software_unless_another_is_asked_for(
    provisioner: GcpProvisioner, gce: Gce, name: str, zone: str, runtime: str
) -> None:
    provisioner.create(order(offer=tpu_offer(name, zone)))
    asked = {"runtime_version": "tpu-vm-tf-2.17.0-pjrt"}
    provisioner.create(order("other-0a1b2c3d", offer=tpu_offer(name, zone), accelerator_args=asked))
    assert {each["runtimeVersion"] for each in gce.tpus()} == {runtime, "tpu-vm-tf-2.17.0-pjrt"}
    assert {each["acceleratorType"] for each in gce.tpus()} == {name}


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (order(offer=tpu_offer("v9-8")), "software of TPU v9 is not known"),
        (order(offer=tpu_offer(), image_id="projects/p/global/images/x"), "runtime_version"),
    ],
)
def test_what_a_tpu_vm_cannot_be_is_said_before_anything_is_asked(
    provisioner: GcpProvisioner, gce: Gce, wanted: object, words: str
) -> None:
    with pytest.raises(Unsupported, match=words):
        provisioner.create(wanted)  # type: ignore[arg-type]
    assert gce.calls() == []


def test_a_pod_is_one_node_with_several_hosts_that_cannot_be_stopped(
    provisioner: GcpProvisioner, gce: Gce
) -> None:
    wanted = order(offer=tpu_offer("v5litepod-16"), num_nodes=2)
    handle = provisioner.create(wanted)
    assert [each["acceleratorType"] for each in gce.tpus()] == ["v5litepod-16"] * 2
    shown = [[at["ipAddress"] for at in each["networkEndpoints"]] for each in gce.tpus()]
    assert [node.internal_ip for node in read_nodes(handle.data)] == shown[0] + shown[1]
    assert len(shown[0]) == 4
    assert provisioner.create(wanted) == handle
    assert len(provisioner.describe(handle).addresses) == 8
    with pytest.raises(Unsupported, match="TPU slice of several hosts"):
        provisioner.stop(handle)
    assert provisioner.describe(handle).state is NodeState.RUNNING
    provisioner.delete(handle)
    assert len(gce.calls("projects.locations.nodes.delete")) == 2
    assert gce.tpus() == []


def test_the_hosts_of_one_pod_reach_each_other(provisioner: GcpProvisioner, gce: Gce) -> None:
    provisioner.create(order("one-0a1b2c3d", offer=tpu_offer()))
    provisioner.create(order("pod-0a1b2c3d", offer=tpu_offer("v5litepod-16")))
    made = provisioner._rest().get("global/firewalls")["items"]
    inside = [rule["targetTags"] for rule in made if rule.get("sourceTags")]
    assert inside == [[names.group("pod-0a1b2c3d")]]


def test_a_stockout_of_one_node_leaves_none(provisioner: GcpProvisioner, gce: Gce) -> None:
    gce.fail(faults.tpu_stockout(ZONE, times=1))
    with pytest.raises(OutOfCapacity, match="no more capacity") as caught:
        provisioner.create(order(offer=tpu_offer(market=Market.SPOT), num_nodes=2))
    key = tpu_offer(market=Market.SPOT).key
    assert caught.value.scope == Scope(*(getattr(key, name) for name in type(key).__slots__))
    assert (gce.tpus(), provisioner.list()) == ([], [])


@pytest.mark.parametrize(
    ("place", "limit", "zone"),
    [
        ("zone us-west4-a", "TPUV5sLitepodPerProjectPerZoneForTPUAPI", ZONE),
        ("region us-west4", "TPUV5sLitepodPerProjectPerRegionForTPUAPI", None),
    ],
)
def test_a_quota_is_of_its_zone_or_region(
    provisioner: GcpProvisioner, gce: Gce, place: str, limit: str, zone: str | None
) -> None:
    gce.fail(faults.tpu_quota(place, limit))
    with pytest.raises(QuotaExceeded, match=limit) as caught:
        provisioner.create(order(offer=tpu_offer()))
    assert (caught.value.scope.region, caught.value.scope.zone) == ("us-west4", zone)
    assert caught.value.scope.accelerator == "tpu-v5litepod-8"
    assert len(gce.calls(CREATE)) == 1


def test_a_zone_without_the_slice_is_left_out(provisioner: GcpProvisioner, gce: Gce) -> None:
    with pytest.raises(OutOfCapacity, match="was not found in zone") as caught:
        provisioner.create(order(offer=tpu_offer(zone="us-south1-a")))
    assert caught.value.scope.zone == "us-south1-a"
    assert gce.tpus() == []


def test_an_interface_that_is_off_rules_out_tpus_and_hides_no_instances(
    provisioner: GcpProvisioner, gce: Gce
) -> None:
    gce.fail(faults.tpus_not_enabled("list"))
    gce.fail(faults.tpus_not_enabled("create"))
    with pytest.raises(AuthError, match=r"gcloud services enable tpu\.googleapis\.com") as caught:
        provisioner.create(order(offer=tpu_offer()))
    assert caught.value.scope == Scope("gcp", instance_type="TPU-VM")
    provisioner.create(order("other-0a1b2c3d"))
    assert [view.cluster_id for view in provisioner.list()] == ["other-0a1b2c3d"]
    assert provisioner.describe(BY_ID).state is NodeState.GONE
    provisioner.delete(BY_ID)


def test_rights_that_are_missing_rule_out_tpus_alone(provisioner: GcpProvisioner, gce: Gce) -> None:
    gce.fail(faults.tpus_forbidden())
    with pytest.raises(AuthError, match=r"binding example --role=roles/tpu\.admin") as caught:
        provisioner.create(order(offer=tpu_offer()))
    assert caught.value.scope == Scope("gcp", instance_type="TPU-VM")


def test_a_spot_tpu_that_was_taken_away_is_told_and_made_again(provisioner: GcpProvisioner, gce: Gce) -> None:
    wanted = order(offer=tpu_offer(market=Market.SPOT))
    handle = provisioner.create(wanted)
    (before,) = gce.tpus()
    assert before["schedulingConfig"] == {"spot": True}
    gce.preempt(before)
    view = provisioner.describe(handle)
    assert (view.state, "is PREEMPTED" in view.reason) == (NodeState.DEGRADED, True)
    provisioner.create(wanted)
    (after,) = gce.tpus()
    assert after["id"] != before["id"]
    assert provisioner.describe(handle).state is NodeState.RUNNING


def test_a_killed_creation_that_goes_on_at_google_is_waited_for_and_deleted(
    provisioner: GcpProvisioner, gce: Gce
) -> None:
    gce.fail(faults.slow(CREATE, 0.5))
    rest, wanted = provisioner._rest(), order(offer=tpu_offer())
    place = instances.collection("TPU-VM", ZONE)
    rest.change("POST", place, tpu.wanted(wanted, 0, "#!/bin/sh"), nodeId=names.node(wanted.cluster_id, 0))
    assert provisioner.describe(BY_ID).state is NodeState.PENDING
    provisioner.delete(BY_ID)
    assert gce.tpus() == []


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("method", ["create", "delete"])
def test_an_answer_that_is_lost_changes_nothing(
    provisioner: GcpProvisioner, gce: Gce, method: str, moment: str
) -> None:
    gce.fail(faults.lost(f"projects.locations.nodes.{method}", moment))
    handle = provisioner.create(order(offer=tpu_offer()))
    assert len(gce.tpus()) == 1
    provisioner.delete(handle)
    assert gce.tpus() == []


def test_what_cannot_be_deleted_is_named_and_a_disk_cannot_be_copied(
    provisioner: GcpProvisioner, gce: Gce
) -> None:
    handle = provisioner.create(order(offer=tpu_offer()))
    with pytest.raises(Unsupported, match="TPU VM"):
        provisioner.reach_of_copy(handle)
    gce.fail(faults.failing("projects.locations.nodes.delete", "", "it burns"))
    with pytest.raises(CleanupIncomplete, match=rf"gcloud compute tpus tpu-vm delete \S+ --zone={ZONE}"):
        provisioner.delete(handle)


@pytest.fixture
def metadata(gce: Gce, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[MetadataHandler]]:
    """The metadata server of a node, whose ``address`` is yet to be said."""
    handler = type("Handler", (MetadataHandler,), {"token": lambda _: gce.token()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{server.server_port}")
        yield handler
        server.shutdown()


@pytest.mark.parametrize(("verb", "left"), [("stop", {"STOPPED"}), ("down", set())])
def test_a_node_ends_all_of_its_cluster_itself_last(
    provisioner: GcpProvisioner, gce: Gce, metadata: type[MetadataHandler], verb: str, left: set[str]
) -> None:
    handle = provisioner.create(order(offer=tpu_offer(), num_nodes=3))
    other = provisioner.create(order("other-0a1b2c3d", offer=tpu_offer()))
    metadata.address = read_nodes(handle.data)[0].internal_ip
    argv = [sys.executable, *provisioner.self_commands(handle)[verb][1:]]
    done = subprocess.run(argv, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    asked = gce.calls(f"projects.locations.nodes.{'delete' if verb == 'down' else 'stop'}")
    assert [call["name"].rpartition("-")[2] for call in asked][-1] == "0"
    if verb == "down":
        provisioner.delete(handle)
    assert provisioner.describe(other).state is NodeState.RUNNING
    mine = [each for each in gce.tpus() if names.tag(BY_ID.cluster_id) in each["name"]]
    assert {each["state"] for each in mine} <= {*left, "STOPPING"}
