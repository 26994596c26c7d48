"""Run our optimizer and the peers on the same requests and offers, and judge every plan by our data."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.kept import FOLDER
from bench.peers import driver
from bench.peers.catalog_files import V6, V8, Format, shared_offers, write_catalog
from bench.peers.judge import NotOnOfferError, Verdict, cost_ratio, judge
from bench.peers.requests import Request
from bench.sample import ROOT
from bench.venvs import CACHE, python_of

if TYPE_CHECKING:
    import pyarrow as pa

    from solver import request as asked

OURS = "sky"
RESULTS = FOLDER / "peers.json"

BY_THE_HOUR = "compared by the hour"
"""Ends the note of a plan with an offer that is none of our candidates."""

_DRIVER = ROOT / "bench" / "peers" / "driver.py"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Peer:
    """A released optimizer: the name of its lock, its distribution, and the files that it reads."""

    name: str
    distribution: str
    form: Format


PEERS = (Peer("skypilot-0.8", "skypilot", V6), Peer("skypilot-0.14", "skypilot", V8))


@dataclass(frozen=True, slots=True)
class Row:
    """What one competitor made of one request.

    ``seconds`` is the median of warm runs, ``first_seconds`` the first one, which also builds the request
    and reads the catalog. ``cost_usd`` is by our data; ``cost_ratio`` and ``time_ratio`` are over the proven
    best plan on the offers that the competitor was given.
    """

    request: str
    objective: str
    tasks: int
    competitor: str
    status: str
    seconds: float | None = None
    first_seconds: float | None = None
    peak_mib: float | None = None
    cost_usd: float | None = None
    cost_ratio: float | None = None
    time_ratio: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Best:
    """The proven best plan for one request on the offers of one competitor."""

    request: asked.Request
    verdict: Verdict


def compare(requests: Sequence[Request], runs: int, time_limit_s: float) -> tuple[list[Row], dict[str, str]]:
    """Run every competitor on ``requests`` and return the rows and each one's version.

    Raises ``VenvError`` when a peer cannot be installed. Raises ``CalledProcessError`` when a driver fails.
    """
    from catalog.snapshot import EMBEDDED, read_snapshot
    from catalog.store import open_snapshot, publish

    with _home(CACHE / "peers" / OURS) as home:
        table = read_snapshot(EMBEDDED).table
        publish(shared_offers(table, V8), home / ".sky")
        say(f"{OURS}: {len(requests)} requests")
        rows = []
        ours = run_driver(Path(sys.executable), home, requests, runs, time_limit_s)
        offers = open_snapshot().table
        rows += [our_row(*pair, offers) for pair in zip(requests, ours, strict=True)]
        versions = {OURS: _version(Path(sys.executable), "skysolve")}
        for peer in PEERS:
            python = python_of(peer.name)
            folder = CACHE / "peers" / peer.name
            offers = shared_offers(table, peer.form)
            write_catalog(offers, peer.form, folder)
            say(f"{peer.name}: {len(requests)} requests")
            theirs = run_driver(python, folder, requests, runs, time_limit_s)
            rows += [peer_row(peer.name, *pair, offers) for pair in zip(requests, theirs, strict=True)]
            versions[peer.name] = _version(python, peer.distribution)
    return rows, versions


def run_driver(
    python: Path, home: Path, requests: Sequence[Request], runs: int, time_limit_s: float
) -> list[dict[str, Any]]:
    """Run ``driver.py`` under ``python`` with ``home`` as its home, and return its results in order."""
    with tempfile.TemporaryDirectory(prefix="sky-bench-") as folder:
        stated, results = Path(folder, "requests.json"), Path(folder, "results.json")
        stated.write_text(json.dumps([request.to_dict() for request in requests]), encoding="utf-8")
        command = [python, _DRIVER, stated, results, "--runs", runs, "--time-limit", time_limit_s]
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "HOME": str(home),
            "SKY_HOME": str(home / ".sky"),
            "SKYPILOT_DISABLE_USAGE_COLLECTION": "1",
        }
        if python == Path(sys.executable):
            environment["PYTHONPATH"] = str(ROOT)
        subprocess.run([str(part) for part in command], check=True, env=environment, cwd=folder)
        found: list[dict[str, Any]] = json.loads(results.read_text(encoding="utf-8"))
    return found


def our_row(request: Request, result: Mapping[str, Any], offers: pa.Table) -> Row:
    """Return the row of our own result; an error unless the plan is proven and its total recomputes."""
    row = _row(OURS, request, result)
    if "choices" not in result:
        return row
    verdict = judge(compiled(request), offers, result["choices"])
    wrong = verdict.note
    if result["status"] != "optimal":
        wrong = wrong or f"the plan is {result['status']}, not optimal"
    if round(result["claimed_cost_usd"] * 1_000_000) != verdict.cost_micro_usd:
        wrong = wrong or f"the plan says ${result['claimed_cost_usd']:.6f}, its parts ${verdict.cost_usd:.6f}"
    if wrong:
        return _row(OURS, request, {"status": "error", "error": wrong})
    return _row(OURS, request, result, cost_usd=verdict.cost_usd, cost_ratio=1.0, time_ratio=1.0)


def peer_row(name: str, request: Request, result: Mapping[str, Any], offers: pa.Table) -> Row:
    """Return the row of a peer's result, held against the best plan on the offers that it was given."""
    if "choices" not in result:
        return _row(name, request, result)
    best = best_of(request, offers)
    try:
        theirs = judge(best.request, offers, result["choices"])
    except NotOnOfferError as error:
        return _row(name, request, result, note=str(error))
    figures = {"cost_ratio": round(cost_ratio(theirs, best.verdict), 6)}
    if theirs.note:
        return _row(name, request, result, note=f"{theirs.note}; {BY_THE_HOUR}", **figures)
    figures |= {"cost_usd": theirs.cost_usd, "time_ratio": round(theirs.time_s / best.verdict.time_s, 6)}
    return _row(name, request, result, note=_claim(request, result, theirs), **figures)


def best_of(request: Request, offers: pa.Table) -> Best:
    """Return the proven best plan for ``request`` over ``offers``, recomputed from its choices."""
    from catalog.transfer import DEFAULT
    from solver.api import solve_request
    from solver.plan import CatalogInfo, Status

    wanted = compiled(request)
    plan = solve_request(wanted, offers, DEFAULT, CatalogInfo("", "", offers.num_rows))
    choices = [
        {
            **{name: getattr(task.choice, name) for name in ("cloud", "region", "zone", "instance_type")},
            "accelerator": task.choice.accelerator,
            "count": task.choice.accelerator_count_milli / 1000,
            "use_spot": task.choice.use_spot,
        }
        for task in plan.tasks
    ]
    verdict = judge(wanted, offers, choices)
    assert plan.status is Status.OPTIMAL
    assert (verdict.cost_micro_usd, verdict.time_s) == (plan.total_cost_micro_usd, plan.total_time_s)
    return Best(wanted, verdict)


def compiled(request: Request) -> asked.Request:
    """Return ``request`` as our solver takes it."""
    from sky.compile import compile_request
    from solver.request import Objective

    stated = request.to_dict()
    blocked = driver.blocked_of(stated) or ()
    return compile_request(driver.build_dag(stated), Objective(request.objective), blocked)


def say(text: str) -> None:
    """Report progress."""
    print(text, file=sys.stderr, flush=True)


def _row(name: str, request: Request, result: Mapping[str, Any], *, note: str = "", **figures: float) -> Row:
    measured = {key: result.get(key) for key in ("seconds", "first_seconds", "peak_mib")}
    error = _COLOURS.sub("", str(result.get("error", ""))).strip()
    return Row(
        request=request.name,
        objective=request.objective,
        tasks=len(request.tasks),
        competitor=name,
        status=result["status"],
        **measured,
        **figures,
        note=note or " ".join(error.split())[:200],
    )


def _claim(request: Request, result: Mapping[str, Any], theirs: Verdict) -> str:
    """Say so when a peer's own total is not what its plan costs, as with data between regions."""
    claimed = result.get("claimed")
    if request.objective != "cost" or claimed is None or abs(claimed - theirs.cost_usd) < 0.005:
        return ""
    return f"it counts ${claimed:.2f}"


def _version(python: Path, distribution: str) -> str:
    code = f"from importlib.metadata import version; print(version({distribution!r}))"
    done = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@contextmanager
def _home(home: Path) -> Iterator[Path]:
    """Give this process a sky home of its own for a while."""
    home.mkdir(parents=True, exist_ok=True)
    kept = os.environ.get("SKY_HOME")
    os.environ["SKY_HOME"] = str(home / ".sky")
    try:
        yield home
    finally:
        if kept is None:
            del os.environ["SKY_HOME"]
        else:
            os.environ["SKY_HOME"] = kept
