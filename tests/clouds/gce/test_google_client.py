"""Google's own client finds the make-believe Compute Engine to be one."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from tests.clouds.gce import faults
from tests.clouds.gce.gce import PROJECT, Gce

pytestmark = pytest.mark.needs("time")  # its import alone takes seconds

ZONE = "us-east1-b"
IMAGE = "projects/ubuntu-os-cloud/global/images/family/ubuntu-2204-lts"


@pytest.fixture(scope="module")
def compute_v1() -> Any:
    """The library; it warns of old Pythons as it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from google.cloud import compute_v1
    return compute_v1


@pytest.fixture
def options(gce: Gce) -> dict[str, Any]:
    from google.api_core.client_options import ClientOptions
    from google.oauth2.service_account import Credentials

    credentials = Credentials.from_service_account_file(str(gce.key_file))
    return {"credentials": credentials, "client_options": ClientOptions(api_endpoint=gce.url)}


def order(compute_v1: Any, name: str, **fields: Any) -> Any:
    disk = compute_v1.AttachedDisk(
        boot=True,
        auto_delete=True,
        initialize_params=compute_v1.AttachedDiskInitializeParams(source_image=IMAGE, disk_size_gb=20),
    )
    return compute_v1.Instance(
        name=name,
        machine_type=f"zones/{ZONE}/machineTypes/e2-small",
        disks=[disk],
        network_interfaces=[
            compute_v1.NetworkInterface(
                network="global/networks/default",
                access_configs=[compute_v1.AccessConfig(name="External NAT", type_="ONE_TO_ONE_NAT")],
            )
        ],
        **fields,
    )


class Client:
    """Google's clients, each change awaited: their own waiting would go to the real endpoint."""

    def __init__(self, compute_v1: Any, options: dict[str, Any]) -> None:
        self.instances = compute_v1.InstancesClient(**options)
        self.firewalls = compute_v1.FirewallsClient(**options)
        self._zonal = compute_v1.ZoneOperationsClient(**options)
        self._global = compute_v1.GlobalOperationsClient(**options)

    def done(self, operation: Any) -> Any:
        place = {"zone": ZONE} if operation.zone else {}
        waiting = self._zonal if operation.zone else self._global
        return waiting.wait(project=PROJECT, operation=operation.name, **place)


@pytest.fixture
def client(compute_v1: Any, options: dict[str, Any]) -> Client:
    return Client(compute_v1, options)


def test_instances_are_made_found_stopped_started_and_deleted(compute_v1: Any, client: Client) -> None:
    place, instances = {"project": PROJECT, "zone": ZONE}, client.instances
    for name in ("one", "two"):
        wanted = order(compute_v1, name, labels={"kind": name})
        client.done(instances.insert_unary(instance_resource=wanted, **place))
    found = instances.get(instance="one", **place)
    assert (found.status, found.machine_type.rpartition("/")[2]) == ("RUNNING", "e2-small")
    assert found.network_interfaces[0].access_configs[0].nat_i_p
    assert [each.name for each in instances.list(**place)] == ["one", "two"]
    request = compute_v1.AggregatedListInstancesRequest(project=PROJECT, filter="labels.kind=two")
    everywhere = [each.name for _, found in instances.aggregated_list(request) for each in found.instances]
    assert everywhere == ["two"]
    client.done(instances.stop_unary(instance="one", **place))
    assert instances.get(instance="one", **place).status == "TERMINATED"
    client.done(instances.start_unary(instance="one", **place))
    assert instances.get(instance="one", **place).status == "RUNNING"
    for name in ("one", "two"):
        client.done(instances.delete_unary(instance=name, **place))
    assert list(instances.list(**place)) == []


def test_rules_of_the_firewall_too(compute_v1: Any, client: Client) -> None:
    rule = compute_v1.Firewall(
        name="let-in",
        network="global/networks/default",
        source_ranges=["0.0.0.0/0"],
        allowed=[compute_v1.Allowed(I_p_protocol="tcp", ports=["22"])],
    )
    client.done(client.firewalls.insert_unary(project=PROJECT, firewall_resource=rule))
    assert client.firewalls.get(project=PROJECT, firewall="let-in").allowed[0].ports == ["22"]
    client.done(client.firewalls.delete_unary(project=PROJECT, firewall="let-in"))
    assert list(client.firewalls.list(project=PROJECT)) == []


def test_refusals_are_the_exceptions_that_they_are_in_the_cloud(
    compute_v1: Any, client: Client, gce: Gce
) -> None:
    from google.api_core import exceptions

    def insert(name: str) -> Any:
        wanted = order(compute_v1, name)
        return client.done(
            client.instances.insert_unary(project=PROJECT, zone=ZONE, instance_resource=wanted)
        )

    with pytest.raises(exceptions.NotFound, match="was not found"):
        client.instances.get(project=PROJECT, zone=ZONE, instance="none")
    assert insert("one").error.errors == []
    with pytest.raises(exceptions.Conflict, match="already exists"):
        insert("one")
    gce.fail(faults.global_quota())
    with pytest.raises(exceptions.Forbidden, match="Limit: 0"):
        insert("two")
    gce.heal()
    gce.fail(faults.stockout(ZONE))
    (error,) = insert("two").error.errors
    assert error.code == "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"
    assert [each["name"] for each in gce.instances()] == ["one"]
