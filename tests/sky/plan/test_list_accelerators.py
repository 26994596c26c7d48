"""``sky.list_accelerators`` and ``sky show-gpus``: arguments, edge cases and columns of the API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import sky
from executors import owned
from sky.cli.main import cli
from tests.golden.golden import check


def test_gpus_are_listed_by_count_and_price() -> None:
    found = sky.list_accelerators()
    assert not any(name.startswith(("tpu-", "Trainium", "Inferentia", "Gaudi")) for name in found)
    for name, rows in found.items():
        keys = [(each.accelerator_count, each.price) for each in rows]
        assert keys == sorted(keys)
        assert {each.accelerator_name for each in rows} == {name}
        kinds = [(each.cloud, each.instance_type, each.accelerator_count) for each in rows]
        assert len(kinds) == len(set(kinds))


def test_a_row_has_the_fields_of_the_api() -> None:
    first = sky.list_accelerators(name_filter="^H100$", quantity_filter=8, clouds="lambda")["H100"][0]
    assert first == sky.InstanceTypeInfo(
        cloud="Lambda",
        instance_type="gpu_8x_h100_sxm5",
        accelerator_name="H100",
        accelerator_count=8.0,
        cpu_count=208.0,
        device_memory=80.0,
        memory=1_800.0,
        price=31.92,
        spot_price=None,
        region="asia-northeast-1",
    )


def test_filters() -> None:
    everything = sky.list_accelerators(gpus_only=False)
    assert {"tpu-v5p-8", "Trainium2"} <= set(everything)
    assert set(sky.list_accelerators(name_filter="v100")) == set()
    assert "V100" in sky.list_accelerators(name_filter="v100", case_sensitive=False)
    few = sky.list_accelerators(quantity_filter=8, clouds=["gcp", sky.AWS()], region_filter="^us-east")
    rows = [each for rows in few.values() for each in rows]
    assert {each.accelerator_count for each in rows} == {8.0}
    assert {each.cloud for each in rows} == {"AWS", "GCP"}
    assert all(each.region.startswith("us-east") for each in rows)


def test_all_regions_are_more_rows_of_the_same_kinds() -> None:
    one = sky.list_accelerators(name_filter="^A100$")["A100"]
    every = sky.list_accelerators(name_filter="^A100$", all_regions=True)["A100"]
    assert set(one) <= set(every)
    assert {each.instance_type for each in one} == {each.instance_type for each in every}
    assert len(every) > 3 * len(one)


def test_wrong_filters_are_value_errors() -> None:
    with pytest.raises(ValueError, match="not a regular expression"):
        sky.list_accelerators(name_filter="(")
    with pytest.raises(ValueError, match="awz"):
        sky.list_accelerators(clouds="awz")
    with pytest.raises(ValueError, match="quantity_filter"):
        sky.list_accelerators(quantity_filter="many")  # type: ignore[arg-type]


def test_owned_nodes_are_listed_when_a_price_is_not_required(monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog.offer import Market, Offer, OfferKey

    key = OfferKey("ssh", "lab", "", "node-a", "H100", 4_000, Market.OWNED)
    offer = owned.OwnedOffer(Offer(key, 64_000, 262_144, 81_920, "x86_64", 0), free=1)
    monkeypatch.setattr(owned, "has_offers", lambda cloud: cloud == "ssh")
    monkeypatch.setattr(owned, "owned_offers", lambda _cloud: [offer])
    assert all(each.cloud != "SSH" for each in sky.list_accelerators(name_filter="H100")["H100"])
    (mine,) = (
        e for e in sky.list_accelerators(name_filter="H100", require_price=False)["H100"] if e.cloud == "SSH"
    )
    assert (mine.region, mine.instance_type, mine.accelerator_count, mine.price) == (
        "lab",
        "node-a",
        4.0,
        0.0,
    )
    shown = CliRunner().invoke(cli, ["show-gpus", "H100:2"])
    assert shown.exit_code == 0
    assert ["H100", "4", "1", "ssh/lab", "node-a"] in [line.split() for line in shown.output.splitlines()]


def test_tables_and_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owned, "has_offers", lambda _cloud: False)
    for name, words in (
        ("show-gpus", []),
        ("show-gpus-h100", ["h100:8"]),
        ("show-gpus-all", ["-a", "--cloud", "gcp"]),
    ):
        shown = CliRunner().invoke(cli, ["show-gpus", *words])
        assert shown.exit_code == 0
        check(f"{name}.txt", shown.output)
    listed = json.loads(CliRunner().invoke(cli, ["gpus", "H100:8", "--json"]).output)
    assert [each["instance_type"] for each in listed["H100"]][:2] == [
        "gpu-h100-sxm_8gpu-128vcpu-1600gb",
        "gpu_8x_h100_sxm5",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["H1000"], "did you mean H100"),
        (["V100:3"], "no node has V100:3; there are 1, 2, 4, 8"),
        (["H100:many"], "'many' is not a count"),
        (["MI300X", "--cloud", "gcp"], "--all-regions"),
        (["--all-regions"], "goes with the name"),
    ],
)
def test_an_empty_answer_says_what_to_ask(words: list[str], message: str) -> None:
    from catalog.errors import UserError

    done = CliRunner().invoke(cli, ["show-gpus", *words])
    assert isinstance(done.exception, UserError)
    assert message in str(done.exception)


def test_prices_are_under_the_overlay(home: Path) -> None:
    (home / ".sky").mkdir()
    (home / ".sky" / "overlay.yaml").write_text("rules:\n  - where: {cloud: lambda}\n    discount: 50%\n")
    first = sky.list_accelerators(name_filter="^H100$", quantity_filter=8, clouds="lambda")["H100"][0]
    assert first.price == pytest.approx(15.96)
