"""Every example is accepted, planned to a proof, and listed; the first command of the README runs one."""

from __future__ import annotations

import re

import pytest

import sky
from bench.facts import cheapest_usd_per_hour
from sky.yaml_io import load_tasks
from solver.plan import Plan
from tests.architecture.source_tree import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def _plan(name: str) -> Plan:
    return sky.optimize(load_tasks(ROOT / "examples" / name), quiet=True)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_planned_to_a_proof(path) -> None:
    plan = _plan(path.name)
    assert plan.status.value == "OPTIMAL"
    assert plan.total_cost_micro_usd > 0


def test_the_training_example_gets_the_cheapest_node_in_the_fact_files() -> None:
    chosen = _plan("train.yaml").tasks[0].choice
    assert chosen.accelerators == {"A100": 8}
    assert chosen.price_usd_per_hour == pytest.approx(cheapest_usd_per_hour("A100", 8), abs=1e-6)


def test_the_pipeline_example_accounts_for_moving_its_data() -> None:
    plan = _plan("pipeline.yaml")
    assert [placement.name for placement in plan.tasks] == ["prepare", "train", "evaluate"]
    assert [transfer.size_bytes // 10**9 for transfer in plan.transfers if transfer.source != "aws"] == [
        600,
        40,
    ]


def test_the_table_of_examples_names_every_file_and_no_other() -> None:
    table = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| \[(\S+)\]", table, re.MULTILINE)) == [path.name for path in EXAMPLES]
