"""AWS as a source: the real formats over HTTP, and what is left out, resumed, refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import SourceError
from catalog.facts import currency
from catalog.sources.aws import Aws
from catalog.sources.aws_account import shape_of
from catalog.sources.shapes import Accelerators
from catalog.sources.work import Work
from tests.catalog.price_lists import ec2_files, ec2_offer_file, ec2_product, ec2_term
from tests.catalog.provider import Answer, Provider, serving


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with serving() as server:
        monkeypatch.setenv("SKY_CATALOG_AWS_URL", server.url)
        monkeypatch.setenv("SKY_CATALOG_AWS_SPOT_ADVISOR_URL", server.url)
        yield server


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work("aws", tmp_path / "work")


M6A = (ec2_product("A1", "m6a.2xlarge", memory="32 GiB"), ec2_term("A1", "0.3456000000"))


def rows(provider: Provider, work: Work, **regions: bytes) -> list[dict[str, Any]]:
    provider.files = ec2_files({name.replace("_", "-"): body for name, body in regions.items()})
    return list(Aws().fetch(work).to_pylist())


def test_prices_become_rows_by_zone_with_the_advisors_spot(provider: Provider, work: Work) -> None:
    found = rows(provider, work, us_east_1=ec2_offer_file(M6A))
    assert len({row["zone"] for row in found}) == len(found) > 3
    assert {row["zone"][:9] for row in found} == {"us-east-1"}
    first = found[0]
    assert (first["instance_type"], first["vcpus"], first["memory_gib"]) == ("m6a.2xlarge", 8, 32)
    assert (first["price"], first["spot_price"]) == (0.3456, 0.13824)
    assert first["interruption_rate"] == pytest.approx(0.075)
    assert str(first["price_as_of"]) == "2026-11-01"
    assert first["source"] == "ec2-price-list+spot-advisor-savings"


@pytest.mark.parametrize(
    "changed",
    [
        {"operatingSystem": "Windows"},
        {"operatingSystem": "RHEL"},
        {"tenancy": "Dedicated"},
        {"tenancy": "Host"},
        {"preInstalledSw": "SQL Std"},
        {"capacitystatus": "UnusedCapacityReservation"},
        {"licenseModel": "Bring your own license"},
        {"marketoption": "CapacityBlock"},
        {"locationType": "AWS Local Zone"},
    ],
    ids=lambda changed: next(iter(changed.values())),
)
def test_other_products_of_the_same_type_are_not_its_price(
    changed: dict[str, str], provider: Provider, work: Work
) -> None:
    other = (ec2_product("B2", "m6a.2xlarge", **changed), ec2_term("B2", "0.01"))
    found = rows(provider, work, us_east_1=ec2_offer_file(other, M6A))
    assert {row["price"] for row in found} == {0.3456}


def test_a_rate_of_nothing_or_by_another_unit_is_no_price(provider: Provider, work: Work) -> None:
    free = (ec2_product("C3", "m6a.xlarge"), ec2_term("C3", "0.0000000000"))
    monthly = (ec2_product("D4", "m6a.4xlarge"), ec2_term("D4", "3.0", unit="Quantity"))
    found = rows(provider, work, us_east_1=ec2_offer_file(free, monthly, M6A))
    assert {row["instance_type"] for row in found} == {"m6a.2xlarge"}


def test_accelerators_are_named_by_the_catalog_and_nameless_where_it_knows_none(
    provider: Provider, work: Work
) -> None:
    known = (ec2_product("E5", "g6.xlarge", gpu="1"), ec2_term("E5", "0.8048"))
    new = (ec2_product("F6", "g99.xlarge", gpu="2", memory="NA"), ec2_term("F6", "9.5"))
    found = {row["instance_type"]: row for row in rows(provider, work, us_east_1=ec2_offer_file(known, new))}
    assert (found["g6.xlarge"]["accelerator_name"], found["g6.xlarge"]["accelerator_count"]) == ("L4", 1)
    assert (found["g99.xlarge"]["accelerator_name"], found["g99.xlarge"]["accelerator_count"]) == (None, 2)
    assert (found["g99.xlarge"]["zone"], found["g99.xlarge"]["memory_gib"]) == (None, None)


def test_another_currency_is_stated(provider: Provider, work: Work) -> None:
    provider.files = ec2_files(
        {"us-east-1": ec2_offer_file((ec2_product("G7", "m6a.large"), ec2_term("G7", "0.6", currency="CNY")))}
    )
    assert currency(Aws().fetch(work)) == "CNY"


def test_partitions_of_others_are_not_asked(provider: Provider, work: Work) -> None:
    body = ec2_offer_file(M6A)
    rows(provider, work, us_east_1=body, us_gov_west_1=body, cn_north_1=body)
    assert not [path for path in provider.paths() if "gov" in path or "cn-" in path]


def test_a_region_that_is_read_is_not_read_again(provider: Provider, work: Work) -> None:
    west = (ec2_product("H8", "m6a.2xlarge", "us-west-2"), ec2_term("H8", "0.35"))
    provider.files = ec2_files({"us-east-1": ec2_offer_file(M6A), "us-west-2": ec2_offer_file(west)})
    lost = provider.files.pop("/offers/v1.0/aws/AmazonEC2/20261102/us-west-2/index.json")
    with pytest.raises(SourceError, match="404"):
        Aws().fetch(work)
    provider.files["/offers/v1.0/aws/AmazonEC2/20261102/us-west-2/index.json"] = lost
    before = len(provider.asked)
    assert {row["region"] for row in Aws().fetch(work).to_pylist()} == {"us-east-1", "us-west-2"}
    assert not [path for path in provider.paths()[before:] if "us-east-1/index" in path]
    assert not list(work.folder.glob("*.json")) or not (work.folder / "us-east-1.json").exists()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"products": {"A1": {"sku": "A1"', "not an EC2 offer file"),
        (b'{"products": {}, "terms": {"OnDemand": {}}}', "prices no Linux instance"),
        (b'{"products": {"A1": {"productFamily": "Compute Instance"}}}', "not an EC2 offer file"),
        (b"<html>busy</html>", "not an EC2 offer file"),
    ],
    ids=["cut short", "empty", "changed", "a page"],
)
def test_a_file_that_is_no_price_list_is_refused(
    body: bytes, problem: str, provider: Provider, work: Work
) -> None:
    provider.files = ec2_files({"us-east-1": body})
    with pytest.raises(SourceError, match=problem):
        Aws().fetch(work)


def test_a_connection_that_breaks_goes_on(provider: Provider, work: Work) -> None:
    body = ec2_offer_file(
        *((ec2_product(f"X{n}", f"m6a.{n}xlarge"), ec2_term(f"X{n}", str(n))) for n in range(1, 400))
    )
    provider.files = ec2_files({"us-east-1": body})
    provider.next = [Answer(), Answer(), Answer(cut_after=100_000), Answer(503)]
    assert len({row["instance_type"] for row in Aws().fetch(work).to_pylist()}) == 399


def test_shapes_of_an_account() -> None:
    described = {
        "InstanceType": "p4de.24xlarge",
        "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
        "VCpuInfo": {"DefaultVCpus": 96},
        "MemoryInfo": {"SizeInMiB": 1_179_648},
        "GpuInfo": {
            "Gpus": [
                {"Name": "A100", "Manufacturer": "NVIDIA", "Count": 8, "MemoryInfo": {"SizeInMiB": 81_920}}
            ]
        },
    }
    assert shape_of(described).accelerators == (Accelerators("A100-80GB", 8, 80),)
    neuron = {
        **described,
        "GpuInfo": {},
        "NeuronInfo": {"NeuronDevices": [{"Count": 16, "Name": "Trainium"}]},
    }
    assert shape_of(neuron).accelerators == (Accelerators("Trainium", 16, None),)


@pytest.mark.needs("time")
def test_an_account_adds_zones_shapes_and_true_spot(
    provider: Provider, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer("127.0.0.1", port=0)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        found = rows(provider, work, us_east_1=ec2_offer_file(M6A))
    finally:
        moto.stop()
    assert len(found) >= 3
    assert {row["memory_gib"] for row in found} == {32}
    assert {row["spot_price"] for row in found} == {0.00001}
    assert {str(row["spot_as_of"]) for row in found} == {"2006-01-02"}
    assert {row["source"] for row in found} == {"ec2-price-list+spot-history"}
