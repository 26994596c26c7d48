"""What a cluster that exists is to a task that is launched on it again."""

from __future__ import annotations

from dataclasses import replace

import pytest

import sky
from catalog.offer import Market, Offer, OfferKey
from sky.control.jobspec import job_spec
from sky.control.matching import matched
from sky.control.records import ClusterRecord
from sky.exceptions import ResourcesMismatchError

TPU = OfferKey("gcp", "us-west4", "us-west4-a", "TPU-VM", "tpu-v5litepod-16", 1_000, Market.ON_DEMAND)
VM = OfferKey("gcp", "us-west4", "us-west4-a", "e2-standard-4", "", 0, Market.ON_DEMAND)


def record(key: OfferKey, **resources: object) -> ClusterRecord:
    """A cluster of ``key``, launched with what was asked for besides."""
    asked = sky.Resources(cloud="gcp", **resources)  # type: ignore[arg-type]
    offer = Offer(key, 4_000, 16_384, 0, "x86_64", 100_000)
    return ClusterRecord("dev", "dev-1", "gcp", offer, resources=asked.to_yaml_config())


def task(**resources: object) -> sky.Task:
    return sky.Task(run="true").set_resources(sky.Resources(**resources))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        (TPU, {"accelerators": "tpu-v5e-16", "accelerator_args": {"runtime_version": "mine"}}),
        (VM, {"infra": "gcp", "image_id": "projects/p/global/images/mine"}),
        (VM, {"infra": "gcp", "disk_tier": "high"}),
    ],
)
def test_software_and_disk_that_were_asked_for_at_launch_are_there(
    key: OfferKey, asked: dict[str, object]
) -> None:
    launched = record(key, **{name: value for name, value in asked.items() if name != "infra"})
    assert matched(task(**asked), launched)
    with pytest.raises(ResourcesMismatchError):
        matched(task(**asked), record(key))


@pytest.mark.parametrize(("nodes", "hosts", "wanted", "ranks"), [(1, 4, 1, 4), (2, 8, 1, 4), (2, 2, 1, 1)])
def test_a_node_of_several_hosts_is_taken_whole(nodes: int, hosts: int, wanted: int, ranks: int) -> None:
    cluster = replace(record(TPU), num_nodes=nodes)
    addresses = [f"10.0.0.{number}" for number in range(hosts)]
    job = task(accelerators="tpu-v5e-16")
    spec = job_spec(job, next(iter(job.resources)), cluster, addresses, stamp="sky-1")
    assert (spec.num_nodes, spec.pinned) == (ranks, hosts > nodes)
