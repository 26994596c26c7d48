"""A user's own table as a source: its layouts, and errors that name the line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from catalog.errors import SourceError
from catalog.sources.table_file import TableFile
from catalog.sources.work import Work

PLAIN = """region,instance_type,vcpus,memory_gib,price,spot_price,price_as_of
r1,m1,4,16,0.2,,2026-05-20
r1,m2,8,32,0.4,0.1,
"""
GPU_INFO = "{'Gpus': [{'Name': 'A100', 'Count': 8.0, 'MemoryInfo': {'SizeInMiB': 40960}}]}"
SKYPILOT = f"""\
InstanceType,vCPUs,MemoryGiB,AcceleratorName,AcceleratorCount,GpuInfo,Price,SpotPrice,Region,AvailabilityZone
gpu_8x_a100,124.0,1800.0,A100,8.0,"{GPU_INFO}",10.32,,us-east-1,
cpu_4x_general,4.0,16.0,,,,0.2,,us-east-1,a
,,,A100,1.0,,2.9,,us-east-1,
cpu_8x_general,8.0,32.0,,,,,0.1,us-east-1,
"""


def _read(tmp_path: Path, text: str, name: str = "prices.csv") -> list[dict[str, Any]]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    rows: list[dict[str, Any]] = (
        TableFile(path, "acme").fetch(Work("acme-file", tmp_path / "work")).to_pylist()
    )
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def test_a_csv_in_the_columns_of_facts(tmp_path: Path) -> None:
    rows = _read(tmp_path, PLAIN)
    assert rows[0] == {
        "cloud": "acme",
        "source": "prices.csv",
        "region": "r1",
        "instance_type": "m1",
        "vcpus": 4.0,
        "memory_gib": 16.0,
        "price": 0.2,
        "price_as_of": date(2026, 5, 20),
    }
    assert rows[1]["spot_price"] == 0.1


def test_a_csv_in_skypilot_s_layout(tmp_path: Path) -> None:
    rows = _read(tmp_path, SKYPILOT)
    assert [row["instance_type"] for row in rows] == ["gpu_8x_a100", "cpu_4x_general"]
    assert rows[0]["accelerator_name"] == "A100"
    assert (rows[0]["accelerator_count"], rows[0]["accelerator_memory_gib"]) == (8.0, 40.0)
    assert rows[1]["zone"] == "a"


def test_parquet_in_the_columns_of_facts(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(PLAIN, encoding="utf-8")
    table = TableFile(tmp_path / "prices.csv", "acme").fetch(Work("acme-file", tmp_path / "work"))
    pq.write_table(table.drop_columns(["cloud", "source"]), tmp_path / "prices.parquet")
    again = TableFile(tmp_path / "prices.parquet", "acme").fetch(Work("acme-file", tmp_path / "work"))
    assert again.drop_columns(["source"]).equals(table.drop_columns(["source"]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAIN.replace("0.4", "cheap"), r"prices.csv:3: price is not a number: 'cheap'"),
        (PLAIN.replace("2026-05-20", "May"), r"prices.csv:2: price_as_of is not a date such as"),
        (PLAIN.replace("m2,", ","), r"prices.csv:3: instance_type is empty"),
        (PLAIN.replace("0.4,0.1,", "0.4"), r"prices.csv:3: has more or fewer cells"),
        (PLAIN.replace("vcpus", "cores"), r"prices.csv:1: column 'cores' is not known.*Columns are: cloud"),
        (PLAIN.replace("price,", "cost,"), r"prices.csv:1: .*price is missing"),
        ("", r"prices.csv:1: region is missing"),
        (SKYPILOT.replace("'SizeInMiB'", "'Size'"), r"prices.csv:2: GpuInfo is not understood"),
        (SKYPILOT.replace("10.32", "ten"), r"prices.csv:2: price is not a number"),
    ],
)
def test_an_error_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        _read(tmp_path, text)


def test_a_file_that_is_not_there_or_not_parquet(tmp_path: Path) -> None:
    work = Work("acme-file", tmp_path / "work")
    with pytest.raises(SourceError, match="No such file"):
        TableFile(tmp_path / "none.csv", "acme").fetch(work)
    (tmp_path / "bad.parquet").write_bytes(b"no")
    with pytest.raises(SourceError, match="not Parquet"):
        TableFile(tmp_path / "bad.parquet", "acme").fetch(work)
