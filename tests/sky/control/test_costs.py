from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner

import sky
from catalog.errors import UserError
from executors import registry
from executors.fake import Script
from sky import core
from sky.cli.main import cli
from sky.control import costs
from sky.control.database import open_database
from sky.control.state import Store, open_store
from sky.statuses import ClusterStatus
from tests.sky.control.fake_cloud import cloud
from tests.sky.control.store_suite import Clock, record

MIDNIGHT = 1_789_948_800
"""The beginning of a day, UTC."""
HOUR = 3_600
DAY = 24 * HOUR
PRICE = 7_200_000
"""Micro-USD an hour of one node; the clusters here have two."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(MIDNIGHT)
    monkeypatch.setattr("sky.control.costs.open_store", lambda: Store(open_database(), clock=clock))
    monkeypatch.setattr("sky.cli.costs.time.time", clock)
    return clock


@pytest.fixture
def store(clock: Clock) -> Store:
    return Store(open_database(), clock=clock)


@pytest.fixture
def history(store: Store, clock: Clock) -> None:
    """One cluster that ran 22:00 to 02:00, was stopped, ran an hour more and went; another that runs."""
    clock.now = MIDNIGHT - 2 * HOUR
    up = store.update(
        store.add(record("train", handle={"id": "1"}, owner="ada", last_use="sky launch")),
        status=ClusterStatus.UP,
    )
    clock.now = MIDNIGHT + 2 * HOUR
    stopped = store.update(up, status=ClusterStatus.STOPPED)
    clock.now = MIDNIGHT + 10 * HOUR
    again = store.update(stopped, status=ClusterStatus.INIT)
    clock.now = MIDNIGHT + 11 * HOUR
    store.close(store.update(again, last_use="sky down train"))
    store.update(store.add(record("dev", num_nodes=1, handle={"id": "2"})), status=ClusterStatus.UP)
    store.add(record("never-had-a-node"))
    clock.now = MIDNIGHT + 12 * HOUR


def test_time_stopped_is_not_paid_for(history: None) -> None:
    dev, train = core.cost_report()
    assert (train["name"], train["duration"], train["status"]) == ("train", 5 * HOUR, None)
    assert train["total_cost"] == 5 * 2 * PRICE / 1e6
    assert train["usage_intervals"] == [
        (MIDNIGHT - 2 * HOUR, MIDNIGHT + 2 * HOUR),
        (MIDNIGHT + 10 * HOUR, MIDNIGHT + 11 * HOUR),
    ]
    assert (train["launched_at"], train["last_use"]) == (MIDNIGHT - 2 * HOUR, "sky down train")
    assert train["resources"].use_spot
    assert (dev["status"], dev["duration"], dev["total_cost"]) == (ClusterStatus.UP, HOUR, PRICE / 1e6)
    assert dev["usage_intervals"][-1][1] is None


def test_the_report_has_the_promised_columns(history: None) -> None:
    promised = {
        *("name", "launched_at", "duration", "last_use", "num_nodes", "resources", "cluster_hash"),
        *("usage_intervals", "status", "total_cost"),
    }
    assert promised < set(sky.cost_report()[0])


def test_a_window_cuts_what_began_before_it(history: None, clock: Clock) -> None:
    clock.now = MIDNIGHT + DAY + HOUR
    dev, train = costs.costs(days=1)
    assert train.intervals[0].started_at == MIDNIGHT + HOUR
    assert train.cost_micro_usd == 2 * 2 * PRICE
    assert dev.cost_micro_usd == (DAY + HOUR - 11 * HOUR) // HOUR * PRICE
    clock.now += 2 * DAY
    assert [each.life.name for each in costs.costs(days=1)] == ["dev"]


@pytest.mark.parametrize("days", [0, -1])
def test_a_window_is_of_days(days: int) -> None:
    with pytest.raises(UserError, match="1 or more"):
        costs.costs(days)


def test_a_day_is_what_was_paid_on_it(history: None) -> None:
    found = costs.costs()
    assert costs.by_date(found) == [
        (date(2026, 9, 20), 2 * 2 * PRICE),
        (date(2026, 9, 21), 3 * 2 * PRICE + PRICE),
    ]
    assert sum(cost for _, cost in costs.by_date(found)) == sum(each.cost_micro_usd for each in found)


def test_many_days_are_months(store: Store, clock: Clock) -> None:
    clock.now = int(datetime(2026, 1, 20, 12, tzinfo=timezone.utc).timestamp())
    store.add(record(num_nodes=1, handle={"id": "1"}))
    clock.now = int(datetime(2026, 5, 1, 1, tzinfo=timezone.utc).timestamp())
    months = costs.by_date(costs.costs())
    assert [month for month, _ in months] == [date(2026, number, 1) for number in (1, 2, 3, 4, 5)]
    hours = [11 * 24 + 12, 28 * 24, 31 * 24, 30 * 24, 1]
    assert [cost for _, cost in months] == [each * PRICE for each in hours]


def test_a_price_is_that_of_the_launch(tmp_path: Path) -> None:
    with cloud("aws", tmp_path, Script()) as aws:
        core.launch(sky.Task().set_resources(sky.Resources(cloud="aws", cpus="2+")), "dev")
        core.down("dev")
        (asked,) = [call.request for call in aws.calls if call.request is not None]
        (row,) = core.cost_report()
        assert row["price_usd_per_hour"] == asked.offer.price_micro_usd / 1e6 > 0
        assert row["total_cost"] == asked.offer.price_micro_usd * row["duration"] // HOUR / 1e6


def test_what_stopped_itself_is_not_paid_for_until_somebody_looks(tmp_path: Path) -> None:
    with cloud("aws", tmp_path, Script()):
        core.launch(sky.Task().set_resources(sky.Resources(cloud="aws", cpus="2+")), "dev")
        made = open_store().get("dev")
        assert made is not None
        registry.load("aws").provisioner.stop(made.executor_handle)  # type: ignore[attr-defined]
        later = Store(open_database(), clock=lambda: made.launched_at + DAY)
        stopped = registry.load("aws").provisioner.describe(made.executor_handle)
        from sky.control.connection import apply
        from sky.control.reconcile import decide

        apply(later, made, decide(made, stopped, later.now()))
        (row,) = core.cost_report()
        assert row["status"] is ClusterStatus.STOPPED
        assert row["duration"] < DAY
        core.down("dev")


def test_csv_and_json_say_the_same(history: None) -> None:
    run = CliRunner().invoke
    report = json.loads(run(cli, ["cost-report", "--json"]).stdout)
    rows = list(csv.DictReader(io.StringIO(run(cli, ["cost-report", "--csv"]).stdout)))
    assert report["total_cost_usd"] == sum(float(row["total_cost_usd"]) for row in rows) == 79.2
    assert [row["name"] for row in rows] == ["dev", "train"]
    assert rows[1]["accelerators"] == "A100:8"
    assert rows[1]["terminated_at"] == "2026-09-21T11:00:00+00:00"
    assert report["clusters"][1]["usage_intervals"][0] == [MIDNIGHT - 2 * HOUR, MIDNIGHT + 2 * HOUR]


def test_bars_are_as_long_as_their_days_were_dear(history: None) -> None:
    shown = CliRunner().invoke(cli, ["cost-report", "--plot", "--days", "9"]).stdout
    lengths = [line.count("█") for line in shown.splitlines() if line.startswith("2026-09")]
    assert lengths == [round(40 * 4 / 7), 40]
    assert "Total in the last 9 days: $79.20, 2 clusters" in shown


@pytest.mark.parametrize("words", [["--all", "--days", "3"], ["--json", "--csv"], ["--days", "0"]])
def test_contradictions_are_refused(words: list[str]) -> None:
    assert CliRunner().invoke(cli, ["cost-report", *words]).exit_code != 0


def test_nothing_was_paid_for() -> None:
    assert "No cluster had a node since ever." in CliRunner().invoke(cli, ["cost-report", "-a"]).stdout
