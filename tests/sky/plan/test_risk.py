"""``risk`` from the command line, the API and the configuration down to the plan and the launch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner

import sky
from catalog import history
from catalog.arrays import array_of
from catalog.difference import difference
from catalog.query import mask_equal, present, view
from catalog.scope import Scope
from catalog.store import open_snapshot, shelve, use
from catalog.volatility import volatility
from executors import registry
from executors.errors import OutOfCapacity
from sky import core
from sky.cli.main import cli
from sky.control.outlook import Outlook
from sky.control.stages import LaunchOptions, launch_task
from sky.exceptions import SpecError
from sky.fields.estimate import Estimate
from solver.plan import Plan
from tests.sky.control.fake_infra import FakeCloud

DAYS_20 = "20d"


def task(*, nodes: int = 1, estimate: dict[str, Any] | None = None, cloud: str | None = None) -> sky.Task:
    """A100s on spot or not, for 20 days."""
    made = sky.Task(name="train", run="true", num_nodes=nodes)
    made.estimate = Estimate.from_yaml_config(estimate or {"runtime": DAYS_20})
    asked = {"accelerators": "A100:8", "cloud": None if cloud is None else sky.clouds.from_str(cloud)}
    return made.set_resources({sky.Resources(**asked, use_spot=spot) for spot in (True, False)})  # type: ignore[arg-type]


def planned(made: sky.Task, **options: Any) -> Plan:
    return sky.optimize(made, quiet=True, **options)


def configured(text: str, home: Path) -> None:
    (home / ".sky").mkdir(exist_ok=True)
    (home / ".sky" / "config.yaml").write_text(text)


def test_spot_gives_way_where_too_many_nodes_must_last_too_long() -> None:
    one, some, many = (planned(task(nodes=nodes)).tasks[0] for nodes in (1, 40, 200))
    assert one.use_spot
    assert one.choice.zone == some.choice.zone == many.choice.zone
    one, some, many = (planned(task(nodes=nodes), risk="expected").tasks[0] for nodes in (1, 40, 200))
    assert one.risk is not None
    assert some.risk is not None
    assert one.risk.interruption_ppm > some.risk.interruption_ppm
    assert not many.use_spot
    checkpointed = task(nodes=200, estimate={"runtime": DAYS_20, "checkpoint": "1h"})
    (placed,) = planned(checkpointed, risk=sky.Risk.EXPECTED).tasks
    assert placed.use_spot
    assert placed.risk is not None
    assert (placed.risk.kind, placed.risk.checkpoint_s) == ("expected", 3_600)


def test_the_default_is_the_plan_without_a_word() -> None:
    assert planned(task()).digest() == planned(task(), risk="ignore").digest()
    assert planned(task()).digest() != planned(task(), risk="expected").digest()


def test_the_configuration_is_the_default_and_the_call_wins(home: Path) -> None:
    configured("optimizer: {risk: expected, checkpoint_minutes: 90}\n", home)
    (placed,) = planned(task()).tasks
    assert placed.risk is not None
    assert (placed.risk.kind, placed.risk.checkpoint_s) == ("expected", 5_400)
    assert planned(task(), risk="ignore").tasks[0].risk is None
    stated = planned(task(estimate={"runtime": DAYS_20, "checkpoint": 600})).tasks[0].risk
    assert stated is not None
    assert stated.checkpoint_s == 600


@pytest.mark.parametrize("risk", ["expect", "high", 3])
def test_another_risk_is_refused_with_what_is_possible(risk: Any) -> None:
    for call in (
        lambda: planned(task(), risk=risk),
        lambda: core.launch(task(), "dev", dryrun=True, risk=risk),
    ):
        with pytest.raises(SpecError, match=r"risk: .* is no way to count the risk of spot.*expected"):
            call()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "optimizer: {risk: averce}\n",
            "optimizer.risk: 'averce' is no way to count the risk of spot. Did you mean 'averse'",
        ),
        (
            "optimizer:\n  checkpoint_minutes: 0\n",
            ":2:3: optimizer.checkpoint_minutes: 0 is not a time between",
        ),
        (
            "optimizer: {checkpoint: 3}\n",
            "optimizer.checkpoint: unknown field in the configuration of the optimizer",
        ),
    ],
)
def test_a_wrong_configuration(text: str, message: str, home: Path) -> None:
    configured(text, home)
    with pytest.raises(SpecError) as caught:
        planned(task())
    assert message in str(caught.value)


def test_a_checkpoint_of_an_estimate_reads_back() -> None:
    estimate = Estimate.from_yaml_config({"runtime": "2h", "checkpoint": "10m"})
    assert estimate == Estimate(7_200, checkpoint_s=600)
    assert Estimate.from_yaml_config(estimate.to_yaml_config()) == estimate
    with pytest.raises(SpecError, match="checkpoint: 0 is not a time above zero"):
        Estimate.from_yaml_config({"runtime": "2h", "checkpoint": 0})


def invoke(*words: str) -> str:
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_line_tells_what_it_counted_in(tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(
        "{resources: {infra: aws, accelerators: 'A100:8', use_spot: true}, estimate: {runtime: 20d}, run: x}"
    )
    shown = invoke("optimize", str(file), "--risk", "expected")
    assert re.search(
        r"Risk: a node's chance of an interruption within a month is [\d.]+ % \(published\)", shown
    )
    assert "counted in; the job begins anew after each." in shown
    told = invoke("optimize", str(file), "--risk", "averse")
    assert "no refresh has been made here, so no spot price is known to move" in told
    plain = invoke("optimize", str(file))
    assert re.search(r"about [\d.]+ % of such spot nodes", plain)
    assert "Risk:" not in plain
    wrong = CliRunner().invoke(cli, ["optimize", str(file), "--risk", "none"])
    assert "'none' is not one of 'ignore', 'expected', 'averse'" in wrong.output


def published(table: pa.Table, at: datetime) -> None:
    """Take ``table`` into use as a refresh does, with what it changes."""
    before, after = open_snapshot(), shelve(table)
    changes = difference(before.table, after.table)
    history.record(changes, before.snapshot_id, after.snapshot_id, at, {})
    use(after.snapshot_id)
    history.settle(after.snapshot_id)


def with_spot_times(table: pa.Table, mask: np.ndarray, factor: float) -> pa.Table:
    """Return ``table`` with the spot prices of the rows of ``mask`` at ``factor`` times what they are."""
    name = "spot_price_micro_usd"
    prices = np.where(mask, np.rint(view(table, name) * factor), view(table, name)).astype(np.int64)
    column = array_of(prices, pa.int64(), present(table, name))
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)


def test_a_price_that_moved_costs_more_to_the_averse() -> None:
    first = planned(task(), risk="averse").tasks[0]
    assert first.choice == planned(task(), risk="expected").tasks[0].choice
    embedded = open_snapshot().table
    table = embedded.filter(pc.equal(embedded["accelerator"].cast(pa.utf8()), "A100"))
    here = mask_equal(table, "zone", first.zone or "") & mask_equal(
        table, "instance_type", first.instance_type
    )
    at = datetime(2026, 11, 1, tzinfo=timezone.utc)
    published(table, at)
    for number, factor in enumerate((2.0, 0.25, 2.0)):
        published(with_spot_times(open_snapshot().table, here, factor), at + timedelta(days=1 + number))

    calm, averse = planned(task(), risk="expected").tasks[0], planned(task(), risk="averse").tasks[0]
    assert calm.choice == first.choice
    ((_, points),) = history.series(
        open_snapshot().table, "", first.instance_type, region=first.region, zone=first.zone
    ).items()
    sigma = volatility(points)
    assert sigma > 1.5
    by_place = {(choice.zone, choice.use_spot): choice for choice in (averse.choice, *averse.alternatives)}
    moved = by_place[first.zone, True]
    deviation = calm.cost_usd * sigma * (calm.time_s / (3 * 30 * 86_400)) ** 0.5
    assert moved.cost_usd == pytest.approx(calm.cost_usd + deviation, rel=1e-6)


@pytest.fixture
def aws() -> Iterator[FakeCloud]:
    cloud = FakeCloud("aws")
    registry.register("aws", cloud.executor)
    yield cloud
    registry.unregister("aws")


def test_a_launch_shows_and_takes_what_the_plan_says(aws: FakeCloud) -> None:
    shown: list[Outlook] = []
    for risk in sky.Risk:
        launch_task(
            task(nodes=200, cloud="aws"),
            "dev",
            LaunchOptions(dryrun=True, risk=risk, on_outlook=shown.append),
        )
        plan = planned(task(nodes=200, cloud="aws"), risk=risk)
        assert shown[-1].plan.tasks[0].choice == plan.tasks[0].choice
        assert shown[-1].plan.tasks[0].risk == plan.tasks[0].risk
    assert [outlook.plan.tasks[0].use_spot for outlook in shown] == [True, False, False]
    core.launch(task(nodes=200, cloud="aws"), "dev", risk="expected")
    assert aws.requests[-1].offer.key.market.value == "on-demand"


def test_after_a_refusal_the_next_place_is_weighed_by_the_same_risk(aws: FakeCloud) -> None:
    made = task(nodes=10, cloud="aws")
    plan = planned(made, risk="expected")
    first, second = plan.tasks[0].choice, plan.tasks[0].alternatives[0]
    only_here = Scope(first.cloud, first.region, first.zone, first.instance_type)
    aws.failures = [OutOfCapacity("none left", only_here, 300)]
    core.launch(made, "dev", risk="expected")
    keys = [request.offer.key for request in aws.requests]
    assert [(key.zone, key.market.value == "spot") for key in keys] == [
        (first.zone, first.use_spot),
        (second.zone, second.use_spot),
    ]
    told = json.loads(json.dumps(plan.to_dict()))
    assert Plan.from_dict(told) == plan


def test_the_command_line_launches_by_the_same_risk(aws: FakeCloud, tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(
        "{num_nodes: 200, estimate: {runtime: 20d}, run: x,"
        " resources: {infra: aws, accelerators: 'A100:8', any_of: [{use_spot: true}, {use_spot: false}]}}"
    )
    for risk, on_spot in (("ignore", True), ("expected", False)):
        told = json.loads(invoke("launch", str(file), "--dryrun", "--json", "--risk", risk))
        assert told["tasks"][0]["use_spot"] is on_spot
    shown = invoke("launch", str(file), "--dryrun", "--num-nodes", "1", "--risk", "expected")
    assert "Interruptions are expected to add" in shown
    assert aws.requests == []
