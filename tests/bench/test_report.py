"""The report says what the measurements say: verdicts, cells, plots, complaints; each time the same bytes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bench import family
from bench.peers.compare import Row as PeerRow
from bench.report import __main__ as report
from bench.report import growth
from bench.report.plots.growth import growth_svg
from bench.report.results import load_peers, load_suite
from bench.suite.row import Row

Run = Callable[..., tuple[int, str, Path]]
Tables = Callable[..., dict[str, list[list[str]]]]
SECONDS, HIGHS = "Seconds, on random graphs over 60 places", "Never slower than 1.5 times HiGHS"
MACHINE = {"cpu": "Abacus", "cores": 2, "memory_mib": 2048, "os": "Linux 1", "python": "3.11.0"}
USUAL = Row(
    *("ours", "sparse", "sparse-100", 100, 60, 0, "cost", "optimal", 2_000_000, 2_000_000, 2_000_000, 0.0),
    *(0.01, 0.001, 0.02, 50.0, 3, None, False, "1.0", "", "2030-01-02T03:04:05"),
)
USUAL_PEER = PeerRow("", "cost", 1, "old", "feasible", 1.0, 2.0, 120.0, 4.0, 1.0, 1.0)


def row(instance: str = "sparse-100", objective: str = "cost", competitor: str = "ours", **given: Any) -> Row:
    """Return a row that is proven in 10 ms, with the fields ``given``."""
    name, _, size = instance.partition("-")
    named: dict[str, Any] = {
        "instance": instance,
        "family": name,
        "tasks": int(size) if size.isdigit() else 1,
    }
    return replace(USUAL, **named | {"objective": objective, "competitor": competitor} | given)


def session_of(rows: Iterable[dict[str, Any]], **versions: str) -> dict[str, Any]:
    """Return what is kept of one day."""
    return {"machine": MACHINE, "date": "2030-01-02T03:04:05", "versions": versions, "rows": list(rows)}


def suite_of(*rows: Row) -> list[dict[str, Any]]:
    """Return what the suite writes: these rows, and ours and HiGHS wherever they are not among them."""
    highs: dict[str, Any] = {"competitor": "highs", "seconds": 0.02, "peak_mib": 60.0}
    sizes = [f"{name}-{size}" for name, kind in family.registry().items() for size in kind.sizes]
    usual = [row(name, each, **who) for name in sizes for each in ("cost", "time") for who in ({}, highs)]
    every = {each.key: each for each in (*usual, *rows)}
    return [session_of([each.to_dict() for each in every.values()], ours="1.0", ortools="9")]


def peers_of(*rows: PeerRow) -> list[dict[str, Any]]:
    """Return what the comparison with peers writes."""
    return [session_of(map(asdict, rows), sky="0.1.0", old="0.8.0")]


def peer(request: str, competitor: str = "old", **given: Any) -> PeerRow:
    """Return a peer's row, 100 times as slow as ours and as cheap, with the fields ``given``."""
    ours: dict[str, Any] = {"status": "optimal", "seconds": 0.01} if competitor == "sky" else {}
    return replace(USUAL_PEER, request=request, competitor=competitor, **ours | given)


PEERS = peers_of(peer("cpus-4", "sky"), peer("cpus-4"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command on these measurements; return its exit code, its complaint and its folder."""

    def command(
        suite: Any = None, peers: Any = PEERS, folder: str = "out", **others: Any
    ) -> tuple[int, str, Path]:
        files = {"suite.json": suite, "peers.json": peers, "resolve.json": None, "commands.json": None}
        files |= {f"{name}.json": content for name, content in others.items()}
        for name, content in files.items():
            (tmp_path / name).unlink(missing_ok=True)
            if content is not None:
                (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        options = ["--results", tmp_path, "--output", tmp_path / folder]
        monkeypatch.setattr(sys, "argv", ["bench.report", *map(str, options)])
        return report.main(), capsys.readouterr().err, tmp_path / folder

    return command


@pytest.fixture
def tables(run: Run) -> Tables:
    """Return the cells of every table line of the Markdown, by the heading that they stand under."""

    def written(suite: Any, peers: Any = PEERS, **others: Any) -> dict[str, list[list[str]]]:
        code, _, folder = run(suite, peers, **others)
        assert code == 0
        found: dict[str, list[list[str]]] = {}
        for line in (folder / "benchmarks.md").read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                lines = found.setdefault(re.sub(r"^#+ (\d\. )?", "", line), [])
            elif line.startswith("|"):
                lines.append([cell.strip() for cell in line.strip("|").split("|")])
        return found

    return written


@pytest.mark.parametrize(
    ("given", "cells"),
    [
        ({"seconds": 0.3, "total_seconds": 0.4}, ["300 ms", "✔ kept", "400 ms, over"]),
        ({"seconds": 0.30001, "total_seconds": 0.30001}, ["300 ms", "✘ missed", "300 ms, over"]),
        ({"status": "feasible"}, ["feasible after 10.0 ms", "✘ missed", "20.0 ms"]),
        ({"status": "error"}, ["error after 10.0 ms", "✘ missed", "20.0 ms"]),
    ],
)
def test_a_promise_of_seconds_is_kept_by_a_proof_in_time(tables: Tables, given: Any, cells: Any) -> None:
    table = tables(suite_of(row(**given)))[SECONDS]
    assert table[2] == ["cost, 100 tasks: to the proof in 0.3 s", "sparse-100", *cells]
    assert len(table) == 2 + 9


@pytest.mark.parametrize(
    ("given", "cells"),
    [
        ({"status": "feasible", "value": 101, "bound": 100}, ["10.0 ms, 1.00 % above the bound", "✔ kept"]),
        ({"status": "feasible", "value": 102, "bound": 100}, ["10.0 ms, 2.00 % above the bound", "✘ missed"]),
        ({"status": "feasible", "bound": None}, ["10.0 ms, no bound", "✘ missed"]),
        ({"seconds": 60.1}, ["60.1 s, at the bound", "✘ missed"]),
    ],
)
def test_at_ten_thousand_tasks_the_bound_decides(tables: Tables, given: Any, cells: list[str]) -> None:
    table = tables(suite_of(row("huge-10000", tasks=10_000, **given)))[SECONDS]
    assert [line[2:4] for line in table if line[1] == "huge-10000"] == [cells]


@pytest.mark.parametrize(
    ("ours", "theirs", "ratio", "verdict"),
    [
        ({"ratio_to_highs": 1.5}, {}, "1.50", "✔ kept"),
        ({"ratio_to_highs": 1.51}, {}, "1.51", "✘ missed"),
        ({"ratio_to_highs": 0.75, "ratio_is_bound": True}, {"status": "feasible"}, "&lt;0.750", "✔ kept"),
        ({"status": "timeout", "seconds": 9.0}, {"seconds": 10.0}, ">0.900", "✘ missed"),
        ({"status": "error"}, {}, "no right answer", "✘ missed"),
        ({"seconds": 9.0}, {"status": "error"}, "0.500", "✔ kept"),
        ({"status": "infeasible", "seconds": 0.4}, {"status": "infeasible"}, "20.0", "✘ missed"),
    ],
)
def test_a_family_s_worst_ratio_decides(
    tables: Tables, ours: Any, theirs: Any, ratio: str, verdict: str
) -> None:
    theirs = {"seconds": 0.02} | theirs
    both = row("tree-100", "time", **ours), row("tree-100", "time", "highs", **theirs)
    table = tables(suite_of(*both))[HIGHS]
    [found] = [line for line in table if line[0] == "tree"]
    assert (found[1], found[5]) == (ratio, verdict)
    assert {line[0] for line in table[2:]} == set(family.registry())


def test_a_family_s_rows_have_every_figure(tables: Tables) -> None:
    given: dict[str, Any] = {"value": 2_044_400, "gap": 0.0222, "seconds": 1.5, "build_seconds": 0.3}
    ours = row(
        **given,
        total_seconds=12.34,
        peak_mib=1234.5,
        ratio_to_highs=0.025,
        ratio_is_bound=True,
        note="a | note <b>",
    )
    theirs = row(competitor="highs", status="feasible", seconds=60.0, peak_mib=99.95)
    table = tables(suite_of(ours, theirs, row(competitor="dp", status="unsupported")))["Family `sparse`"]
    line = ["sparse-100", "cost", "optimal", "$2.04", "2.22 %", "1.50 s", "12.3 s", "20 %", "1,234"]
    assert [*line, ">60.0 s", "100", "&lt;0.0250", "a \\", " note &lt;b>"] in [
        [*cells[:-1], f" {cells[-1]}"] for cells in table
    ]
    unsupported = ["sparse-100", "cost", "dp", "unsupported", "$2.00", "0", "-", "-", "-", "-", "3", ""]
    assert unsupported in table


def test_a_competitor_is_summed_up_over_what_both_answered(tables: Tables) -> None:
    rows = [
        row("sparse-3", competitor="dp", seconds=0.04, peak_mib=70.0),
        row("sparse-10", competitor="dp", seconds=0.01, status="feasible", gap=0.5),
        row("sparse-100", competitor="dp", status="unsupported", value=None, gap=None),
        row("sparse-1000", competitor="dp", status="error", gap=9.0, seconds=9.0),
    ]
    [found] = [line for line in tables(suite_of(*rows))["Competitors"] if line[0] == "`dp`"]
    assert found[1:] == ["4", "2", "1", "25.0 %", "25.0 %", "50.0 %", "2.00", "4.00", "70.0", "1"]


def test_peers_are_compared_by_cost_time_and_memory(tables: Tables) -> None:
    rows = [
        *(peer(name, "sky") for name in ("cpus-4", "chain-10", "blocked-cheapest", "time", "p4d")),
        peer("cpus-4", cost_ratio=1.729, peak_mib=100.0),
        peer("chain-10", cost_usd=26.3, cost_ratio=2.0, note="it counts $15.10", seconds=3.0),
        peer("blocked-cheapest", cost_ratio=1.8),
        peer("time", objective="time", cost_ratio=1.7),
        peer("p4d", status="timeout", seconds=None, first_seconds=None, cost_ratio=None, cost_usd=None),
    ]
    found = tables(suite_of(), peers_of(*rows))
    old = ["4 of 5", "0", "0 of 4", "2.00 (chain-10)", "1.00 s", "100", "300", "2.00 s", "120"]
    assert found["Peers"][3] == ["`old` 0.8.0", *old]
    why = found["Why the plans differ"]
    reasons = {line[1].split(":")[0].split(".")[0]: line[2] for line in why if len(line) == 3}
    assert reasons["No accelerator is asked for"] == "cpus-4 (1.73)"
    assert reasons["It counts less than its plan costs"] == "chain-10 (2.00)"
    assert reasons["An offer is blocked"] == "blocked-cheapest (1.80)"
    assert reasons["No plan"] == "p4d (timeout)"
    assert any(key.startswith("It minimised time") for key in reasons)
    assert ["old", "chain-10", "$15.10", "$26.30", "$13.15", "$11.20"] in why
    assert found["Worse than a peer"][2:] == [["`old`", "peak memory", "1", "5", "1.20", "cpus-4"]]


def test_planning_anew_is_judged_where_it_was_measured(run: Run, tables: Tables) -> None:
    usual = {"objective": "cost", "tasks": 1, "blocks": 500, "first_seconds": 0.4, "same_plan": True}
    resolve = [
        {**usual, "instance": "blocked-500", "again_seconds": 0.02, "ratio": 0.05},
        {**usual, "instance": "blocked-50", "again_seconds": 0.3, "ratio": 0.75},
        {**usual, "instance": "sparse-100", "tasks": 100, "again_seconds": 0.04, "ratio": 0.101},
        {**usual, "instance": "tree-10", "tasks": 10, "again_seconds": 0.01, "ratio": 0.02},
    ]
    resolve[-1]["same_plan"] = False
    found = tables(suite_of(), resolve=[session_of(resolve)])
    assert [(line[1], line[3]) for line in found["Again after one more block"][2:]] == [
        ("blocked-500, cost", "✔ kept"),
        ("sparse-100, cost", "✘ missed"),
        ("tree-10, cost", "✘ missed"),
    ]
    cells = "blocked-500 | cost | 1 | 500 | 400 ms | 20.0 ms | 5.00 % | yes"
    assert " | ".join(found["Re-solve after one more block"][2]) == cells
    assert "Re-solve" not in (run(suite_of())[2] / "benchmarks.md").read_text(encoding="utf-8")


def test_what_speaks_against_us_is_listed(tables: Tables) -> None:
    weak: dict[str, Any] = {"status": "feasible", "value": 110, "bound": 100, "gap": 0.05, "seconds": 2.0}
    noted = row(**weak, peak_mib=90.0, note="the tie-break is not proven")
    rows = noted, row("tree-10", seconds=0.03)
    found = {part: lines[2:] for part, lines in tables(suite_of(*rows)).items()}
    unproven = ["sparse-100", "cost", "feasible", "5.00 %", "10.0 %", ">2.00 s", "20.0 ms"]
    assert found["Not proven by ours"] == [unproven]
    slower = [["sparse-100", "cost", ">100"], ["tree-10", "cost", "1.50"]]
    assert [line[:3] for line in found["Slower than HiGHS to the same proof"]] == slower
    assert found["A worse plan than the best known"] == [["sparse-100", "cost", "5.00 %"]]
    unique = found["Tie-break not proven, so the plan need not be unique"]
    assert [line[0] for line in unique] == ["sparse-100"]
    assert [line[1] for line in found["Promises missed"]] == ["sparse-100", "sparse-100"]
    fatter = ["`highs`", "1", "80", "1.50", "sparse-100 cost"]
    assert found["More memory than another who answered"][0] == fatter


def test_nothing_against_us_is_said_to_be_nothing(run: Run) -> None:
    text = (run(suite_of())[2] / "benchmarks.md").read_text(encoding="utf-8")
    assert "**21 of 21 promises kept.**" in text
    for part in ("Promises missed", "Not proven by ours", "More memory than another who answered"):
        assert f"### {part}\n\n`none`" in text


def test_the_same_measurements_give_the_same_bytes_and_only_their_plots(run: Run) -> None:
    first, second = (run(suite_of(row(seconds=0.5)), folder=name)[2] for name in ("a", "b"))
    (second / "benchmarks" / "stale.svg").write_text("", encoding="utf-8")
    run(suite_of(row(seconds=0.5)), folder="b")
    written = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (first, second)
    ]
    assert written[0] == written[1]
    assert len(written[0]) == 2 + len(growth.FAMILIES) + 2
    text = (first / "benchmarks.md").read_text(encoding="utf-8")
    links = re.findall(r"!\[.+?\]\((.+?)\)", text)
    assert {Path(link) for link in links} == {path for path in written[0] if path.suffix == ".svg"}


class Page(HTMLParser):
    """Collects what a page would load, its ids, and where it points within itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.ids: list[str] = []
        self.inside: list[str] = re.findall(r"url\(#([^)]+)\)", text)
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += [tag] if tag in ("script", "link", "img", "iframe") else []
        self.ids += [value or "" for name, value in attrs if name == "id"]
        links = [value or "" for name, value in attrs if name in ("href", "xlink:href", "src")]
        self.inside += [link[1:] for link in links if link.startswith("#")]
        self.outside += [link for link in links if not link.startswith("#")]


def test_the_page_needs_nothing_else(run: Run) -> None:
    folder = run(suite_of(row(note="<script>alert(1)</script>")))[2]
    text = (folder / "benchmarks.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.outside == []
    assert "://" not in text
    assert "@import" not in text
    assert re.findall(r"url\((?!#)[^)]*\)", text) == []
    assert len(page.ids) == len(set(page.ids))
    assert set(page.inside) - set(page.ids) == set()
    assert text.count("<svg") == len(growth.FAMILIES) + 2
    assert "prefers-color-scheme: dark" in text
    plots = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert re.findall(r"#[0-9a-f]{6}\b(?=[;\"])", plots) == []


@pytest.mark.parametrize("missing", [("huge-10000", "time", "highs"), ("sparse-100", "cost", "ours")])
def test_a_missing_row_names_the_command_that_measures_it(run: Run, missing: tuple[str, str, str]) -> None:
    content = suite_of()
    names = ("instance", "objective", "competitor")
    rows = content[0]["rows"]
    content[0]["rows"] = [each for each in rows if tuple(each[name] for name in names) != missing]
    code, error, folder = run(content)
    assert (code, folder.exists()) == (2, False)
    kind, _, size = missing[0].partition("-")
    assert f"run first: python -m bench.suite --family {kind} --size {size}\n" in error
    assert " ".join(missing) in error


@pytest.mark.parametrize(
    ("suite", "peers", "says"),
    [
        (None, PEERS, "run first: python -m bench.suite\n"),
        ([], PEERS, "run first: python -m bench.suite\n"),
        ({"machine": {}}, PEERS, "run it again"),
        ([{"machine": {}}], PEERS, "run it again"),
        ([session_of([{"instance": "x"}])], PEERS, "another version"),
        (suite_of(), peers_of(peer("a", "sky"), peer("b", "sky"), peer("a")), "bench.peers --request b\n"),
        (suite_of(), peers_of(peer("a", "sky")), "run first: python -m bench.peers\n"),
    ],
)
def test_what_cannot_be_reported_says_what_to_run(run: Run, suite: Any, peers: Any, says: str) -> None:
    code, error, _ = run(suite, peers)
    assert code == 2
    assert error.startswith("error: ")
    assert says in error


def test_without_peers_the_rest_is_reported(run: Run) -> None:
    code, _, folder = run(suite_of(), None)
    text = (folder / "benchmarks.md").read_text(encoding="utf-8")
    assert code == 0
    assert "Not measured here." in text
    assert "make bench-peers\nmake bench-report" in text
    for told in ("Abacus", "2.00 GiB", "| `ortools`", "2030-01-02 03:04 UTC", "make bench-all"):
        assert told in text
    assert not list(folder.rglob("peers-*.svg"))


def test_commands_are_told_beside_their_reference_and_their_promise(run: Run, tables: Tables) -> None:
    figures = {"ratio": 2.5, "seconds": 3.5, "reference_seconds": 1.4, "noise": 0.07, "peak_mib": 0.0}
    rows = [{"case": "launch_on_host", **figures}, {"case": "gone", **figures}]
    written = tables(suite_of(), commands=[session_of(rows)])
    assert ["sky launch on a host: 3 s", "launch_on_host", "3.5 s"] in written["Promises missed"]
    found = written["Commands"][2:]
    usual = ["`launch_on_host`", "sky launch on a host", "one login by ssh", "3.500", "2.50", "7%", ""]
    assert found == [[*usual, "3 s ✘ missed"]]
    code, error, _ = run(suite_of(), commands=[session_of([{"case": "launch_on_host"}])])
    assert (code, "run: python -m bench\n" in error) == (2, True)


def test_each_session_is_told_with_its_machine(tables: Tables) -> None:
    other = session_of([row().to_dict()]) | {"machine": MACHINE | {"cpu": "Slide rule"}, "note": "by hand"}
    [usual] = suite_of()
    usual["rows"] = [each for each in usual["rows"] if each["instance"] != "sparse-100"]
    rows = [row(objective=each, competitor=who) for each in ("cost", "time") for who in ("ours", "highs")]
    other["rows"] = [each.to_dict() for each in rows]
    found = tables([usual, other], None)["Machine, versions, and how to reproduce"]
    told = [line for line in found if line[0] == "`suite`"]
    assert [line[1] for line in told] == [str(len(usual["rows"])), "4"]
    assert "Abacus" in told[0][3]
    assert "Slide rule" in told[1][3]
    assert told[1][5] == "by hand"


def test_lines_grow_with_tasks_and_leave_out_who_proves_nothing(tmp_path: Path) -> None:
    rows = [
        *(row("sparse-100", competitor=name, status="feasible") for name in ("greedy", "cbc")),
        row("sparse-10", competitor="cbc"),
        row("huge-10000", status="timeout", seconds=60.0, peak_mib=0.0),
    ]
    (tmp_path / "suite.json").write_text(json.dumps(suite_of(*rows)), encoding="utf-8")
    suite = load_suite(tmp_path)
    assert load_peers(tmp_path / "none.json") is None
    drawn = {line.label: line for line in growth.lines_of(suite, growth.FAMILIES["sparse"], "cost")}
    assert list(drawn) == ["ours", "HiGHS", "CBC"]
    assert [(at.tasks, at.stopped) for at in drawn["CBC"].points] == [(10, False), (100, True)]
    assert [at.tasks for at in drawn["ours"].points] == [10, 100, 1_000, 10_000]
    assert [at.stopped for at in drawn["ours"].points] == [False, False, False, True]
    svg = growth_svg({"cost": list(drawn.values())})
    for label in (*drawn, "10,000", "time to the proof, minimising cost"):
        assert f">{label}<" in svg
    assert "date" not in svg
