"""Owned nodes in plans: they compete by price, only where enough are free, and say why where they are not."""

from __future__ import annotations

import pytest

import sky
from catalog.offer import Market, Offer, OfferKey
from executors import ssh
from executors.owned import OwnedOffer
from sky.control.places import Places
from sky.exceptions import ResourcesUnavailableError
from sky.statuses import OptimizeTarget

TWO_HELD = "1 of 3 8cpu-32gb hosts is free: h2 is held by dev (ada@laptop); h3 does not answer (timeout)"


def node(
    pool: str, shape: str, cpus: int, gib: int, *, gpu: str = "", count: int = 0, usd: float = 0.0
) -> Offer:
    key = OfferKey("ssh", pool, "", shape, gpu, count * 1_000, Market.OWNED)
    return Offer(key, cpus * 1_000, gib * 1_024, 0, "x86_64", round(usd * 1_000_000))


SMALL = OwnedOffer(node("lab", "8cpu-32gb", 8, 32), 1, TWO_HELD)
GPUS = OwnedOffer(node("gpu", "96cpu-1024gb-A100x8", 96, 1_024, gpu="A100", count=8, usd=3.0), 2)
DEAR = OwnedOffer(node("dear", "16cpu-64gb-99usd", 16, 64, usd=99.0), 5)


@pytest.fixture(autouse=True)
def pools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "has_offers", lambda: True)
    monkeypatch.setattr(ssh, "owned_offers", lambda: (SMALL, GPUS, DEAR))


def task(num_nodes: int = 1, **resources: object) -> sky.Task:
    made = sky.Task(name="t", run="true", num_nodes=num_nodes)
    made.set_resources(sky.Resources(**resources))  # type: ignore[arg-type]
    return made


def place(made: sky.Task) -> tuple[str, str, str]:
    choice = sky.optimize(made, quiet=True).tasks[0].choice
    return choice.cloud, choice.region, choice.instance_type


def test_a_free_host_of_a_pool_beats_every_cloud_and_a_dear_one_does_not() -> None:
    assert place(task(cpus="4+")) == ("ssh", "lab", "8cpu-32gb")
    assert place(task(accelerators="A100:8")) == ("ssh", "gpu", "96cpu-1024gb-A100x8")
    assert place(task(cpus="16", memory="64"))[0] != "ssh"
    assert place(task(cpus="16", memory="64", infra="ssh/dear"))[:2] == ("ssh", "dear")


def test_a_task_asks_for_a_share_and_the_cluster_is_the_whole_host() -> None:
    made = task(accelerators="A100:1", infra="ssh")
    found = Places.of(made, OptimizeTarget.COST).best()
    assert (found.executor, found.offer) == ("ssh", GPUS.offer)
    assert found.offer.key.market is Market.OWNED
    assert found.resources.accelerators == {"A100": 1}


def test_without_a_size_any_host_of_the_pool_does() -> None:
    assert place(task(infra="ssh/lab")) == ("ssh", "lab", "8cpu-32gb")


def test_too_few_free_hosts_are_passed_over_with_the_reason() -> None:
    plan = sky.optimize(task(2, cpus="8", memory="32"), quiet=True)
    assert plan.tasks[0].choice.cloud != "ssh"
    assert f"t needs 2 in ssh/lab: {TWO_HELD}" in plan.notes
    with pytest.raises(ResourcesUnavailableError, match=r"held by dev \(ada@laptop\)"):
        sky.optimize(task(2, infra="ssh/lab"), quiet=True)
    assert place(task(2, infra="ssh/gpu"))[1] == "gpu"


def test_each_task_of_a_dag_is_limited_by_its_own_number_of_nodes() -> None:
    with sky.Dag() as dag:
        one, two = task(1, infra="ssh/lab"), task(2, infra="ssh")
        one.name, two.name = "one", "two"
        dag.add(one)
        dag.add(two)
    plan = sky.optimize(dag, quiet=True)
    assert [each.choice.region for each in plan.tasks] == ["lab", "gpu"]


def test_a_pool_that_is_not_up_is_named_with_those_that_are() -> None:
    with pytest.raises(ResourcesUnavailableError, match=r"ssh/lap is not up.*Did you mean 'lab'\?"):
        sky.optimize(task(infra="ssh/lap"), quiet=True)


def test_a_task_that_names_another_cloud_hears_nothing_of_pools() -> None:
    plan = sky.optimize(task(2, infra="aws", cpus="8"), quiet=True)
    assert not [note for note in plan.notes if "ssh" in note]


def test_blocked_pools_are_left_out() -> None:
    blocked = [sky.Resources(cloud="ssh", region="lab", instance_type="8cpu-32gb")]
    plan = sky.optimize(task(cpus="4+"), blocked_resources=blocked, quiet=True)
    assert plan.tasks[0].choice.region != "lab"
