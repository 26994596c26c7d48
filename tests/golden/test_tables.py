from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from catalog.offer import Market, Offer, OfferKey
from sky.cli.jobs import _show_jobs
from sky.cli.main import cli
from sky.cli.render_plan import show_plan
from sky.control.database import open_database
from sky.control.gc import Finding, Kind, Survey
from sky.control.records import ClusterRecord
from sky.control.state import Store, open_store
from sky.statuses import ClusterStatus, JobStatus
from solver.plan import CatalogInfo, Choice, Filter, Placement, Plan, SpotRisk, Status, Transfer
from tests.golden.golden import check, shape

NOW = 1_790_000_000
WIDTHS = ["80", "120"]
SPOT = Offer(
    OfferKey("aws", "us-east-1", "us-east-1a", "p4d.24xlarge", "A100", 8_000, Market.SPOT),
    96_000, 1_179_648, 40_960, "x86_64", 7_200_000,
)  # fmt: skip
HERE = Offer(
    OfferKey("local", "local", "", "this-machine", "", 0, Market.OWNED), 2_000, 24_000, 0, "x86_64", 0
)


@pytest.fixture
def clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store()
    for name, offer, status, nodes, age_s, idle, down in (
        ("train", SPOT, ClusterStatus.UP, 2, 7_300, 10, True),
        ("dev", HERE, ClusterStatus.INIT, 1, 65, -1, False),
        ("a-cluster-with-a-long-name", HERE, ClusterStatus.STOPPED, 1, 400_000, -1, False),
    ):
        made = ClusterRecord(
            name=name, cluster_id=f"{name}-1", executor=offer.key.cloud, offer=offer, num_nodes=nodes,
            status=status, launched_at=NOW - age_s, autostop_minutes=idle, to_down=down, head_ip="10.0.0.7",
            last_use=f"sky launch -c {name} task.yaml", owner="me", config_hash="c0ffee",
        )  # fmt: skip
        store.add(made)
    monkeypatch.setattr("time.time", lambda: NOW)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", [("status",), ("status", "-a")], ids=["status", "status-all"])
def test_status(words: tuple[str, ...], width: str, clusters: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    done = CliRunner().invoke(cli, words)
    assert max(map(len, done.output.splitlines())) <= int(width)
    check(f"{'-'.join(words)}-{width}.txt", done.output)


def test_status_in_a_pipe_has_one_line_a_cluster(clusters: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    done = CliRunner().invoke(cli, ["status", "-a"])
    assert len(done.output.splitlines()) == 4
    check("status-pipe.txt", done.output)


def test_status_json(clusters: None) -> None:
    found = json.loads(CliRunner().invoke(cli, ["status", "--json"]).output)
    assert [cluster["name"] for cluster in found] == ["dev", "train", "a-cluster-with-a-long-name"]
    check("status.json", json.dumps([shape(found[1]), shape(found[0])], indent=2) + "\n")


@pytest.mark.parametrize("width", WIDTHS)
def test_cost_report(width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(open_database(), clock=lambda: NOW - 7_200)
    for name, offer, nodes in (("train", SPOT, 2), ("dev", HERE, 1), ("a-cluster-with-a-long-name", SPOT, 1)):
        made = ClusterRecord(name, f"{name}-1", offer.key.cloud, offer, num_nodes=nodes, handle={"id": name})
        stored = store.add(made)
        if name == "train":
            Store(open_database(), clock=lambda: NOW - 3_600).close(stored)
    monkeypatch.setattr("time.time", lambda: NOW)
    monkeypatch.setattr("sky.control.costs.open_store", lambda: Store(open_database(), clock=lambda: NOW))
    monkeypatch.setenv("COLUMNS", width)
    done = CliRunner().invoke(cli, ["cost-report", "--plot"])
    assert max(map(len, done.output.splitlines())) <= int(width)
    check(f"cost-report-{width}.txt", done.output)
    report = json.loads(CliRunner().invoke(cli, ["cost-report", "--json"]).output)
    check("cost-report.json", json.dumps(shape(report), indent=2) + "\n")


@pytest.mark.parametrize("width", WIDTHS)
def test_gc(width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = (
        Finding(
            Kind.ORPHAN, "aws", "dev-3fa1b2c4", "dev", "running", "us-east-1/us-east-1a", NOW - 10_000,
            7_200_000, "its record was closed, and it is there", "sky gc dev-3fa1b2c4 --yes",
        ),
        Finding(
            Kind.INTERRUPTED, "gcp", "train-90cc01de", "train", "INIT", "us-central1", 0, 0,
            "its launch did not come to its end", "sky gc train-90cc01de --yes",
        ),
    )  # fmt: skip
    found = Survey(findings, {"azure": "no answer within 30 s"}, {"new-1": "it is younger than 10 minutes"})
    monkeypatch.setattr("sky.control.gc.survey", lambda: found)
    monkeypatch.setattr("time.time", lambda: NOW)
    monkeypatch.setenv("COLUMNS", width)
    done = CliRunner().invoke(cli, ["gc"])
    assert max(map(len, done.output.splitlines())) <= int(width)
    check(f"gc-{width}.txt", done.output)
    report = json.loads(CliRunner().invoke(cli, ["gc", "--json"]).stdout)
    check("gc.json", json.dumps(shape(report), indent=2) + "\n")


def test_check_json() -> None:
    found = json.loads(CliRunner().invoke(cli, ["check", "--json"]).output)
    assert [row["infra"] for row in found][:1] == ["local"]
    assert [row["infra"] for row in found if row["runs"]] == ["local"]
    check("check.json", json.dumps(shape(found), indent=2) + "\n")


def test_optimize_json() -> None:
    words = ["optimize", "--gpus", "A100:8", "--json", "--top", "1", "--", "true"]
    plan = json.loads(CliRunner().invoke(cli, words).output)
    check("optimize.json", json.dumps(shape(plan), indent=2) + "\n")


@pytest.mark.parametrize("width", WIDTHS)
def test_queue(width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setattr("time.time", lambda: NOW)
    jobs = [
        {
            "job_id": number, "job_name": name, "username": "me", "submitted_at": NOW - 100.5,
            "start_at": start, "end_at": end, "resources": "1x[A100:8]", "status": status,
            "exit_code": None, "pid": 1,
            "log_path": f"~/sky_logs/sky-2026-09-21-00-00-0{number}-000000",
        }
        for number, name, start, end, status in (
            (12, "train", NOW - 90.0, None, JobStatus.RUNNING),
            (11, "", None, None, JobStatus.PENDING),
            (9, "prepare", NOW - 4_000.0, NOW - 400.0, JobStatus.FAILED_SETUP),
        )
    ]  # fmt: skip
    _show_jobs(jobs, all_users=width == "120")
    check(f"queue-{width}.txt", capsys.readouterr().out)


def _choice(
    cloud: str, kind: str, price: int, *, spot: bool = False, accelerator: str | None = "A100"
) -> Choice:
    return Choice(
        cloud=cloud, region="us-east-1", zone="us-east-1a" if cloud == "aws" else None, instance_type=kind,
        accelerator=accelerator, accelerator_count_milli=8_000 if accelerator else 0, use_spot=spot,
        vcpus_milli=96_000, memory_mib=1_179_648, arch="x86_64", price_micro_usd_per_hour=price,
        cost_micro_usd=2 * price, time_s=7_200, price_as_of="2026-07-20", source="list",
    )  # fmt: skip


PLAN = Plan(
    status=Status.OPTIMAL,
    objective="cost",
    total_cost_micro_usd=22_830_000,
    total_time_s=14_520,
    bound_value=22_830_000,
    solve_time_s=0.0123,
    catalog=CatalogInfo(
        "f00d" * 16,
        "2026-08-03",
        136_844,
        (
            ("aws", "list", 10, "2026-07-20", "2026-07-20"),
            ("aws", "spot", 20, "2025-04-04", "2026-07-20"),
            ("nebius", "catalog", 61, "", ""),
        ),
    ),
    tasks=(
        Placement(
            name="prepare",
            num_nodes=1,
            choice=_choice("aws", "m6i.8xlarge", 1_536_000, accelerator=None),
            start_s=0,
            alternatives=(),
            considered=(_choice("aws", "m6i.8xlarge", 1_536_000, accelerator=None),),
            candidates=812,
            filters=(Filter("all offers", 136_844), Filter("cpus 32+", 812)),
            runtime_note="estimate: 2h",
            notes=("left out unless asked for: bare metal (allow: bare_metal)",),
        ),
        Placement(
            name="train",
            num_nodes=2,
            choice=_choice("aws", "p4d.24xlarge", 7_200_000, spot=True),
            start_s=7_320,
            alternatives=(_choice("gcp", "a2-highgpu-8g", 29_390_000),),
            considered=(
                _choice("aws", "p4d.24xlarge", 7_200_000, spot=True),
                _choice("azure", "Standard_ND96asr_v4", 27_197_000),
            ),
            candidates=72,
            filters=(Filter("all offers", 136_844), Filter("accelerators A100:8", 72)),
            runtime_note="estimate: 2h on A100:8",
            notes=(),
            risk=SpotRisk("averse", 125_000, True, 740, 1_800, 15, 60_000, 210_000, 190_000),
        ),
    ),
    transfers=(Transfer("prepare", "train", "aws/us-east-1", "aws/us-west-2", 50 * 10**9, 1_000_000, 120),),
    blocks=("gcp/us-central1",),
    notes=("no cloud is enabled here, so the plan is over the whole catalog (sky check)",),
)


@pytest.mark.parametrize("width", WIDTHS)
def test_plan(width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", width)
    show_plan(PLAN, show_all=width == "120")
    check(f"plan-{width}.txt", capsys.readouterr().out)
