"""Resources: a true value, with every rule of its fields."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import sky
from executors.api import WaitFor
from executors.docker_login import DockerLogin
from sky.exceptions import MisuseError, ResourcesUnavailableError, SpecError
from sky.fields.sizes import cpus_range_milli, memory_range_mib
from sky.fields.tiers import DiskTier
from sky.resources import Resources

AWS_SPOT = {"cloud": sky.AWS(), "instance_type": "p4d.24xlarge", "use_spot": True}


def test_equal_however_it_was_written() -> None:
    assert (
        Resources(accelerators="v100")
        == Resources(accelerators={"V100": 1})
        == Resources(accelerators="V100:1")
    )
    assert Resources(cpus=4) == Resources(cpus="4") == Resources(cpus=4.0)
    assert Resources(memory="1TB") == Resources(memory=1024) == Resources(memory="1024GB")
    assert Resources(infra="aws/us-east-1") == Resources(cloud=sky.AWS(), region="us-east-1")
    assert Resources(ports=["3", "1-2"]) == Resources(ports="1-3")
    assert Resources(labels={"a": "1", "b": "2"}) == Resources(labels={"b": "2", "a": "1"})
    assert Resources(disk_size=256) == Resources()
    assert len({Resources(cpus=4), Resources(cpus="4"), Resources(cpus="4+")}) == 2


def test_different_requests_differ() -> None:
    variants = [
        Resources(),
        Resources(cpus="4+"),
        Resources(use_spot=False),
        Resources(use_spot=True),
        Resources(arch="any"),
        Resources(allow_burstable=True),
        Resources(infra="gcp"),
        Resources(infra="aws"),
        Resources(max_hourly_cost=2),
    ]
    assert len(set(variants)) == len(variants) == len({each.sort_key for each in variants})


@pytest.mark.parametrize("name", ["cloud", "cpus", "use_spot", "_cpus", "bogus"])
def test_immutable(name: str) -> None:
    resources = Resources(cpus=4)
    with pytest.raises(AttributeError, match=rf"resources\.copy\({name}="):
        setattr(resources, name, 8)
    with pytest.raises(AttributeError):
        delattr(resources, name)
    ports = Resources(ports=[80])
    ports.ports.append("81")
    assert ports.ports == ["80"]
    assert resources == copy.deepcopy(resources) == pickle.loads(pickle.dumps(resources)) == Resources(cpus=4)


@pytest.mark.parametrize("clone", [copy.deepcopy, copy.copy, lambda value: value.copy()])
def test_copies_are_equal(clone: Any) -> None:
    resources = Resources(
        **AWS_SPOT, ports="80", labels={"a": "b"}, image_id="docker:x", job_recovery="failover"
    )
    assert clone(resources) == resources
    assert hash(clone(resources)) == hash(resources)


def test_copy_validates_and_replaces_a_place_as_a_whole() -> None:
    resources = Resources(infra="aws/us-east-1")
    assert resources.copy(use_spot=True).use_spot
    assert resources.copy(infra="gcp").region is None
    with pytest.raises(SpecError, match="cpus"):
        resources.copy(cpus="many")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({}, "<Cloud>()"),
        ({"cpus": "4+"}, "<Cloud>(cpus=4+)"),
        ({**AWS_SPOT, "ports": 80}, "AWS(p4d.24xlarge[Spot], {'A100': 8}, ports=['80'])"),
        ({"accelerators": "80gb+:8"}, "<Cloud>(80GB+:8)"),
        (
            {"memory": "32GB+", "disk_size": "1TB", "disk_tier": "high"},
            "<Cloud>(mem=32+, disk_tier=high, disk_size=1024)",
        ),
    ],
)
def test_repr(arguments: dict[str, Any], shown: str) -> None:
    assert repr(Resources(**arguments)) == shown


def test_repr_with_region_and_zone() -> None:
    resources = Resources(infra="aws/us-east-1/us-east-1a")
    assert resources.repr_with_region_zone == "AWS(region=us-east-1, zone=us-east-1a)"


@pytest.mark.parametrize(
    ("arguments", "infra"),
    [
        ({"infra": "aws/us-east-1/us-east-1a"}, "aws/us-east-1/us-east-1a"),
        ({"zone": "us-east-1a"}, "aws/us-east-1/us-east-1a"),
        ({"region": "eu-north-1"}, "aws/eu-north-1"),
        ({"infra": "*/us-west4"}, "gcp/us-west4"),
        ({"region": "us-east-1"}, "*/us-east-1"),
        ({"infra": "*/us-central1"}, "*/us-central1"),
        ({"infra": "AWS/*/us-east-1a"}, "aws/us-east-1/us-east-1a"),
        ({"infra": "*"}, None),
        ({"infra": "k8s/my/context"}, "kubernetes/my/context"),
        ({"infra": "ssh/pool"}, "ssh/pool"),
        ({"infra": "slurm/cluster/gpu"}, "slurm/cluster/gpu"),
        ({"infra": "local"}, "local"),
        ({"cloud": "gcp", "region": "us-central1"}, "gcp/us-central1"),
        ({"instance_type": "p4d.24xlarge"}, "aws"),
        ({"instance_type": "n2-standard-8", "region": "us-central1"}, "gcp/us-central1"),
        ({"accelerators": "tpu-v5e-8"}, "gcp"),
        ({"infra": "k8s", "accelerators": "tpu-v5e-8"}, "kubernetes"),
    ],
)
def test_places(arguments: dict[str, Any], infra: str | None) -> None:
    assert Resources(**arguments).infra == infra


@pytest.mark.parametrize(
    ("asked", "plain", "options"),
    [
        ("a100", {"A100": 1}, (("A100", 1),)),
        ("A100:8", {"A100": 8}, (("A100", 8),)),
        ({"V100": None}, {"V100": 1}, (("V100", 1),)),
        ({"V100": "0.5"}, {"V100": 0.5}, (("V100", 0.5),)),
        ("A100-80GB:2", {"A100-80GB": 2}, (("A100-80GB", 2),)),
        ("MyChip:2", {"MyChip": 2}, (("MyChip", 2),)),
        ("tpu-v5e-8", {"tpu-v5litepod-8": 1}, (("tpu-v5litepod-8", 1),)),
        ("16GB:2", None, (("MI25", 2), ("P100", 2), ("T4", 2), ("T4g", 2), ("V100", 2))),
        ("nvidia:180GB+", None, (("B200", 1), ("GB200", 1), ("B300", 1))),
        ({"amd:100GB+": 8}, None, (("MI300X", 8),)),
        (None, None, ()),
    ],
)
def test_accelerators(asked: Any, plain: Any, options: Any) -> None:
    resources = Resources(accelerators=asked)
    assert resources.accelerators == plain
    assert resources.accelerator_options == options


def test_a_vendor_alone_admits_all_its_accelerators() -> None:
    assert {"Inferentia", "Trainium"} <= {
        name for name, _ in Resources(accelerators="aws").accelerator_options
    }


def test_an_instance_type_says_what_it_holds() -> None:
    resources = Resources(instance_type="p4d.24xlarge")
    assert (resources.cpus, resources.memory, resources.accelerators) == ("96", "1152", {"A100": 8})
    assert resources.get_accelerators_str() == "A100:8"
    assert resources.to_yaml_config() == {"infra": "aws", "instance_type": "p4d.24xlarge"}


def test_small_accessors() -> None:
    resources = Resources(use_spot=True, accelerators="80GB+:8", job_recovery={"strategy": "failover"})
    assert (resources.get_spot_str(), resources.get_accelerators_str()) == ("[Spot]", "80GB+:8")
    assert resources.job_recovery == {"strategy": "FAILOVER"}
    assert Resources().get_accelerators_str() == "-"
    assert Resources(job_recovery="none").job_recovery is None
    assert not Resources().use_spot
    assert not Resources().use_spot_specified
    assert Resources(use_spot=False).use_spot_specified
    assert Resources(image_id="docker:repo/img:tag").extract_docker_image() == "repo/img:tag"
    assert Resources().extract_docker_image() is None
    assert Resources(disk_tier="none").disk_tier is None
    assert Resources(accelerator_args={"tpu_vm": True}).accelerator_args == {"tpu_vm": True}
    assert Resources().is_empty()
    assert not Resources(cpus=1).is_empty()
    assert Resources(**AWS_SPOT).is_launchable()
    assert not Resources(cloud=sky.AWS()).is_launchable()


@pytest.mark.parametrize(
    ("value", "idle_minutes", "down"),
    [
        (10, 10, False),
        (True, 5, False),
        ("10m", 10, False),
        ("1h", 60, False),
        ("90s", 2, False),
        ("10", 10, False),
        ({"idle_minutes": 3, "down": True}, 3, True),
        ({"down": True}, 5, True),
        (0, 0, False),
    ],
)
def test_autostop(value: Any, idle_minutes: int, down: bool) -> None:
    autostop = Resources(autostop=value).autostop
    assert autostop is not None
    assert (autostop.idle_minutes, autostop.down) == (idle_minutes, down)


def test_what_autostop_waits_for_is_kept_and_written_back() -> None:
    autostop = Resources(autostop={"idle_minutes": 3, "wait_for": "jobs_and_ssh"}).autostop
    assert autostop is not None
    assert autostop.wait_for is WaitFor.JOBS_AND_SSH
    assert autostop.to_yaml_config() == {"idle_minutes": 3, "wait_for": "jobs_and_ssh"}
    plain = Resources(autostop={"idle_minutes": 3, "wait_for": "jobs"}).autostop
    assert plain is not None
    assert plain.to_yaml_config() == 3


@pytest.mark.parametrize("value", [None, False, -1, {"idle_minutes": -1}])
def test_no_autostop(value: Any) -> None:
    assert Resources(autostop=value).autostop is None


def test_a_block_leaves_open_what_it_does_not_say() -> None:
    spot = Resources(infra="gcp/us-central1", instance_type="n2-standard-8", use_spot=True)
    assert spot.should_be_blocked_by(Resources(cloud=sky.GCP()))
    assert spot.should_be_blocked_by(Resources(infra="gcp/us-central1", use_spot=True))
    assert not spot.should_be_blocked_by(Resources(cloud=sky.GCP(), use_spot=False))
    assert not spot.should_be_blocked_by(Resources(cloud=sky.AWS()))
    assert not spot.should_be_blocked_by(Resources(infra="gcp/us-central1/us-central1-a"))
    assert not spot.should_be_blocked_by(Resources(cloud=sky.GCP(), accelerators="V100"))


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({}, True),
        ({"cpus": "999+", "memory": "9999+", "disk_size": 999}, True),
        ({"infra": "aws/us-east-1"}, True),
        ({"infra": "aws/us-west-2"}, False),
        ({"infra": "gcp"}, False),
        ({"accelerators": "A100:4"}, True),
        ({"accelerators": "A100:16"}, False),
        ({"accelerators": "H100"}, False),
        ({"accelerators": "40GB+:8"}, True),
        ({"use_spot": True}, True),
        ({"use_spot": False}, False),
        ({"disk_tier": "low"}, True),
        ({"disk_tier": "ultra"}, False),
        ({"disk_tier": "best"}, True),
        ({"image_id": "docker:x"}, False),
        ({"ports": 80}, True),
    ],
)
def test_less_demanding_than_a_cluster(asked: dict[str, Any], fits: bool) -> None:
    cluster = Resources(infra="aws/us-east-1", instance_type="p4d.24xlarge", use_spot=True, disk_tier="high")
    assert Resources(**asked).less_demanding_than(cluster) is fits


def test_less_demanding_than_counts_nodes_and_ports() -> None:
    nodes = [Resources(instance_type="p4d.24xlarge"), Resources(infra="gcp")]
    asked = Resources(accelerators="A100:8")
    assert asked.less_demanding_than(nodes, requested_num_nodes=1)
    assert not asked.less_demanding_than(nodes, requested_num_nodes=2)
    opened = Resources(infra="aws", ports="80-90")
    assert Resources(ports=[80, 85]).less_demanding_than(opened, check_ports=True)
    assert not Resources(ports=91).less_demanding_than(opened, check_ports=True)


def test_required_features() -> None:
    asked = Resources(use_spot=True, ports=80, disk_tier="high", image_id="docker:x")
    assert {feature.name for feature in asked.get_required_cloud_features()} == {
        "SPOT_INSTANCE",
        "OPEN_PORTS",
        "CUSTOM_DISK_TIER",
        "DOCKER_IMAGE",
    }
    assert Resources(disk_tier="best").get_required_cloud_features() == set()


def test_cost_and_regions_come_from_the_catalog() -> None:
    resources = Resources(infra="aws/us-east-1", instance_type="p4d.24xlarge")
    assert resources.get_cost(7_200) == pytest.approx(2 * resources.get_cost(3_600))
    assert resources.copy(use_spot=True).get_cost(3_600) < resources.get_cost(3_600)
    assert resources.copy(region=None).get_cost(3_600) <= resources.get_cost(3_600)
    assert [region.name for region in resources.get_valid_regions_for_launchable()] == ["us-east-1"]
    zones = [zone.name for zone in resources.get_valid_regions_for_launchable()[0].zones]
    assert resources.valid_on_region_zones("us-east-1", zones)
    assert not resources.valid_on_region_zones("us-east-1", ["us-east-1z"])
    assert not resources.valid_on_region_zones("us-west-2")
    assert Resources(infra="local", instance_type="this-machine").get_cost(3_600) == 0


def test_no_cost_without_an_offer() -> None:
    with pytest.raises(MisuseError, match="launchable"):
        Resources(cpus=4).get_cost(1)
    with pytest.raises(ResourcesUnavailableError):
        Resources(instance_type="p4d.24xlarge", accelerators="H100:8").get_cost(1)


def test_the_registry_password_is_in_no_repr() -> None:
    login = DockerLogin("me", "hunter2", "example.com")
    resources = Resources(image_id="docker:x", _docker_login_config=login)
    assert resources.copy().docker_login_config == login
    assert "hunter2" not in repr(resources) + repr(login) + resources.sort_key + repr(
        resources.to_yaml_config()
    )


def test_ranges_of_amounts() -> None:
    assert cpus_range_milli("4+") == (4_000, None)
    assert cpus_range_milli("0.5") == (500, 500)
    assert cpus_range_milli(None) == (None, None)
    assert memory_range_mib("32") == (32_768, 32_768, None)
    assert memory_range_mib("0.5+") == (512, None, None)
    assert memory_range_mib("2x") == (None, None, 2_048)


def test_disk_tiers_are_ordered() -> None:
    assert DiskTier.LOW <= DiskTier.HIGH
    assert not DiskTier.ULTRA <= DiskTier.MEDIUM


def test_errors_survive_a_process_border() -> None:
    with pytest.raises(SpecError) as caught:
        Resources(cpus="x")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
