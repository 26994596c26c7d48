"""``sky catalog`` from the outside: what it prints, its JSON, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner

from catalog.build import FACTS
from catalog.errors import CatalogError, UserError
from catalog.facts import facts, read_facts, write_facts
from catalog.store import open_snapshot, publish
from sky.cli.main import cli


@pytest.fixture(autouse=True)
def small_catalog(home: Path) -> None:
    table = open_snapshot().table
    publish(table.filter(pc.is_in(table["cloud"].cast(pa.utf8()), pa.array(["lambda", "nebius"]))))


def run(*words: str) -> tuple[int, str]:
    done = CliRunner(catch_exceptions=False).invoke(cli, ["catalog", *words], standalone_mode=False)
    return done.return_value or 0, done.stdout


def run_json(*words: str) -> Any:
    return json.loads(run(*words, "--json")[1])


@pytest.fixture
def prices(tmp_path: Path) -> Callable[[dict[str, float]], str]:
    """Lambda's list with some types at another price, as a file."""

    def write(factors: dict[str, float]) -> str:
        table = read_facts(FACTS / "lambda.parquet")
        changed = [
            price * factors.get(name, factors.get("*", 1))
            for name, price in zip(
                table["instance_type"].to_pylist(), table["price"].to_pylist(), strict=True
            )
        ]
        columns = {name: table[name] for name in table.column_names}
        write_facts(facts({**columns, "price": changed}), tmp_path / "prices.parquet")
        return str(tmp_path / "prices.parquet")

    return write


def test_a_refresh_says_what_changed_and_the_way_back_is_a_command(
    prices: Callable[[dict[str, float]], str],
) -> None:
    before = open_snapshot().snapshot_id
    code, text = run("refresh", "-c", "lambda", "--file", prices({"gpu_8x_a100": 0.9}))
    after = open_snapshot().snapshot_id
    assert code == 0
    assert f"Plans now use {after[:12]}: 486 offers; back with: sky catalog use {before[:12]}" in text
    assert [each["in_use"] for each in run_json("ls")] == [True, False, False]
    assert run_json("diff", before)["counts"]["lambda"]["cheaper"] == 17
    assert "$15.92 -> $14.33" in run("diff", before[:9])[1]
    assert run_json("use", before[:12])["snapshot"] == before == open_snapshot().snapshot_id
    assert run("diff", before)[1] == "No offer differs.\n"
    assert run_json("verify", after[:12])["sound"] is True
    assert len(run_json("history")) == 1
    assert run_json("prune", "--keep", "0")["deleted"] == [after]
    assert [each["name"] for each in run_json("ls")] == [before, "embedded"]
    assert len(run_json("history")) == 1


def test_prices_that_moved_as_a_whole_are_held_back_with_the_command_that_accepts_them(
    prices: Callable[[dict[str, float]], str],
) -> None:
    path = prices({"*": 1.5})
    code, text = run("refresh", "-c", "lambda", "--file", path)
    assert code == 1
    assert "held back" in text
    assert "sky catalog refresh -c lambda --accept moved" in text
    found = run_json("refresh", "-c", "lambda", "--file", path, "--accept", "moved")
    assert found["sources"][0]["findings"][0]["accepted"] is True
    assert found["changes"]["lambda"]["dearer"] == 425
    assert run_json("history")[0]["accepted"] == {"lambda": ["moved"]}
    assert "lambda: moved" in run("history")[1]


def test_rows_set_apart_are_named_with_their_file(prices: Callable[[dict[str, float]], str]) -> None:
    path = Path(prices({}))
    table = read_facts(path)
    one = [price * (1.3 if row == 5 else 1) for row, price in enumerate(table["price"].to_pylist())]
    write_facts(facts({**{name: table[name] for name in table.column_names}, "price": one}), path)
    code, text = run("refresh", "-c", "lambda", "--file", str(path))
    assert code == 0
    assert "lambda: alone: 1 rows: has a price that moved" in text
    assert Path(text.partition("set apart are in ")[2].splitlines()[0].rstrip(".")).exists()


def test_the_history_of_an_instance_type(prices: Callable[[dict[str, float]], str]) -> None:
    assert run("history")[1].startswith("No refresh has changed anything yet")
    run("refresh", "-c", "lambda", "--file", prices({"gpu_8x_a100": 0.5}))
    (found,) = run_json("history", "gpu_8x_a100", "--region", "us-east-1")
    assert [point["price"] for point in found["points"]] == [15.92, 7.96]
    assert found["volatility"] == pytest.approx(0.6931)
    lines = run("history", "gpu_8x_a100", "-r", "us-east-1", "--plot")[1].splitlines()
    assert [line.count("█") for line in lines[1:]] == [40, 20]
    with pytest.raises(UserError, match="no 'gpu_8x_a10O'; did you mean gpu_8x_a100"):
        run("history", "gpu_8x_a10O")
    with pytest.raises(UserError, match="in lambda/nowhere; leave out --cloud"):
        run("history", "gpu_8x_a100", "-c", "lambda", "-r", "nowhere")


def test_what_is_asked_wrongly_is_said() -> None:
    with pytest.raises(UserError, match="name the one cloud"):
        run("refresh", "--file", __file__)
    with pytest.raises(UserError, match="no gate nothing"):
        run("refresh", "-c", "lambda", "--file", __file__, "--accept", "nothing")
    with pytest.raises(UserError, match="no catalog source 'lamda'"):
        run("refresh", "-c", "lamda")
    with pytest.raises(UserError, match="sky catalog ls"):
        run("use", "zzz")
    assert run_json("refresh", "--gates").keys() >= {"moved", "alone", "currency"}


def test_a_file_that_cannot_be_read_fails_alone_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("region,instance_type,price\nr1,m1,free\n", encoding="utf-8")
    code, text = run("refresh", "-c", "acme", "--file", str(path))
    assert code == 1
    assert f"acme-file: {path}:2: price is not a number: 'free'" in text
    assert "Nothing changed" in text


def test_a_damaged_snapshot_is_found() -> None:
    offers = open_snapshot().folder / "offers.arrow"
    content = bytearray(offers.read_bytes())
    content[len(content) // 2] ^= 1
    offers.write_bytes(content)
    with pytest.raises(CatalogError, match=r"damaged.*sky catalog use embedded"):
        run("verify")
    offers.write_bytes(content[:-1])
    assert "instead of" in run_json("ls")[0]["error"]
    assert "instead of" in run("ls")[1]
    run("use", "embedded")
    assert [each["in_use"] for each in run_json("ls")] == [False, True]


def test_the_module_does_the_same_without_the_command_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "catalog.refresh", "nowhere"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "no catalog source 'nowhere'" in done.stderr
