"""Google Cloud as a source: machine prices as sums of published part prices, and what is no part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from catalog.errors import SourceError
from catalog.facts import currency
from catalog.sources.gcp import Gcp
from catalog.sources.work import Work
from catalog.store import open_snapshot
from tests.catalog.price_lists import gcp_sku
from tests.catalog.provider import Asked, Provider, serving
from tests.clouds.gce.gce import Gce

# Published prices of us-central1 (Compute Engine's price pages).
PARTS = [
    gcp_sku("N1 Predefined Instance Core running in Americas", 0.031611),
    gcp_sku("N1 Predefined Instance Ram running in Americas", 0.004237, "GiBy.h"),
    gcp_sku("E2 Instance Core running in Americas", 0.02181159),
    gcp_sku("E2 Instance Ram running in Americas", 0.00292353, "GiBy.h"),
    gcp_sku("N2 Instance Core running in Americas", 0.031611),
    gcp_sku("N2 Instance Ram running in Americas", 0.004237, "GiBy.h"),
    gcp_sku("Compute optimized Core running in Americas", 0.03398),
    gcp_sku("Compute optimized Ram running in Americas", 0.00455, "GiBy.h"),
    gcp_sku("A2 Instance Core running in Americas", 0.031611),
    gcp_sku("A2 Instance Ram running in Americas", 0.004237, "GiBy.h"),
    gcp_sku("Nvidia Tesla A100 GPU running in Americas", 2.933908),
    gcp_sku("Nvidia Tesla T4 GPU running in Americas", 0.35),
    gcp_sku(
        "Nvidia Tesla T4 GPU attached to Spot Preemptible VMs running in Americas", 0.14, market="Preemptible"
    ),
    gcp_sku(
        "Spot Preemptible N1 Predefined Instance Core running in Americas", 0.00664, market="Preemptible"
    ),
    gcp_sku(
        "Spot Preemptible N1 Predefined Instance Ram running in Americas", 0.00089, "GiBy.h", "Preemptible"
    ),
    gcp_sku("Micro Instance with burstable CPU running in Americas", 0.0076),
]
TRAPS = [
    gcp_sku("N2 Sole Tenancy Instance Core running in Americas", 0.9),
    gcp_sku("N2 Custom Instance Core running in Americas", 0.9),
    gcp_sku("N2 Custom Extended Instance Ram running in Americas", 0.9, "GiBy.h"),
    gcp_sku("Commitment v1: N2 Cpu in Americas for 1 Year", 0.01, market="Commit1Yr"),
    gcp_sku("N2 Instance Core running in Americas", 0.0001, market="Commit1Yr"),
    gcp_sku("Licensing Fee for Windows Server 2022 on N2 (CPU cost)", 0.046),
    gcp_sku("N2 Instance Core running in Virginia", 0.0356, regions=("us-east4",)),
]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("SKY_GCP_API_KEY", "the-key")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with serving() as server:
        monkeypatch.setenv("SKY_CATALOG_GCP_BILLING_URL", server.url)
        monkeypatch.setenv("SKY_CATALOG_GCP_COMPUTE_URL", server.url)
        yield server


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work("gcp", tmp_path / "work")


def serve(provider: Provider, skus: Sequence[dict[str, Any]], machines: dict[str, Any] | None = None) -> None:
    """Answer both APIs, the SKUs in pages of ten."""

    def answer(asked: Asked) -> Any:
        address = urlsplit(asked.path)
        query = parse_qs(address.query)
        if "aggregated" in address.path:
            return {"items": machines}
        start = int(query.get("pageToken", ["0"])[0])
        return {
            "skus": skus[start : start + 10],
            "nextPageToken": str(start + 10) if start + 10 < len(skus) else "",
        }

    provider.answer = answer


def fetched(provider: Provider, work: Work, skus: Sequence[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    serve(provider, skus)
    rows = Gcp().fetch(work).to_pylist()
    return {(row["instance_type"], gpus(row)): row for row in rows if row["zone"] == "us-central1-a"}


def gpus(row: dict[str, Any]) -> str:
    return f"{row['accelerator_name']}:{row['accelerator_count']:g}" if row["accelerator_name"] else ""


def test_machines_cost_what_their_parts_cost_and_what_the_catalog_says(
    provider: Provider, work: Work
) -> None:
    found = fetched(provider, work, [*TRAPS, *PARTS])
    assert found["n1-standard-1", ""]["price"] == pytest.approx(0.0475, abs=1e-4)
    assert found["e2-micro", ""]["price"] == pytest.approx(0.008376, abs=1e-5)
    assert found["a2-highgpu-1g", "A100:1"]["price"] == pytest.approx(3.673385, abs=1e-6)
    assert found["n1-standard-4", "T4:1"]["price"] == pytest.approx(0.19 + 0.35, abs=1e-3)
    assert found["f1-micro", ""]["price"] == 0.0076
    known = {
        (row["instance_type"], row["accelerator"] or None, row["accelerator_count_milli"]): row[
            "price_micro_usd"
        ]
        / 1e6
        for row in open_snapshot().table.to_pylist()
        if row["cloud"] == "gcp" and row["zone"] == "us-central1-a"
    }
    for row in found.values():
        key = (row["instance_type"], row["accelerator_name"], round(1_000 * (row["accelerator_count"] or 0)))
        assert row["price"] == pytest.approx(known[key], rel=0.002), key
    assert len(found) > 60


def test_spot_is_the_sum_of_spot_parts_or_nothing(provider: Provider, work: Work) -> None:
    found = fetched(provider, work, PARTS)
    assert found["n1-standard-1", ""]["spot_price"] == pytest.approx(0.00664 + 3.75 * 0.00089, abs=1e-6)
    assert found["e2-standard-2", ""]["spot_price"] is None


def test_a_machine_whose_part_has_two_prices_has_two_for_the_gates_to_doubt(
    provider: Provider, work: Work
) -> None:
    serve(provider, [*PARTS, gcp_sku("E2 Instance Core running in Americas", 0.05)])
    rows = [row for row in Gcp().fetch(work).to_pylist() if row["zone"] == "us-central1-a"]
    twice = [row["price"] for row in rows if row["instance_type"] == "e2-standard-2"]
    assert twice == pytest.approx([0.067006, 2 * 0.05 + 8 * 0.00292353], abs=1e-5)
    assert [row["price"] for row in rows if row["instance_type"] == "f1-micro"] == [0.0076]


def test_a_key_goes_with_the_first_page_and_the_next(provider: Provider, work: Work) -> None:
    fetched(provider, work, PARTS)
    assert len(provider.asked) == 2
    assert all("currencyCode=USD" in path and "the-key" not in path for path in provider.paths())
    assert {asked.headers["X-Goog-Api-Key"] for asked in provider.asked} == {"the-key"}


def test_another_currency_is_stated(provider: Provider, work: Work) -> None:
    serve(provider, [*PARTS, gcp_sku("C3 Instance Core running in Americas", 0.04, currency="EUR")])
    assert currency(Gcp().fetch(work)) == "EUR+USD"


@pytest.mark.parametrize(
    ("skus", "problem"),
    [
        ([{"description": "N1 Predefined Instance Core running in Americas"}], "changed its form"),
        ([gcp_sku("N1 Predefined Instance Core running in Americas", 0.03, "mo")], "is by mo"),
        (TRAPS[:3], "prices no part"),
        (PARTS[:1], "no machine type could be priced"),
    ],
    ids=["fields", "unit", "nothing", "no whole machine"],
)
def test_another_form_is_refused(
    skus: list[dict[str, Any]], problem: str, provider: Provider, work: Work
) -> None:
    serve(provider, skus)
    with pytest.raises(SourceError, match=problem):
        Gcp().fetch(work)


def test_without_any_credentials_the_error_says_how_to_get_some(
    provider: Provider, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SKY_GCP_API_KEY")
    with pytest.raises(SourceError, match="gcloud auth application-default login"):
        Gcp().fetch(work)
    assert not provider.asked


def test_credentials_bring_the_machine_types_of_now(provider: Provider, gce: Gce, work: Work) -> None:
    machines = {
        "zones/us-central1-a": {
            "machineTypes": [
                {"name": "n2-standard-2", "guestCpus": 2, "memoryMb": 8_192},
                {"name": "e2-new-2", "guestCpus": 2, "memoryMb": 4_096},
                {"name": "n1-old-1", "guestCpus": 1, "memoryMb": 1_024, "deprecated": {"state": "DELETED"}},
                {
                    "name": "a2-highgpu-1g",
                    "guestCpus": 12,
                    "memoryMb": 87_040,
                    "accelerators": [
                        {"guestAcceleratorType": "nvidia-tesla-a100", "guestAcceleratorCount": 1}
                    ],
                },
                {
                    "name": "a2-ultragpu-1g",
                    "guestCpus": 12,
                    "memoryMb": 174_080,
                    "bundledLocalSsds": {"partitionCount": 1},
                    "accelerators": [
                        {"guestAcceleratorType": "nvidia-a100-80gb", "guestAcceleratorCount": 1}
                    ],
                },
            ]
        },
        "zones/europe-west4-a": {"warning": {"code": "NO_RESULTS_ON_PAGE"}},
    }
    ultra = [
        gcp_sku("Nvidia Tesla A100 80GB GPU running in Americas", 3.93),
        gcp_sku("SSD backed Local Storage", 0.08, "GiBy.mo"),
    ]
    serve(provider, [*PARTS, *ultra], machines)
    found = {row["instance_type"]: row for row in Gcp().fetch(work).to_pylist()}
    assert set(found) == {"n2-standard-2", "e2-new-2", "a2-highgpu-1g", "a2-ultragpu-1g"}
    assert found["n2-standard-2"]["price"] == pytest.approx(0.097118)
    assert (found["a2-highgpu-1g"]["accelerator_name"], found["a2-highgpu-1g"]["accelerator_memory_gib"]) == (
        "A100",
        40,
    )
    parts = 12 * 0.031611 + 170 * 0.004237 + 3.93 + 375 * 0.08 / 730
    assert found["a2-ultragpu-1g"]["price"] == pytest.approx(parts, abs=1e-5)
    bearers = {asked.headers.get("Authorization", "")[:7] for asked in provider.asked}
    assert bearers == {"Bearer "}
    assert not any("X-Goog-Api-Key" in asked.headers for asked in provider.asked)
