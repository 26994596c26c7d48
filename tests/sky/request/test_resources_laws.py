"""Laws of Resources that hold for every request: round trips, copies, blocks, ports."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sky.exceptions import SpecError
from sky.resources import Resources

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
            st.integers(-1, 100),
            st.booleans(),
            st.just({"idle_minutes": 3, "down": True, "wait_for": "none"}),
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
    assert all(before[1] + 1 < after[0] for before, after in pairwise(bounds))
