from __future__ import annotations

import pytest

import sky
from catalog.offer import Market, Offer, OfferKey
from sky.control.jobspec import demand_of, nodes_can_hold
from sky.control.placement import fits_here, local_fit, wants_local

BOX = Offer(
    OfferKey("local", "local", "", "this-machine", "A100", 2_000, Market.OWNED),
    8_000,
    32_768,
    81_920,
    "x86_64",
    0,
)
PLAIN = Offer(
    OfferKey("local", "local", "", "this-machine", "", 0, Market.OWNED), 2_000, 4_096, 0, "arm64", 0
)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"cpus": 8},
        {"cpus": "8+", "memory": "32+"},
        {"memory": 32},
        {"accelerators": "A100"},
        {"accelerators": "A100:2"},
        {"accelerators": "A100:0.5"},
        {"cloud": "local"},
        {"arch": "any"},
        {"use_spot": False},
    ],
)
def test_fits(asked: dict[str, object]) -> None:
    assert fits_here(sky.Resources(**asked), BOX) == (True, "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"cpus": "9+"}, "9+ vCPUs and this machine has 8"),
        ({"memory": "33+"}, "33 GiB of memory and this machine has 32"),
        ({"accelerators": "A100:4"}, "A100:4 and this machine has A100:2"),
        ({"accelerators": "H100"}, "H100:1 and this machine has A100:2"),
        ({"cloud": "aws"}, "AWS"),
        ({"instance_type": "p4d.24xlarge"}, "AWS"),
        ({"use_spot": True}, "spot"),
        ({"arch": "arm64"}, "arm64 and this machine is x86_64"),
        ({"image_id": "docker:ubuntu"}, "image"),
    ],
)
def test_does_not_fit(asked: dict[str, object], reason: str) -> None:
    fits, why = fits_here(sky.Resources(**asked), BOX)  # type: ignore[arg-type]
    assert not fits
    assert reason in why


def test_any_of_takes_what_fits() -> None:
    task = sky.Task().set_resources([sky.Resources(cpus="1000+"), sky.Resources(cpus="1+")])
    found, _ = local_fit(task)
    assert found == sky.Resources(cpus="1+")
    assert not wants_local(task)


def test_every_reason_is_given_once() -> None:
    task = sky.Task().set_resources(
        [sky.Resources(cpus="1000+"), sky.Resources(accelerators="H100:8", cpus="1000+")]
    )
    found, why = local_fit(task)
    assert found is None
    assert why.count("1000+ vCPUs") == 1


@pytest.mark.parametrize(
    ("asked", "cpus_milli", "memory_mib", "accelerator", "accelerators_milli"),
    [
        ({}, 500, 0, "", 0),
        ({"cpus": "4+", "memory": "16+"}, 4_000, 16_384, "", 0),
        ({"cpus": 2, "memory": "2x"}, 2_000, 4_096, "", 0),
        ({"accelerators": "A100:0.5"}, 500, 0, "A100", 500),
        ({"accelerators": "nvidia:32GB+:2"}, 500, 0, "A100", 2_000),
    ],
)
def test_a_job_takes_what_it_asks_for(
    asked: dict[str, object], cpus_milli: int, memory_mib: int, accelerator: str, accelerators_milli: int
) -> None:
    for resources in sky.Task().set_resources(sky.Resources(**asked)).resources:  # type: ignore[arg-type]
        demand = demand_of(resources, BOX)
        assert (demand.cpus_milli, demand.memory_mib) == (cpus_milli, memory_mib)
        assert (demand.accelerator, demand.accelerators_milli) == (accelerator, accelerators_milli)
        assert nodes_can_hold(demand, BOX) == ""


@pytest.mark.parametrize(
    ("asked", "capped"),
    [
        ({}, (False, False)),
        ({"cpus": 2, "memory": "8"}, (True, True)),
        ({"cpus": "2+", "memory": "8+"}, (False, False)),
        ({"cpus": 2, "memory": "2x"}, (True, False)),
        ({"instance_type": "p4d.24xlarge"}, (False, False)),
    ],
)
def test_only_what_is_asked_for_exactly_is_a_limit(
    asked: dict[str, object], capped: tuple[bool, bool]
) -> None:
    demand = demand_of(sky.Resources(**asked), BOX)  # type: ignore[arg-type]
    assert (demand.cpus_capped, demand.memory_capped) == capped


@pytest.mark.parametrize("asked", [{"cpus": 3}, {"memory": 5}, {"accelerators": "A100"}])
def test_what_a_node_can_never_hold_is_said(asked: dict[str, object]) -> None:
    resources = sky.Resources(**asked)  # type: ignore[arg-type]
    assert "a node has" in nodes_can_hold(demand_of(resources, PLAIN), PLAIN)
