"""``sky.optimize`` over the real catalog, against scans of the fact files that share none of its code."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sky
from sky.exceptions import ResourcesUnavailableError
from solver.plan import Plan, Status

FACTS = Path(__file__).parents[3] / "catalog" / "data" / "facts"
RESTRICTED = re.compile(
    r"australiacentral2|brazilsoutheast|francesouth|germanynorth|jioindia|koreasouth|norwaywest|southafricawest"
    r"|swedensouth|switzerlandwest|uaecentral|me-central2"
)
BURSTABLE = re.compile(r"t\d[a-z]*\.|Standard_B\d|e2-(micro|small|medium)$|f1-micro|g1-small")
METAL = re.compile(r"\.metal|-metal")


@cache
def facts() -> list[dict[str, Any]]:
    return pa.concat_tables(
        [pq.ParquetFile(file).read() for file in sorted(FACTS.glob("*.parquet"))]
    ).to_pylist()


def careful(row: Mapping[str, Any]) -> bool:
    return (
        row["arch"] == "x86_64"
        and not RESTRICTED.match(row["region"])
        and not BURSTABLE.match(row["instance_type"])
        and not METAL.search(row["instance_type"])
    )


def cheapest(wanted: Callable[[Mapping[str, Any]], bool], price: str = "price") -> float:
    return min(row[price] for row in facts() if row[price] is not None and wanted(row))


def planned(**fields: Any) -> Plan:
    return sky.optimize(sky.Task(run="true").set_resources(sky.Resources(**fields)), quiet=True)


@pytest.mark.parametrize("name", ["A100", "H100", "T4", "L4", "V100", "A10G", "H200", "B200", "MI300X"])
@pytest.mark.parametrize("count", [1, 8])
def test_the_chosen_accelerator_offer_is_the_cheapest_in_the_facts(name: str, count: int) -> None:
    def wanted(row: Mapping[str, Any]) -> bool:
        return row["accelerator_name"] == name and row["accelerator_count"] == count and careful(row)

    if not any(map(wanted, facts())):
        with pytest.raises(ResourcesUnavailableError, match=name):
            planned(accelerators=f"{name}:{count}")
        return
    plan = planned(accelerators=f"{name}:{count}")
    assert plan.status is Status.OPTIMAL
    assert plan.tasks[0].price_usd_per_hour == pytest.approx(cheapest(wanted), abs=1e-6)
    assert plan.total_cost_usd == plan.tasks[0].cost_usd == plan.bound


@pytest.mark.parametrize("vcpus", [1, 2, 4, 8, 16, 64])
@pytest.mark.parametrize("spot", [False, True])
def test_the_chosen_cpu_offer_is_the_cheapest_in_the_facts(vcpus: int, spot: bool) -> None:
    def wanted(row: Mapping[str, Any]) -> bool:
        return (row["vcpus"] or 0) >= vcpus and (row["memory_gib"] or 0) >= 4 * vcpus and careful(row)

    plan = planned(cpus=f"{vcpus}+", use_spot=spot)
    price = cheapest(wanted, "spot_price" if spot else "price")
    assert plan.tasks[0].price_usd_per_hour == pytest.approx(price, abs=1e-6)
    assert plan.tasks[0].use_spot is spot


def test_best_resources_can_be_launched_and_keep_what_was_asked_beside_the_place() -> None:
    task = sky.Task(run="true")
    task.set_resources(sky.Resources(accelerators="A100:8", disk_size=512, ports=[8080], use_spot=True))
    plan = sky.optimize(task, quiet=True)
    best = task.best_resources
    assert best.is_launchable()
    assert best.cloud.canonical_name() == plan.tasks[0].cloud
    assert (best.region, best.zone, best.instance_type) == (
        plan.tasks[0].region,
        plan.tasks[0].zone,
        plan.tasks[0].instance_type,
    )
    assert (best.disk_size, list(best.ports), best.use_spot) == (512, ["8080"], True)
    assert best.accelerators == {"A100": 8}


def test_time_prefers_the_faster_accelerator_and_cost_the_cheaper_hour() -> None:
    task = sky.Task(run="true").set_resources(
        {sky.Resources(accelerators=name) for name in ("T4:1", "H100:1")}
    )
    fast = sky.optimize(task, minimize=sky.OptimizeTarget.TIME, quiet=True).tasks[0]
    slow = sky.optimize(task, minimize=sky.OptimizeTarget.COST, quiet=True).tasks[0]
    assert fast.accelerators == {"H100": 1}
    assert fast.time_s == math.ceil(3_600 * 65_000 / 989_500)
    assert slow.cost_usd <= fast.cost_usd
    assert fast.time_s <= slow.time_s


def test_ordered_takes_the_first_that_exists_however_dear() -> None:
    task = sky.Task(run="true")
    task.set_resources(
        [sky.Resources(accelerators="H100:3"), sky.Resources(accelerators="H200:8"), sky.Resources()]
    )
    assert sky.optimize(task, quiet=True).tasks[0].accelerators == {"H200": 8}


def test_a_block_removes_every_offer_it_covers_and_nothing_else() -> None:
    first = planned(accelerators="A100:8")
    task = sky.Task(run="true").set_resources(sky.Resources(accelerators="A100:8"))
    cloud = task_cloud = sky.clouds.from_str(first.tasks[0].cloud)
    second = sky.optimize(task, blocked_resources=[sky.Resources(cloud=cloud)], quiet=True)
    assert second.tasks[0].cloud != task_cloud.canonical_name()
    price = cheapest(
        lambda row: (
            row["accelerator_name"] == "A100"
            and row["accelerator_count"] == 8
            and row["cloud"] != first.tasks[0].cloud
            and careful(row)
        )
    )
    assert second.tasks[0].price_usd_per_hour == pytest.approx(price, abs=1e-6)


def test_a_block_on_spot_leaves_on_demand() -> None:
    first = planned(accelerators="T4:1")
    where = sky.Resources(cloud=sky.clouds.from_str(first.tasks[0].cloud), use_spot=True)
    task = sky.Task(run="true").set_resources(sky.Resources(accelerators="T4:1"))
    again = sky.optimize(task, blocked_resources=[where], quiet=True)
    assert again.tasks[0].choice == first.tasks[0].choice


def test_heavy_data_keeps_a_chain_in_one_region() -> None:
    with sky.Dag() as dag:
        prepare = sky.Task(name="prepare", run="true").set_outputs("s3://out", 50_000)
        prepare.set_resources(sky.Resources(cpus="4+"))
        train = sky.Task(name="train", run="true").set_resources(sky.Resources(accelerators="H100:8"))
        prepare >> train
    plan = sky.optimize(dag, quiet=True)
    here, there = plan.tasks
    assert (here.cloud, here.region) == (there.cloud, there.region)
    assert plan.total_cost_usd == pytest.approx(here.cost_usd + there.cost_usd)
    assert plan.total_time_s == here.time_s + there.time_s
    alone = planned(cpus="4+")
    assert here.cost_usd >= alone.tasks[0].cost_usd


def test_the_same_request_gives_the_same_plan_byte_for_byte() -> None:
    plans = {planned(accelerators="T4:1", use_spot=True).digest() for _ in range(3)}
    assert len(plans) == 1


def test_an_infeasible_request_says_what_removed_the_last_offer_and_what_would_help() -> None:
    with pytest.raises(ResourcesUnavailableError) as caught:
        planned(accelerators="A100:3")
    assert not caught.value.failover_history
    assert "A100:3" in str(caught.value)
    assert "1, 2, 4, 8, 16" in str(caught.value)


def test_this_machine_is_planned_when_asked_for_and_noted_when_it_would_do() -> None:
    plan = planned(infra="local")
    assert (plan.tasks[0].cloud, plan.total_cost_usd, plan.status) == ("local", 0.0, Status.OPTIMAL)
    assert not any("would fit" in note for note in plan.notes)
    assert any("would fit on this machine" in note for note in planned(cpus="1+", memory="1+").notes)
    assert not any("would fit on this machine" in note for note in planned(accelerators="H100:8").notes)


def test_a_cloud_may_compete_with_this_machine() -> None:
    task = sky.Task(run="true").set_resources(
        {sky.Resources(infra="local"), sky.Resources(infra="aws", cpus="2+")}
    )
    plan = sky.optimize(task, quiet=True)
    assert plan.tasks[0].cloud == "local"
    assert {choice.cloud for choice in plan.tasks[0].considered} == {"local", "aws"}


def test_an_empty_dag_is_refused() -> None:
    with pytest.raises(ValueError, match="no task"):
        sky.optimize(sky.Dag())


def test_each_default_says_how_many_offers_it_removed() -> None:
    """The counts agree with a scan of the facts, default after default."""
    left = [row for row in facts() if (row["vcpus"] or 0) >= 4]
    steps: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
        ("at least 16 GiB", lambda row: (row["memory_gib"] or 0) >= 16),
        ("arm64", lambda row: row["arch"] == "x86_64"),
        ("burstable", lambda row: not BURSTABLE.match(row["instance_type"])),
        ("bare metal", lambda row: not METAL.search(row["instance_type"])),
        ("provider must approve", lambda row: not RESTRICTED.match(row["region"])),
    )
    notes = planned(cpus="4+").tasks[0].notes
    assert len(notes) == len(steps)
    for note, (said, passes) in zip(notes, steps, strict=True):
        kept = [row for row in left if passes(row)]
        assert said in note
        assert note.endswith(f"; {len(left) - len(kept):,} offers removed")
        left = kept


def test_an_offer_that_meets_two_alternatives_is_listed_once() -> None:
    alternatives = {sky.Resources(cpus="4+"), sky.Resources(cpus="4+", cloud=sky.AWS())}
    task = sky.optimize(sky.Task(run="true").set_resources(alternatives), quiet=True).tasks[0]
    offers = [(c.cloud, c.zone, c.region, c.instance_type) for c in (task.choice, *task.alternatives)]
    assert len(set(offers)) == len(offers)
    assert task.candidates == planned(cpus="4+").tasks[0].candidates
