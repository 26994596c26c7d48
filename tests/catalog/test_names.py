"""The name index against the table that it was made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.names import InstanceType, Names, names
from catalog.store import open_snapshot


@pytest.fixture(scope="module")
def index() -> Names:
    return names(Path("/nonexistent"))


@pytest.fixture(scope="module")
def rows() -> list[dict[str, object]]:
    table = open_snapshot(Path("/nonexistent")).table
    wanted = ["cloud", "region", "zone", "instance_type", "accelerator", "accelerator_count_milli"]
    distinct = set(zip(*(table[name].to_pylist() for name in wanted), strict=True))
    return [dict(zip(wanted, row, strict=True)) for row in sorted(distinct)]


def test_places_are_those_of_the_table(index: Names, rows: list[dict[str, object]]) -> None:
    places = {
        (cloud, region, zone)
        for cloud in index.clouds
        for region in index.regions(cloud)
        for zone in (*index.zones(cloud, region), "")
    }
    seen = {(row["cloud"], row["region"], row["zone"]) for row in rows}
    assert {place for place in places if place[2]} == {place for place in seen if place[2]}
    assert {place[:2] for place in places} == {place[:2] for place in seen}


def test_instance_types_are_those_of_the_table(index: Names, rows: list[dict[str, object]]) -> None:
    named = {(cloud, name) for cloud in index.clouds for name in index.instance_types(cloud)}
    assert named == {(row["cloud"], row["instance_type"]) for row in rows}


def test_accelerator_counts_are_those_of_the_table(index: Names, rows: list[dict[str, object]]) -> None:
    seen: dict[object, set[object]] = {}
    for row in rows:
        if row["accelerator"]:
            seen.setdefault(row["accelerator"], set()).add(row["accelerator_count_milli"])
    assert {name: set(index.accelerator_counts(name)) for name in index.accelerators()} == seen
    assert all(
        list(counts) == sorted(counts) for counts in map(index.accelerator_counts, index.accelerators())
    )


def test_shapes(index: Names) -> None:
    assert index.instance_type("aws", "p4d.24xlarge") == InstanceType(
        "p4d.24xlarge", 96_000, 1_152 * 1024, "x86_64", "A100", 8_000
    )
    arm = index.instance_type("gcp", "c4a-standard-4")
    assert arm is not None
    assert (arm.arch, arm.vcpus_milli, arm.memory_mib) == ("arm64", 4_000, 16 * 1024)


@pytest.mark.parametrize("name", ["n1-standard-8", "TPU-VM"])
def test_a_type_with_a_choice_of_accelerators_is_indexed_without_one(index: Names, name: str) -> None:
    found = index.instance_type("gcp", name)
    assert found is not None
    assert (found.accelerator, found.accelerator_count_milli) == ("", 0)


def test_reverse_look_ups(index: Names) -> None:
    assert index.region_of_zone("aws", "us-east-1a") == "us-east-1"
    assert index.region_of_zone("gcp", "us-central1-a") == "us-central1"
    assert index.clouds_with_instance_type("p4d.24xlarge") == ("aws",)
    assert index.clouds_with_region("us-east-1") == ("aws", "lambda")
    assert index.clouds_with_zone("us-central1-a") == ("gcp",)


def test_unknown_names_give_empty_answers(index: Names) -> None:
    assert index.regions("nowhere") == ()
    assert index.zones("aws", "nowhere") == ()
    assert index.zones("azure", "eastus") == ()
    assert index.region_of_zone("aws", "nowhere") is None
    assert index.instance_type("aws", "nothing") is None
    assert index.clouds_with_zone("nowhere") == ()
    assert index.accelerator_counts("nothing") == ()


def test_answers_are_sorted(index: Names) -> None:
    for cloud in index.clouds:
        for answer in (index.regions(cloud), index.instance_types(cloud)):
            assert list(answer) == sorted(answer)
        for region in index.regions(cloud):
            assert list(index.zones(cloud, region)) == sorted(index.zones(cloud, region))
    assert list(index.clouds) == sorted(index.clouds)
    assert list(index.accelerators()) == sorted(index.accelerators())
