"""The comparison with peers: they get our offers, plans are judged by our data, failures are recorded."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.peers import compare
from bench.peers.__main__ import failures
from bench.peers.catalog_files import V6, V8, Format, shared_offers, write_catalog
from bench.peers.judge import NotOnOfferError, cost_ratio, judge
from bench.peers.requests import Ask, requests
from bench.peers.requests import Request as Asked
from bench.venvs import LOCKS, VenvError, prepared
from catalog.store import open_snapshot
from solver.request import Edge, Request, TaskRequest
from tests.architecture.source_tree import ROOT
from tests.solver.builders import one_task, requirement
from tests.strategies import GB, ToyTransfers, row_of, table_of

TOY = ToyTransfers(True, within_micro_usd_per_gb=10_000, between_micro_usd_per_gb=90_000, seconds_per_gb=60)
OFFERS = table_of(
    [
        row_of(),
        row_of(region="north", instance_type="medium", price_micro_usd=1_500_000),
        row_of(cloud="brio", price_micro_usd=2_000_000, spot_price_micro_usd=400_000),
        row_of(cloud="brio", region="west", burstable=True, price_micro_usd=500_000),
    ]
)


def chosen(**given: Any) -> dict[str, Any]:
    usual = {"cloud": "ares", "region": "east", "zone": None, "instance_type": "small"}
    return {**usual, "accelerator": None, "count": 0, "use_spot": False, **given}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[tuple[str, ...], dict[str, str]]]:
    """GCP's and Azure's files for the newest peer, by region, zone, machine, accelerator and count."""
    home = tmp_path_factory.mktemp("peer")
    folder = write_catalog(offers_of("gcp", "azure", "aws"), V8, home)
    key = ("Region", "AvailabilityZone", "InstanceType", "AcceleratorName", "AcceleratorCount")
    found = {}
    for cloud in ("gcp", "azure", "aws"):
        lines = read(folder / cloud / "vms.csv")
        found[cloud] = {tuple(line.get(name, "") for name in key): line for line in lines}
        assert len(found[cloud]) == len(lines)
    return found


def offers_of(*clouds: str, form: Format = V8) -> Any:
    from catalog import query

    table = shared_offers(open_snapshot().table, form)
    regions = {"gcp": ("us-central1", "asia-east1"), "azure": ("eastus",), "aws": ("us-east-1",)}
    wanted = [region for cloud in clouds for region in regions[cloud]]
    return table.filter(query.mask_in(table, "region", wanted) & query.mask_in(table, "cloud", clouds))


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def micro(text: str) -> int | None:
    return round(float(text) * 1_000_000) if text else None


@pytest.mark.parametrize("cloud", ["aws", "azure"])
def test_every_offer_is_a_line_with_its_prices(cloud: str, files: dict[str, Any]) -> None:
    rows = offers_of(cloud).to_pylist()
    assert len(rows) == len(files[cloud]) > 100
    for row in rows:
        accelerator, count = row["accelerator"], f"{row['accelerator_count_milli'] / 1000:g}"
        place = (row["region"], row["zone"], row["instance_type"])
        line = files[cloud][(*place, accelerator, count if accelerator else "")]
        assert micro(line["Price"]) == row["price_micro_usd"]
        assert micro(line["SpotPrice"]) == row["spot_price_micro_usd"]
        assert float(line["vCPUs"]) * 1000 == row["vcpus_milli"]
        assert float(line["MemoryGiB"]) * 1024 == pytest.approx(row["memory_mib"], abs=1)


def test_on_gcp_machine_and_accelerator_add_up_to_the_offer(files: dict[str, Any]) -> None:
    rows = [row for row in offers_of("gcp").to_pylist() if row["accelerator"]]
    assert {"T4", "L4", "A100", "tpu-v5litepod-8"} <= {row["accelerator"] for row in rows}
    for row in rows:
        count = f"{row['accelerator_count_milli'] / 1000:g}"
        host = files["gcp"].get((row["region"], row["zone"], row["instance_type"], "", ""))
        assert (host is None) == (row["instance_type"] == "TPU-VM")
        line = files["gcp"][row["region"], row["zone"], "", row["accelerator"], count]
        for column, ours in (("Price", "price_micro_usd"), ("SpotPrice", "spot_price_micro_usd")):
            parts = [micro(part[column]) for part in (host, line) if part]
            total = None if None in parts else sum(parts)
            assert total == (None if row[ours] is None else pytest.approx(row[ours], abs=1))


def test_an_accelerator_has_one_price_in_a_gcp_region(files: dict[str, Any]) -> None:
    prices: dict[tuple[str, ...], set[str]] = {}
    for (region, _, machine, name, count), line in files["gcp"].items():
        if not machine:
            prices.setdefault((region, name, count), set()).add(line["Price"])
    assert {len(each) for each in prices.values()} == {1}


def test_what_a_peer_cannot_be_given_is_left_out() -> None:
    table = open_snapshot().table
    for form in (V6, V8):
        rows = shared_offers(table, form).to_pylist()
        assert {row["cloud"] for row in rows} == set(form.clouds)
        assert {row["arch"] for row in rows} == {"x86_64"}
        assert all(row["zone"] for row in rows if row["cloud"] in {"aws", "gcp"})
        assert not any(row["burstable"] or row["bare_metal"] or row["restricted_region"] for row in rows)
        gcp = {row["accelerator"] for row in rows if row["cloud"] == "gcp"}
        assert ("H200" in gcp) == (form is V8)


def test_clouds_without_offers_have_a_header_and_nothing_may_be_fetched(tmp_path: Path) -> None:
    folder = write_catalog(offers_of("aws", form=V6), V6, tmp_path)
    assert folder == tmp_path / ".sky" / "catalogs" / "v6"
    for cloud in V6.others:
        assert read(folder / cloud / "vms.csv") == []
        assert (folder / cloud / "vms.csv").read_text(encoding="utf-8").startswith("InstanceType,")
    assert not (folder / ".meta").exists()
    named = {line["AcceleratorName"]: line["Clouds"] for line in read(folder / "common" / "accelerators.csv")}
    assert "AWS" in named["A100"]


def test_the_ratio_is_that_of_the_totals() -> None:
    request = one_task()
    best = judge(request, OFFERS, [chosen()], TOY)
    dearer = judge(request, OFFERS, [chosen(region="north", instance_type="medium")], TOY)
    assert (best.cost_micro_usd, best.time_s, best.note) == (1_000_000, 3600, "")
    assert cost_ratio(dearer, best) == 1.5


def test_a_total_holds_all_nodes_and_what_moves_between_places() -> None:
    tasks = (TaskRequest("a", (requirement(),), num_nodes=3), TaskRequest("b", (requirement(),)))
    request = Request(tasks, (Edge(0, 1, 10 * GB),))
    north = chosen(region="north", instance_type="medium")
    assert judge(request, OFFERS, [chosen(), chosen()], TOY).cost_micro_usd == 4_000_000
    verdict = judge(request, OFFERS, [chosen(), north], TOY)
    assert verdict.cost_micro_usd == 3_000_000 + 1_500_000 + 10 * 15_000
    assert verdict.time_s == 3600 + 600 + 3600
    assert verdict.hourly_micro_usd == 4_500_000


def test_a_choice_that_is_none_of_our_candidates_is_compared_by_the_hour() -> None:
    request = one_task()
    best = judge(request, OFFERS, [chosen()], TOY)
    burstable = judge(request, OFFERS, [chosen(cloud="brio", region="west")], TOY)
    assert burstable.note == "main: none of our candidates, since it is not 'not burstable'"
    assert cost_ratio(burstable, best) == 0.5
    spot = judge(request, OFFERS, [chosen(cloud="brio", use_spot=True)], TOY)
    assert spot.note == "main: on a market that was not asked for"


@pytest.mark.parametrize("given", [{"instance_type": "huge"}, {"use_spot": True}, {"zone": "east-1"}])
def test_a_choice_that_the_catalog_does_not_have_is_an_error(given: dict[str, Any]) -> None:
    with pytest.raises(NotOnOfferError, match=r"ares east .* is not in our catalog"):
        judge(one_task(), OFFERS, [chosen(**given)], TOY)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, None),
        ({"status": "feasible"}, "feasible, not optimal"),
        ({"claimed_cost_usd": 15.91}, r"says \$15.91.* its parts \$15.92"),
    ],
)
def test_our_time_counts_only_if_the_plan_is_right(given: dict[str, Any], wrong: str | None) -> None:
    row = compare.our_row(requests()["a100x8"], result_of(**given), open_snapshot().table)
    if wrong is None:
        assert (row.status, row.seconds, row.cost_usd, row.cost_ratio) == ("optimal", 0.5, 15.92, 1.0)
    else:
        assert (row.status, row.seconds) == ("error", None)
        assert re.search(wrong, row.note)


def test_a_peers_plan_is_held_against_the_best_one() -> None:
    table = open_snapshot().table
    aws = {"cloud": "aws", "region": "us-east-1", "instance_type": "p4d.24xlarge", "status": "feasible"}
    row = compare.peer_row("peer", requests()["a100x8"], result_of(**aws, claimed=20.0), table)
    assert row.status == "feasible"
    assert row.cost_usd == pytest.approx(21.957642)
    assert row.cost_ratio == pytest.approx(21.957642 / 15.92)
    assert (row.time_ratio, row.note) == (1.0, "it counts $20.00")


def test_a_peer_without_an_answer_says_why() -> None:
    result = {"status": "infeasible", "error": "E: \x1b[1mnothing\x1b[0m\nfits", "peak_mib": 9.0}
    row = compare.peer_row("peer", requests()["a100x8"], result, OFFERS)
    assert (row.status, row.seconds, row.cost_ratio, row.note) == (
        "infeasible",
        None,
        None,
        "E: nothing fits",
    )


def test_a_cheaper_plan_of_a_peer_is_a_failure_unless_it_is_no_candidate() -> None:
    row = {"request": "r", "objective": "cost", "competitor": "peer", "status": "feasible", "note": ""}
    row |= {"cost_ratio": 0.9, "time_ratio": 1.0}
    assert failures([row]) == ["r: peer needs 0.9000 of our cost"]
    assert failures([row | {"objective": "time"}]) == []
    assert failures([row | {"note": "burstable; compared by the hour"}]) == []
    assert failures([row | {"competitor": "sky", "status": "timeout", "cost_ratio": None}]) != []


def test_every_request_is_one_that_we_can_plan() -> None:
    asked = requests()
    assert sum(len(request.tasks) == 1 for request in asked.values()) >= 25
    for name, request in asked.items():
        assert json.loads(json.dumps(request.to_dict()))["name"] == name
        assert len(compare.compiled(request).tasks) == len(request.tasks)


FAKE = """
AWS = "AWS".lower
class OptimizeTarget:
    COST = "cost"
class Resources:
    region, zone, use_spot, accelerators = "east", None, False, {"A100": 8}
    def __init__(self, cloud, instance_type):
        self.cloud, self.instance_type = cloud, instance_type
class Dag:
    now = None
    def __init__(self):
        self.tasks = []
    def __enter__(self):
        Dag.now = self
        return self
    def __exit__(self, *_):
        Dag.now = None
class Task:
    def __init__(self, name, run, num_nodes):
        Dag.now.tasks.append(self)
    def set_resources(self, options):
        (self.best_resources,) = options
"""
FAKE_OPTIMIZER = """
import os, socket, time
class ResourcesUnavailableError(Exception):
    pass
class Optimizer:
    def optimize(dag, minimize, blocked_resources, quiet):
        print("noise")
        kind = dag.tasks[0].best_resources.instance_type
        if kind == "slow":
            time.sleep(600)
        if kind == "net":
            socket.create_connection(("127.0.0.1", 9))
        if kind == "none":
            raise ResourcesUnavailableError("nothing fits")
        if kind == "dead":
            os._exit(7)
"""


def drive(kinds: list[str], folder: Path, *options: str) -> dict[str, dict[str, Any]]:
    """Run the driver on a tiny optimizer whose answer depends on the instance type."""
    package = folder / "sky"
    package.mkdir()
    (package / "__init__.py").write_text(FAKE, encoding="utf-8")
    (package / "optimizer.py").write_text(FAKE_OPTIMIZER, encoding="utf-8")
    asked = [Asked(kind, (Ask("main", ({"cloud": "AWS", "instance_type": kind},)),)) for kind in kinds]
    results = folder / "results.json"
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "peers" / "driver.py", "-", results, "--runs", "2", *options],
        input=json.dumps([each.to_dict() for each in asked]),
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return {each["name"]: each for each in json.loads(results.read_text(encoding="utf-8"))}


def test_one_request_that_fails_does_not_lose_the_others(tmp_path: Path) -> None:
    found = drive(["none", "net", "dead", "good"], tmp_path)
    assert (found["none"]["status"], found["none"]["seconds"]) == ("infeasible", None)
    assert found["none"]["error"] == "ResourcesUnavailableError: nothing fits"
    assert found["net"]["status"] == "error"
    assert "network is cut" in found["net"]["error"]
    assert found["dead"]["error"] == "the process ended with 7"
    good = found["good"]
    assert (good["status"], good["runs"]) == ("feasible", 2)
    assert good["peak_mib"] > 1
    assert good["first_seconds"] >= good["seconds"] >= 0
    usual = {"region": "east", "zone": None, "accelerator": "A100", "count": 8, "use_spot": False}
    assert good["choices"] == [{**usual, "cloud": "aws", "instance_type": "good", "price_usd_per_hour": None}]


def test_a_request_past_the_limit_is_killed_and_recorded(tmp_path: Path) -> None:
    slow = drive(["slow"], tmp_path, "--time-limit", "0.2")["slow"]
    assert (slow["status"], slow["seconds"]) == ("timeout", None)
    row = compare.peer_row("peer", Asked("slow", (Ask("main", ({},)),)), slow, OFFERS)
    assert (row.status, row.seconds, row.cost_ratio) == ("timeout", None, None)


def test_an_environment_is_made_once_for_each_content_of_its_lock(tmp_path: Path) -> None:
    lock, folder = tmp_path / "rival.txt", tmp_path / "venvs" / "rival"
    made = []

    def make(where: Path, of: Path) -> None:
        assert not where.exists()
        made.append(of.read_text(encoding="utf-8"))
        where.mkdir()
        if made[-1] == "broken":
            raise VenvError("no")

    for content in ("one", "one", "two"):
        lock.write_text(content, encoding="utf-8")
        assert prepared(lock, folder, make) == folder / "bin" / "python"
    lock.write_text("broken", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(VenvError, match="no"):
            prepared(lock, folder, make)
    assert made == ["one", "two", "broken", "broken"]


def test_a_competitor_without_a_lock_is_an_error_that_names_the_others(tmp_path: Path) -> None:
    (tmp_path / "rival.txt").touch()
    with pytest.raises(VenvError, match="that have a lock: rival"):
        prepared(tmp_path / "nobody.txt", tmp_path / "venv", lambda *_: None)


def test_locks_pin_every_package_by_hash_and_name_no_index() -> None:
    locks = sorted(LOCKS.glob("*.txt"))
    assert {lock.stem for lock in locks} == {file.stem for file in LOCKS.glob("*.in")}
    assert {peer.name for peer in compare.PEERS} <= {lock.stem for lock in locks}
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        pinned = re.findall(r"^[a-z].*", text, re.MULTILINE)
        assert pinned
        assert all("==" in line and line.endswith("\\") for line in pinned)


def result_of(status: str = "optimal", **given: Any) -> dict[str, Any]:
    """Return what the driver says of a plan for eight A100 on Lambda, with the fields ``given``."""
    place = {"cloud": "lambda", "region": "asia-northeast-1", "zone": None, "instance_type": "gpu_8x_a100"}
    choice = {**place, "accelerator": "A100", "count": 8, "use_spot": False}
    measured = {"seconds": 0.5, "first_seconds": 1.0, "peak_mib": 100.0}
    claims = {"claimed": 15.92, "claimed_cost_usd": 15.92}
    choice |= {key: value for key, value in given.items() if key in choice}
    claims |= {key: value for key, value in given.items() if key in claims}
    return {"name": "a100x8", "status": status, "choices": [choice], **measured, **claims}
