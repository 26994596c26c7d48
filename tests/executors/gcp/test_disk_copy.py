"""The copy of a stopped cluster's disk: an image of the project, found by its label and removed by it."""

from __future__ import annotations

import pytest

from catalog.scope import Scope
from executors.api import Handle, NodeState
from executors.errors import CleanupIncomplete, NotFound
from executors.gcp import errors, names
from executors.gcp.provisioner import GcpProvisioner
from tests.clouds.gce import faults
from tests.clouds.gce.gce import Gce
from tests.executors.gcp.conftest import offer, order

COPY = Handle("gcp", "new-0a1b2c3d", "new")


@pytest.fixture
def stopped(provisioner: GcpProvisioner) -> Handle:
    """A cluster of two nodes that is off."""
    handle = provisioner.create(order(num_nodes=2))
    provisioner.stop(handle)
    return handle


def test_a_copy_is_of_the_heads_disk_once_for_an_id_and_bootable_in_any_zone(
    provisioner: GcpProvisioner, gce: Gce, stopped: Handle
) -> None:
    image = provisioner.copy_disk(stopped, COPY.cluster_id)
    assert provisioner.copy_disk(stopped, COPY.cluster_id) == image
    made = provisioner._rest().get(image.removeprefix("projects/example/"))
    assert made["sourceDisk"].endswith(f"zones/us-east1-b/disks/{names.node('dev-0a1b2c3d', 0)}")
    assert provisioner.reach_of_copy(stopped) == Scope("gcp")
    provisioner.create(order("new-2", image_id=image, offer=offer(zone="us-west1-a")))
    assert gce.instances()[-1]["zone"].endswith("us-west1-a")


def test_a_copy_is_seen_and_removed_by_its_id_alone(provisioner: GcpProvisioner, stopped: Handle) -> None:
    provisioner.copy_disk(stopped, COPY.cluster_id)
    assert provisioner.describe(COPY).state is NodeState.DEGRADED
    assert [view.cluster_id for view in provisioner.list()] == ["dev-0a1b2c3d", COPY.cluster_id]
    provisioner.delete(COPY)
    provisioner.delete(COPY)
    assert provisioner.describe(COPY).state is NodeState.GONE
    assert [view.cluster_id for view in provisioner.list()] == ["dev-0a1b2c3d"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_answer_that_is_lost_changes_nothing(
    provisioner: GcpProvisioner, gce: Gce, stopped: Handle, moment: str
) -> None:
    gce.fail(faults.lost("images.insert", moment))
    image = provisioner.copy_disk(stopped, COPY.cluster_id)
    provisioner.create(order("new-2", image_id=image))


def test_a_killed_copy_that_goes_on_at_google_is_waited_for_and_removed(
    provisioner: GcpProvisioner, gce: Gce, stopped: Handle
) -> None:
    gce.fail(faults.slow("images.insert", 0.5))
    disk = f"zones/us-east1-b/disks/{names.node('dev-0a1b2c3d', 0)}"
    labels = {names.CLUSTER_LABEL: names.tag(COPY.cluster_id), names.OWNER_LABEL: names.owner()}
    body = {"name": f"{names.group(COPY.cluster_id)}-disk", "sourceDisk": disk, "labels": labels}
    provisioner._rest().change("POST", "global/images", body)
    provisioner.delete(COPY)
    assert provisioner.describe(COPY).state is NodeState.GONE


def test_what_cannot_be_copied_or_removed_is_told(
    provisioner: GcpProvisioner, gce: Gce, stopped: Handle
) -> None:
    gce.fail(faults.failing("images.insert", "INTERNAL_ERROR", "the disk is on fire", times=1))
    with pytest.raises(errors.Refused, match="the disk is on fire"):
        provisioner.copy_disk(stopped, COPY.cluster_id)
    provisioner.copy_disk(stopped, COPY.cluster_id)
    gce.fail(faults.failing("images.delete", "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "it is in use"))
    with pytest.raises(CleanupIncomplete, match="gcloud compute images delete sky-new-0a1b2c3d-"):
        provisioner.delete(COPY)
    provisioner.delete(stopped)
    with pytest.raises(NotFound):
        provisioner.copy_disk(stopped, "new-3")
