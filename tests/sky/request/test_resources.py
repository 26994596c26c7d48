"""Resources: a true value, with every rule of its fields."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sky
from sky.exceptions import MisuseError, ResourcesUnavailableError, SpecError
from sky.images import DockerLoginConfig
from sky.resources import Resources
from sky.sizes import cpus_range_milli, memory_range_mib
from sky.tiers import DiskTier

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


def test_immutable() -> None:
    resources = Resources(cpus=4)
    with pytest.raises(AttributeError):
        resources.region = "us-east-1"  # type: ignore[misc]
    ports = Resources(ports=[80])
    ports.ports.append("81")
    assert ports.ports == ["80"]


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


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"infra": "awz"}, "infra", "Did you mean 'AWS'"),
    ({"infra": "aws", "region": "us-east-1"}, "infra", "not by both"),
    ({"infra": "aws/us-east-1/us-east-1a/x"}, "infra", "too many parts"),
    ({"infra": "local/here"}, "infra", "just 'local'"),
    ({"cloud": "googel"}, "cloud", "is not a cloud"),
    ({"cloud": 3}, "cloud", "must be a cloud"),
    ({"region": "us-esat-1"}, "region", "or 'us-east-1'"),
    ({"cloud": "aws", "region": "us-central1"}, "region", "invalid region 'us-central1' for AWS"),
    ({"zone": "us-east-1z"}, "zone", "no cloud has zone"),
    ({"cloud": "aws", "zone": "us-east-1z"}, "zone", "Did you mean"),
    ({"cloud": "aws", "region": "us-west-2", "zone": "us-east-1a"}, "zone", "lies in region 'us-east-1'"),
    ({"cloud": "azure", "zone": "eastus-1"}, "zone", "Azure has no zones"),
    ({"region": 3}, "region", "must be text"),
    ({"instance_type": "p4d.24xlrage"}, "instance_type", "Did you mean 'p4d.24xlarge'"),
    ({"cloud": "gcp", "instance_type": "p4d.24xlarge"}, "instance_type", "invalid instance type"),
    ({"instance_type": "p4d.24xlarge", "region": "us-central1"}, "region", "together"),
    ({"instance_type": "p4d.24xlarge", "cpus": 8}, "instance_type", "requested number of vCPUs: it has 96"),
    ({"instance_type": "p4d.24xlarge", "memory": "2000+"}, "instance_type", "requested memory"),
    ({"instance_type": "p4d.24xlarge", "memory": "100x"}, "instance_type", "requested memory"),
    *[
        ({"cpus": value}, "cpus", "not a number of vCPUs")
        for value in ("x", 0, -1, "+", "4++", True, "nan", "")
    ],
    *[({"memory": value}, "memory", "not a size") for value in ("x", 0, "-1", "3XB", "2x+", True, "")],
    *[({"disk_size": value}, "disk_size", "whole number of GiB") for value in (0, 1.5, "10MB", "big", True)],
    ({"disk_tier": "hgih"}, "disk_tier", "Did you mean 'high'"),
    ({"disk_tier": "high", "cloud": "lambda"}, "disk_tier", "Lambda does not support it"),
    ({"disk_tier": "ultra", "cloud": "azure"}, "disk_tier", "Azure"),
    ({"network_tier": "worst"}, "network_tier", "standard, best"),
    ({"local_disk": "floppy"}, "local_disk", "nvme"),
    ({"ports": 0}, "ports", "not a port"),
    ({"ports": 65536}, "ports", "not a port"),
    ({"ports": "20-10"}, "ports", "not a port"),
    ({"ports": ["ssh"]}, "ports", "not a port"),
    ({"ports": True}, "ports", "not a port"),
    ({"ports": 80, "cloud": "vsphere"}, "ports", "vSphere does not support it"),
    ({"use_spot": "yes"}, "use_spot", "true or false"),
    ({"use_spot": True, "cloud": "lambda"}, "use_spot", "Lambda does not support it"),
    ({"accelerators": ""}, "accelerators", "not an accelerator"),
    ({"accelerators": 8}, "accelerators", "not an accelerator"),
    ({"accelerators": "A100:"}, "accelerators", "not a count"),
    ({"accelerators": "A100:0"}, "accelerators", "not a count"),
    ({"accelerators": "A100:-1"}, "accelerators", "not a count"),
    ({"accelerators": "A100:x"}, "accelerators", "not a count"),
    ({"accelerators": {"A100": 1, "H100": 1}}, "accelerators", "exactly one"),
    ({"accelerators": {}}, "accelerators", "exactly one"),
    ({"accelerators": "acme:32GB+"}, "accelerators", "not a vendor"),
    ({"accelerators": "81GB"}, "accelerators", "'81GB+'"),
    ({"accelerators": "tpu-v5e-8", "cloud": "aws"}, "accelerators", "GCP or Kubernetes only"),
    ({"job_recovery": "failovr"}, "job_recovery", "Did you mean 'FAILOVER'"),
    ({"job_recovery": {"stratgy": "failover"}}, "job_recovery.stratgy", "Did you mean 'strategy'"),
    ({"job_recovery": {"max_restarts_on_errors": -1}}, "job_recovery.max_restarts_on_errors", "0 or more"),
    ({"job_recovery": {"recover_on_exit_codes": [300]}}, "job_recovery", "exit code"),
    ({"image_id": "ami-1"}, "image_id", "name the cloud too"),
    ({"image_id": "ami-1", "cloud": "aws"}, "image_id", "name the region too"),
    ({"image_id": "docker:"}, "image_id", "no container image"),
    ({"image_id": " "}, "image_id", "names no image"),
    ({"image_id": {}}, "image_id", "must be an image"),
    ({"image_id": {"us-esat-1": "ami-1"}, "cloud": "aws"}, "image_id", "or 'us-east-1'"),
    (
        {"image_id": {"us-east-1": "ami-1"}, "infra": "aws/us-west-2"},
        "image_id",
        "no image for region 'us-west-2'",
    ),
    ({"image_id": "img", "cloud": "lambda"}, "image_id", "Lambda boots no image"),
    ({"labels": {"aws:x": "1"}, "cloud": "aws"}, "labels.aws:x", "no key starts with aws:"),
    ({"labels": {"A": "1"}, "cloud": "gcp"}, "labels.A", "lower-case"),
    ({"labels": {"a b!": "1"}, "cloud": "k8s"}, "labels.a b!", "Kubernetes labels"),
    ({"labels": {"a": "x" * 300}}, "labels.a", "not allowed"),
    ({"labels": {"a": 1}}, "labels.a", "must be text"),
    ({"labels": ["a"]}, "labels", "must be a mapping"),
    ({"max_hourly_cost": 0}, "max_hourly_cost", "above zero"),
    ({"max_hourly_cost": "cheap"}, "max_hourly_cost", "above zero"),
    ({"priority": 1001}, "priority", "from -1000 to 1000"),
    ({"priority": 1.5}, "priority", "from -1000 to 1000"),
    ({"autostop": "soon"}, "autostop", "not a time"),
    ({"autostop": {"idle_minute": 5}}, "autostop.idle_minute", "Did you mean 'idle_minutes'"),
    ({"autostop": [1]}, "autostop", "not an autostop"),
    ({"arch": "arm"}, "arch", "Did you mean 'arm64'"),
    ({"allow_burstable": "yes"}, "allow_burstable", "true or false"),
    ({"volumes": [1]}, "volumes[0]", "mapping"),
]


@pytest.mark.parametrize(("arguments", "field", "message"), REFUSED, ids=lambda value: str(value)[:60])
def test_refused(arguments: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        Resources(**arguments)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).startswith(f"{field}: ")
    assert message in str(caught.value)


def test_a_tpu_elsewhere_is_an_assertion_error_too() -> None:
    with pytest.raises(AssertionError):
        Resources(accelerators="tpu-v5e-8", cloud=sky.AWS())


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
    [(10, 10, False), (True, 5, False), ("10m", 10, False), ("1h", 60, False), ("90s", 2, False), ("10", 10, False),
     ({"idle_minutes": 3, "down": True}, 3, True), ({"down": True}, 5, True), (0, 0, False)],
)  # fmt: skip
def test_autostop(value: Any, idle_minutes: int, down: bool) -> None:
    autostop = Resources(autostop=value).autostop
    assert autostop is not None
    assert (autostop.idle_minutes, autostop.down) == (idle_minutes, down)


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
    features = Resources(
        use_spot=True, ports=80, disk_tier="high", image_id="docker:x"
    ).get_required_cloud_features()
    assert {feature.name for feature in features} == {
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
    login = DockerLoginConfig("me", "hunter2", "example.com")
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


amounts = st.one_of(st.none(), st.integers(1, 512), st.integers(1, 512).map("{}+".format))
sizes = st.one_of(amounts, st.integers(1, 10**7).map("{}MB".format), st.integers(1, 16).map("{}x".format))
places = st.sampled_from(
    [
        None,
        "aws",
        "*/us-east-1",
        "aws/us-east-1",
        "aws/us-east-1/us-east-1a",
        "gcp/us-central1",
        "k8s/a/b",
        "local",
    ]
)
accelerators = st.one_of(
    st.none(),
    st.sampled_from(["A100", "80GB+:8", "nvidia:32GB+", "V100:0.5", "amd", "MyChip:3"]),
    st.tuples(st.sampled_from(["T4", "H100"]), st.integers(1, 16)).map(lambda pair: {pair[0]: pair[1]}),
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "infra": places,
        "cpus": amounts,
        "memory": sizes,
        "accelerators": accelerators,
        "use_spot": st.sampled_from([None, False]),
        "disk_size": st.integers(1, 10_000),
        "disk_tier": st.sampled_from([None, "best"]),
        "network_tier": st.sampled_from(["best", "standard"]),
        "local_disk": st.sampled_from(["nvme:100+", "ssd", 500]),
        "max_hourly_cost": st.floats(0.01, 1e4),
        "autostop": st.one_of(
            st.integers(-1, 100), st.booleans(), st.just({"idle_minutes": 3, "down": True})
        ),
        "priority": st.integers(-1_000, 1_000),
        "ports": st.lists(st.integers(1, 65_535), min_size=1, max_size=5),
        "labels": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"])),
        "image_id": st.just("docker:img"),
        "job_recovery": st.sampled_from(["failover", {"strategy": "FAILOVER", "max_restarts_on_errors": 3}]),
        "arch": st.sampled_from(["x86_64", "arm64", "any"]),
        "allow_burstable": st.booleans(),
        "volumes": st.just([{"name": "v", "path": "/v"}]),
    },
)


def _made(arguments: dict[str, Any]) -> Resources | None:
    try:
        return Resources(**arguments)
    except SpecError:
        return None


@given(requests)
def test_yaml_round_trip(arguments: dict[str, Any]) -> None:
    resources = _made(arguments)
    if resources is not None:
        assert Resources.from_yaml_config(resources.to_yaml_config()) == {resources}


@given(requests)
def test_copy_is_the_identity_on_values(arguments: dict[str, Any]) -> None:
    resources = _made(arguments)
    if resources is not None:
        clone = resources.copy()
        assert clone == resources
        assert (hash(clone), repr(clone), clone.sort_key) == (
            hash(resources),
            repr(resources),
            resources.sort_key,
        )


@given(requests)
def test_everything_is_blocked_by_itself_and_fits_itself(arguments: dict[str, Any]) -> None:
    resources = _made(arguments)
    if resources is not None:
        assert resources.should_be_blocked_by(resources)
        assert resources.less_demanding_than(resources, check_ports=True)


@given(st.lists(st.tuples(st.integers(1, 65_535), st.integers(0, 50)), min_size=1, max_size=8), st.randoms())
def test_merged_ports_hold_the_same_ports_in_any_order(ranges: list[tuple[int, int]], random: Any) -> None:
    asked = [(first, min(first + more, 65_535)) for first, more in ranges]
    texts = [f"{first}-{last}" for first, last in asked]
    merged = Resources(ports=texts).ports
    assert merged is not None
    random.shuffle(texts)
    assert Resources(ports=texts).ports == merged
    wanted = {port for first, last in asked for port in range(first, last + 1)}
    bounds = [(int(each.split("-")[0]), int(each.split("-")[-1])) for each in merged]
    assert wanted == {port for first, last in bounds for port in range(first, last + 1)}
    assert all(before[1] + 1 < after[0] for before, after in zip(bounds, bounds[1:], strict=False))
