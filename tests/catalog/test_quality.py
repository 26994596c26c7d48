"""The gates: what is doubted, what is let through, and that real price lists pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from catalog.build import FACTS as FACT_FILES
from catalog.errors import UserError
from catalog.facts import FACTS, facts_of_rows, read_facts
from catalog.quality import GATES, Verdict, judge
from catalog.store import open_snapshot

CLOUDS = ("aws", "azure", "gcp", "lambda", "nebius")
FAULTS = {"another unit": 0.01, "another currency": 7.2, "Windows": 1.5, "dedicated tenancy": 1.07}


@cache
def _facts(cloud: str) -> pa.Table:
    return read_facts(FACT_FILES / f"{cloud}.parquet")


@cache
def _before(cloud: str) -> pa.Table:
    table = open_snapshot().table
    return table.filter(pc.equal(table["cloud"], cloud))


@cache
def _some_regions(cloud: str) -> tuple[pa.Table, pa.Table]:
    """Facts, and offers in use, of up to eight regions: enough for every gate, and quick."""
    regions = pa.array(sorted(set(_facts(cloud)["region"].to_pylist()))[:8])
    parts = [
        table.filter(pc.is_in(table["region"].cast(pa.utf8()), regions))
        for table in (_facts(cloud), _before(cloud))
    ]
    return parts[0], parts[1]


def _with(table: pa.Table, column: str, values: list[Any]) -> pa.Table:
    field = FACTS.field(column)
    return table.set_column(table.schema.get_field_index(column), field, pa.array(values, field.type))


def _changed(cloud: str, column: str, change: Callable[[int, Any], Any]) -> Verdict:
    table, before = _some_regions(cloud)
    values = [change(row, value) for row, value in enumerate(table[column].to_pylist())]
    return judge(cloud, _with(table, column, values), before)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_embedded_price_lists_pass_every_gate(cloud: str) -> None:
    verdict = judge(cloud, _facts(cloud), _before(cloud))
    assert verdict.findings == ()
    assert verdict.passed.num_rows == _facts(cloud).num_rows
    assert not verdict.held_back


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_embedded_price_lists_pass_as_the_first_ones_of_their_cloud(cloud: str) -> None:
    verdict = judge(cloud, _facts(cloud), _before(cloud).slice(0, 0))
    assert not verdict.held_back
    assert verdict.quarantined.num_rows <= 0.001 * _facts(cloud).num_rows


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_list_that_is_wrong_as_a_whole_is_held_back(cloud: str, fault: str) -> None:
    verdict = _changed(cloud, "price", lambda _, price: price * FAULTS[fault])
    assert verdict.held_back
    assert {finding.gate for finding in verdict.findings} & {"moved", "price"}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_single_wrong_prices_are_quarantined_and_nothing_else(cloud: str) -> None:
    table, _ = _some_regions(cloud)
    rows = table.num_rows
    planted = {(2 * at + 1) * rows // 9: factor for at, factor in enumerate(FAULTS.values())}
    keys = {tuple(table.slice(row, 1).to_pylist()[0][name] for name in _KEY) for row in planted}
    verdict = _changed(cloud, "price", lambda row, price: price * planted.get(row, 1))
    wrong = {finding.gate for finding in verdict.findings} - {"price", "spot", "alone", "doubtful"}
    assert wrong == set()
    assert {tuple(row[name] for name in _KEY) for row in verdict.quarantined.to_pylist()} == keys
    assert all(verdict.quarantined["reason"].to_pylist())
    assert verdict.passed.num_rows == rows - len(keys)


_KEY = ("region", "zone", "instance_type", "accelerator_name", "accelerator_count")


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_a_wrong_price_of_a_new_offer_is_seen_by_its_peers(cloud: str) -> None:
    row = _facts(cloud).num_rows // 3
    before = _before(cloud)
    name = _facts(cloud)["instance_type"][row].as_py()
    region = _facts(cloud)["region"][row].as_py()
    known = pc.and_(pc.equal(before["instance_type"], name), pc.equal(before["region"], region))
    values = _facts(cloud)["price"].to_pylist()
    values[row] *= 1.9
    verdict = judge(cloud, _with(_facts(cloud), "price", values), before.filter(pc.invert(known)))
    assert [finding.gate for finding in verdict.findings] == ["peers"]
    assert verdict.quarantined.num_rows == 1


@pytest.mark.parametrize("start", ["c5.", "m5.xlarge"])
def test_a_price_cut_of_a_family_or_of_a_type_everywhere_passes(start: str) -> None:
    names = _some_regions("aws")[0]["instance_type"].to_pylist()
    verdict = _changed(
        "aws", "price", lambda row, price: price * (0.7 if names[row].startswith(start) else 1)
    )
    assert ({finding.gate for finding in verdict.findings} - {"spot"}, verdict.held_back) == (set(), False)


def test_a_currency_that_is_stated_holds_the_source_back() -> None:
    stated = _facts("lambda").replace_schema_metadata({"currency": "EUR"})
    verdict = judge("lambda", stated, _before("lambda"))
    assert verdict.held_back
    assert [finding.gate for finding in verdict.findings] == ["currency"]
    assert not judge("lambda", stated, _before("lambda"), accept=["currency"]).held_back


@pytest.mark.parametrize(
    ("gate", "keep"),
    [
        ("empty", lambda _: False),
        ("regions", lambda row: row["region"] != "us-east-1"),
        ("families", lambda row: "_a100" not in row["instance_type"]),
        ("rows", lambda row: not row["instance_type"].startswith("gpu_1x")),
    ],
)
def test_a_list_that_lost_much_is_held_back(gate: str, keep: Callable[[dict[str, Any]], bool]) -> None:
    rows = [row for row in _facts("lambda").to_pylist() if keep(row)]
    verdict = judge("lambda", facts_of_rows(rows), _before("lambda"))
    assert verdict.held_back
    assert gate in {finding.gate for finding in verdict.findings}


ROW = {
    "cloud": "acme",
    "region": "r1",
    "instance_type": "m1",
    "arch": "x86_64",
    "vcpus": 4,
    "memory_gib": 16,
    "price": 0.2,
    "source": "list",
}
GPU = {"accelerator_name": "A100", "accelerator_count": 1, "accelerator_memory_gib": 40, "price": 2.0}


@pytest.mark.parametrize(
    ("gate", "change", "reason"),
    [
        ("identity", {"cloud": "aws"}, "not of acme"),
        ("identity", {"region": ""}, "no region"),
        ("identity", {"arch": "riscv"}, "architecture"),
        ("price", {"price": 0.0}, "no price above zero"),
        ("price", {"price": -1.0}, "no price above zero"),
        ("price", {"price": float("nan")}, "no price above zero"),
        ("price", {"price": float("inf")}, "no price above zero"),
        ("price", {"price": 0.001}, "so low"),
        ("price", {"price": 10.0}, "so high"),
        ("price", {**GPU, "price": 0.02}, "so low"),
        ("price", {**GPU, "price": 200.0}, "so high"),
        ("spot", {"spot_price": 0.0}, "not above zero"),
        ("spot", {"spot_price": 0.21}, "above the price on demand"),
        ("spot", {"spot_price": 0.001}, "so low"),
        ("spot", {"interruption_rate": 5.0}, "0 to 1"),
        ("accelerator", {**GPU, "accelerator_name": ""}, "without a name"),
        ("accelerator", {**GPU, "accelerator_count": None}, "without a count"),
        ("accelerator", {**GPU, "accelerator_name": "A1000"}, "unknown accelerator .A1000"),
        ("shape", {"vcpus": None}, "vCPUs"),
        ("shape", {"memory_gib": 0.0}, "memory"),
    ],
)
def test_a_row_that_cannot_be_true_is_quarantined(gate: str, change: dict[str, Any], reason: str) -> None:
    others = [{**ROW, "instance_type": f"m{size}"} for size in range(2, 60)]
    table = facts_of_rows([{**ROW, **change}, *others])
    verdict = judge("acme", table, _before("aws").slice(0, 0))
    assert [finding.gate for finding in verdict.findings] == [gate]
    assert verdict.quarantined.num_rows == 1
    assert verdict.passed.num_rows == len(others)
    assert pc.match_substring_regex(verdict.quarantined["reason"], reason).to_pylist() == [True]
    overruled = judge("acme", table, _before("aws").slice(0, 0), accept=[gate])
    assert overruled.findings[0].accepted
    assert overruled.quarantined.num_rows == 0


def test_of_two_rows_with_one_key_neither_is_believed() -> None:
    others = [{**ROW, "instance_type": f"m{size}"} for size in range(2, 60)]
    table = facts_of_rows([ROW, {**ROW, "price": 0.3}, *others])
    verdict = judge("acme", table, _before("aws").slice(0, 0))
    assert verdict.quarantined["gate"].to_pylist() == ["duplicate", "duplicate"]


def test_many_doubtful_rows_hold_the_source_back() -> None:
    rows = [{**ROW, "instance_type": f"m{size}", "price": 0.2 if size % 9 else 0.0} for size in range(60)]
    assert judge("acme", facts_of_rows(rows), _before("aws").slice(0, 0)).held_back


def test_only_gates_can_be_accepted() -> None:
    with pytest.raises(UserError, match="no gate prices"):
        judge("acme", facts_of_rows([ROW]), _before("aws").slice(0, 0), accept=["prices"])
    assert len(GATES) == 16
