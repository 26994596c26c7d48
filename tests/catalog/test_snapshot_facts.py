"""The embedded snapshot against an independent reading of the fact files."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import catalog
from catalog.accelerators import lookup
from catalog.build import MEMORY_GIB_CORRECTIONS, build
from catalog.schema import KEY, OFFERS, SCHEMA_VERSION, TEXT_COLUMNS
from catalog.store import open_snapshot, provenance

FACTS = Path(catalog.__file__).parent / "data" / "facts"
ROWS = {"aws": 43_516, "azure": 56_168, "gcp": 36_674, "lambda": 425, "nebius": 61}


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return open_snapshot(Path("/nonexistent")).table


@pytest.fixture(scope="module")
def facts() -> list[dict[str, Any]]:
    return [row for cloud in ROWS for row in pq.ParquetFile(FACTS / f"{cloud}.parquet").read().to_pylist()]


def columns(table: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def test_row_counts(table: pa.Table) -> None:
    counted = {cloud: table["cloud"].to_pylist().count(cloud) for cloud in ROWS}
    assert counted == ROWS
    assert table.num_rows == 136_844


def test_schema_and_layout(table: pa.Table) -> None:
    assert table.schema.equals(OFFERS)
    assert table.schema.metadata[b"schema_version"] == str(SCHEMA_VERSION).encode()
    for name in OFFERS.names:
        assert table[name].num_chunks == 1
        assert OFFERS.field(name).nullable or table[name].null_count == 0
    for name in TEXT_COLUMNS:
        words = table[name].chunk(0).dictionary.to_pylist()
        assert words == sorted(set(words))


def test_keys_are_unique_and_ascend(table: pa.Table) -> None:
    keys = columns(table, *KEY)
    assert all(left < right for left, right in pairwise(keys))


def test_every_fact_is_in_the_snapshot_with_its_figures(table: pa.Table, facts: list[dict[str, Any]]) -> None:
    figures = (
        "arch",
        "vcpus_milli",
        "memory_mib",
        "accelerator_memory_mib",
        "price_micro_usd",
        "spot_price_micro_usd",
        "interruption_ppm",
        "price_as_of",
        "spot_as_of",
        "source",
    )
    found = dict(zip(columns(table, *KEY), columns(table, *figures), strict=True))
    expected = {}
    for row in facts:
        name = row["accelerator_name"] or ""
        memory_gib = MEMORY_GIB_CORRECTIONS.get(name, row["accelerator_memory_gib"] or 0)
        count_milli = round((row["accelerator_count"] or 0) * 1000)
        key = (row["cloud"], row["region"], row["zone"] or "", row["instance_type"], name, count_milli)
        spot, rate = row["spot_price"], row["interruption_rate"]
        expected[key] = (
            row["arch"],
            round((row["vcpus"] or 0) * 1000),
            round((row["memory_gib"] or 0) * 1024),
            round(memory_gib * 1024),
            round(row["price"] * 1e6),
            None if spot is None else round(spot * 1e6),
            None if rate is None else round(rate * 1e6),
            row["price_as_of"],
            row["spot_as_of"],
            row["source"],
        )
    assert found == expected


@pytest.mark.parametrize(
    ("cloud", "region", "instance_type", "accelerator", "usd"),
    [
        # Figures of the providers' public price pages at the snapshot's dates.
        ("aws", "us-east-1", "p4d.24xlarge", "A100", 21.957642),
        ("aws", "us-east-1", "m5.large", "", 0.096),
        ("aws", "us-east-1", "g5.xlarge", "A10G", 1.006),
        ("gcp", "us-central1", "a2-highgpu-1g", "A100", 3.673385),
        ("gcp", "us-central1", "n2-standard-8", "", 0.388472),
        ("azure", "eastus", "Standard_ND96asr_v4", "A100", 27.197),
        ("azure", "eastus", "Standard_D8s_v5", "", 0.384),
    ],
)
def test_known_list_prices(
    table: pa.Table, cloud: str, region: str, instance_type: str, accelerator: str, usd: float
) -> None:
    wanted = (cloud, region, instance_type, accelerator)
    names = ("cloud", "region", "instance_type", "accelerator", "price_micro_usd")
    prices = {row[4] for row in columns(table, *names) if row[:4] == wanted}
    assert prices, f"{instance_type} is not offered in {region}"
    assert all(price == pytest.approx(usd * 1e6, rel=0.005) for price in prices)


def test_flags_follow_the_names(table: pa.Table) -> None:
    flags = ("burstable", "bare_metal", "restricted_region")
    rows = columns(table, "cloud", "region", "instance_type", *flags)
    for cloud, region, name, burstable, bare_metal, restricted in rows:
        family = name.split(".")[0]
        if cloud == "aws":
            assert burstable == (family in {"t1", "t2", "t3", "t3a", "t4g"})
            assert bare_metal == (".metal" in name)
            assert not restricted
        if cloud == "azure":
            assert burstable == name.startswith("Standard_B")
        if region in {"jioindiawest", "brazilsoutheast", "me-central2"}:
            assert restricted


def test_architecture_of_known_arm_families(table: pa.Table) -> None:
    arm = {
        name.split(".")[0].split("-")[0]
        for cloud, name, arch in columns(table, "cloud", "instance_type", "arch")
        if arch == "arm64" and cloud in {"aws", "gcp"}
    }
    assert {"m7g", "c8g", "t4g", "c4a", "t2a", "n4a"} <= arm
    assert not {"m5", "c7i", "n2", "t3"} & arm


def test_accelerator_figures_are_those_of_the_table(table: pa.Table) -> None:
    names = ("accelerator", "accelerator_gflops_bf16", "accelerator_bandwidth_mbps")
    for name, gflops, bandwidth in set(columns(table, *names)):
        model = lookup(name) if name else None
        assert (gflops, bandwidth) == ((model.gflops_bf16, model.bandwidth_mbps) if model else (0, 0))


def test_every_accelerator_on_offer_is_known_and_its_memory_is_close(table: pa.Table) -> None:
    for cloud, name, memory_mib in set(columns(table, "cloud", "accelerator", "accelerator_memory_mib")):
        if name:
            model = lookup(name)
            assert model is not None, name
            assert model.name == name
            # Azure's H100 is the 94 GB NVL model in some sizes; drivers report less than the marketed size.
            assert memory_mib == pytest.approx(model.memory_mib, rel=0.18 if cloud == "azure" else 0.07), name


def test_sources_add_up_and_carry_dates(table: pa.Table) -> None:
    snapshot = open_snapshot(Path("/nonexistent"))
    assert sum(rows for _, _, rows, _, _ in snapshot.sources) == table.num_rows
    assert snapshot.as_of == max(newest for *_, newest in snapshot.sources) == "2026-08-03"
    for cloud, _, _, oldest, newest in snapshot.sources:
        assert oldest <= newest
        assert (oldest == "") == (cloud == "nebius")
    listed = provenance(snapshot)
    assert listed.column_names == ["cloud", "source", "rows", "oldest", "newest"]
    assert [row["rows"] for row in listed.to_pylist()] == [source[2] for source in snapshot.sources]
    assert {row["oldest"] for row in listed.to_pylist() if row["cloud"] == "lambda"} == {dt.date(2026, 5, 20)}


def test_building_twice_gives_the_same_bytes_as_the_embedded_snapshot(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert build(target=first) == build(target=second) == open_snapshot(Path("/nonexistent")).snapshot_id
    embedded = Path(catalog.__file__).parent / "data" / "snapshot"
    for name in ("offers.arrow", "names.json", "manifest.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes() == (embedded / name).read_bytes()
