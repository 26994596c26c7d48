"""The suite judges before it times: wrong answers, worse ratios, lost proofs and weaker values are named."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import baseline, competitor
from bench.competitor import Answer
from bench.instance import Instance
from bench.suite import __main__ as suite
from bench.suite import check, known, process, series
from bench.suite.judge import judged
from bench.suite.known import Known, WorseError, better, found_in
from bench.suite.row import Row, compared, row_of
from tests.architecture.source_tree import ROOT
from tests.bench.test_mip import GENERAL, tiny

EXACT = competitor.registry()["ours"]
ROUGH = competitor.registry()["highs"]
INSTANCE = tiny(GENERAL)
CHOICE = [2, 0, 1]
COST = INSTANCE.evaluate(CHOICE)[0]


def answer(**given: Any) -> Answer:
    """Return an answer that claims nothing wrong, with the fields ``given``."""
    usual = {"status": "optimal", "value": COST, "bound": COST, "choice": CHOICE, "solve_seconds": 1.0}
    return Answer(**usual | given)


def row(name: str = "ours", **given: Any) -> Row:
    """Return a row of the tiny instance's cost, with the fields ``given``."""
    return replace(row_of(name, INSTANCE, "cost", [answer()], "today"), **given)


def test_every_file_of_the_competitors_is_a_competitor() -> None:
    files = {path.stem for path in (ROOT / "bench" / "competitors").glob("*.py")} - {"__init__"}
    assert set(competitor.registry()) == files
    for each in competitor.registry().values():
        assert not each.venv or (ROOT / "bench" / "requirements" / f"{each.venv}.txt").exists()


def test_a_right_answer_stands() -> None:
    assert judged(answer(), EXACT, INSTANCE, "cost", Known(COST, COST, "")).status == "optimal"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"value": COST - 1}, "worth"),
        ({"bound": COST - 1}, "called optimal"),
        ({"bound": None}, "called optimal"),
        ({"status": "feasible", "bound": COST + 1}, "though there is a plan"),
        ({"choice": [2, 0]}, "not one candidate"),
        ({"choice": [2, 0, 7]}, "not one candidate"),
        ({"status": "infeasible"}, "there is a plan"),
    ],
)
def test_a_wrong_answer_is_an_error_that_says_why(given: dict[str, Any], why: str) -> None:
    found = judged(answer(**given), EXACT, INSTANCE, "cost", Known(COST, COST - 5, ""))
    assert found.status == "error"
    assert why in found.note


def test_a_stopped_solver_s_plan_may_be_better_than_it_knew() -> None:
    stopped = answer(status="feasible", value=COST + 9, bound=COST - 5)
    assert judged(stopped, EXACT, INSTANCE, "cost", None).value == COST
    assert judged(replace(stopped, value=COST - 1), EXACT, INSTANCE, "cost", None).status == "error"
    assert judged(answer(value=COST + 9, bound=COST + 9), EXACT, INSTANCE, "cost", None).status == "error"


def test_a_plan_below_a_proven_bound_is_an_error_of_someone() -> None:
    found = judged(answer(), EXACT, INSTANCE, "cost", Known(COST + 2, COST + 1, ""))
    assert (found.status, "is proven" in found.note) == ("error", True)


def test_floating_point_solvers_are_judged_by_their_plan_within_their_tolerance() -> None:
    large = replace(INSTANCE, cost=INSTANCE.cost * 10**6)
    value = large.evaluate(CHOICE)[0]
    off = answer(value=value + 10, bound=value + 10)
    assert judged(off, ROUGH, large, "cost", None).value == value
    assert judged(off, EXACT, large, "cost", None).status == "error"


def test_that_nothing_fits_is_right_only_where_nothing_does() -> None:
    empty = replace(INSTANCE, start=INSTANCE.start * 0)
    assert judged(Answer("infeasible"), EXACT, empty, "cost", None).status == "infeasible"
    assert judged(answer(), EXACT, empty, "cost", None).status == "error"


def test_a_row_has_medians_and_the_worst_ending() -> None:
    runs = [answer(solve_seconds=s, build_seconds=0.5, peak_mib=s) for s in (3.0, 1.0, 2.0)]
    found = row_of("ours", INSTANCE, "cost", runs, "today")
    assert (found.seconds, found.build_seconds, found.peak_mib, found.runs) == (2.5, 0.5, 3.0, 3)
    broken = row_of("ours", INSTANCE, "cost", [*runs, answer(status="error", note="bad")], "today")
    assert (broken.status, broken.note) == ("error", "bad")


@pytest.mark.parametrize(
    ("status", "ratio", "is_bound"),
    [("optimal", 0.25, False), ("feasible", 0.25, True), ("timeout", 0.25, True), ("error", None, False)],
)
def test_the_ratio_is_over_highs_to_the_same_proof(status: str, ratio: float | None, is_bound: bool) -> None:
    ours, theirs = compared([row(), row("highs", seconds=4.0, status=status)], COST)
    assert (ours.ratio_to_highs, ours.ratio_is_bound) == (ratio, is_bound)
    assert theirs.ratio_to_highs is None
    unproven = compared([row(status="feasible"), row("highs")], COST)[0]
    assert unproven.ratio_to_highs is None


def test_a_gap_is_how_much_worse_than_the_best_known() -> None:
    assert [each.gap for each in compared([row(), row("greedy", value=2 * COST)], COST)] == [0.0, 1.0]


KEPT = {"tiny cost": {"ratio": 0.5, "ratio_is_bound": False, "status": "optimal", "value": COST}}
BEST = {("tiny", "cost"): Known(COST, COST, "")}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ratio_to_highs": 0.7}, []),
        ({"ratio_to_highs": 0.8}, ["the baseline has 0.50"]),
        ({"ratio_to_highs": 1.6}, ["at most 1.50", "the baseline has 0.50"]),
        ({"ratio_to_highs": 0.8, "seconds": 0.002}, []),
        ({"value": COST + 1}, ["the best known is"]),
        ({"status": "feasible"}, ["feasible, optimal in the baseline"]),
        ({"status": "timeout", "value": None}, ["no plan"]),
        ({"status": "error", "note": "broken"}, ["ours is wrong: broken"]),
    ],
)
def test_a_row_past_its_bound_is_named(given: dict[str, Any], said: list[str]) -> None:
    found = check.regressions([row(**given)], KEPT, BEST)
    assert all(line.startswith("tiny cost: ") for line in found)
    assert [words for line, words in zip(found, said, strict=True) if words not in line] == []


def test_rows_of_others_fail_only_when_wrong() -> None:
    assert check.regressions([row("highs", status="timeout", value=None)], KEPT, BEST) == []
    assert len(check.regressions([row("highs", status="error", note="no")], KEPT, BEST)) == 1


def test_saving_keeps_the_rows_that_did_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "FILE", tmp_path / "kept.json")
    check.save([row(ratio_to_highs=0.5), row("highs")])
    check.save([row(instance="other", ratio_to_highs=0.25)])
    kept = baseline.load(check.FILE)
    assert {name: each["ratio"] for name, each in kept.items()} == {"tiny cost": 0.5, "other cost": 0.25}


def test_best_known_values_never_become_worse() -> None:
    proven, open_ = Known(10, 10, "proof"), Known(12, 9, "open")
    assert better(proven, open_) == proven
    assert better(open_, proven) == proven
    assert better(None, open_) == open_
    many, few = Known(10, 10, "solver, HiGHS agrees"), Known(10, 10, "solver")
    assert better(many, few) == better(few, many) == many
    assert better(Known(12, 8, "a"), Known(13, 9, "b")).bound == 9
    assert better(Known(12, 8, "a"), Known(13, 9, "b")).value == 12
    with pytest.raises(WorseError, match="a bound of 11"):
        better(proven, Known(12, 11, "wrong"))
    with pytest.raises(WorseError, match="nothing fits"):
        better(proven, Known(None, None, "wrong"))


def test_a_proof_names_who_proved_it_and_who_agrees() -> None:
    rows = [row(), row("dp"), row("highs"), row("greedy", status="feasible", value=COST + 3, bound=None)]
    found = found_in(rows)
    assert found == Known(COST, COST, "solver and dynamic programming, HiGHS agrees")
    rough = found_in([row("highs"), row("greedy", status="feasible", value=COST + 3, bound=None)])
    assert rough == Known(COST, None, "only HiGHS, within the tolerance")
    assert found_in([row(status="error")]) is None


def test_values_are_of_the_instance_with_their_digest(tmp_path: Path) -> None:
    known.save(INSTANCE, {"cost": Known(1, 1, "x")}, tmp_path)
    assert known.load(INSTANCE, tmp_path) == {"cost": Known(1, 1, "x")}
    changed = replace(INSTANCE, cost=INSTANCE.cost + 1)
    assert known.load(changed, tmp_path) == {}


def test_competitors_take_turns_and_long_ones_run_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def ask(name: str, _file: Path, _objective: str, _limit_s: float) -> Answer:
        asked.append(name)
        return Answer("unsupported") if name == "dp" else answer(solve_seconds=60.0 * (name == "highs"))

    monkeypatch.setattr(series, "ask", ask)
    plan = series.Plan(("ours", "highs", "dp"), limit_s=1.0)
    rows = series.measure(INSTANCE, tmp_path, "cost", plan, None)
    assert asked == ["ours", "highs", "dp", "ours", "ours"]
    assert [each.runs for each in rows] == [3, 1, 1]
    assert [each.best_known for each in rows] == [COST] * 3


def test_a_competitor_is_a_process_that_prints_one_line(tmp_path: Path) -> None:
    INSTANCE.save(tmp_path / "tiny.npz")
    found = process.ask("oracle", tmp_path / "tiny.npz", "cost", 10.0)
    assert judged(found, competitor.registry()["oracle"], INSTANCE, "cost", None) == found
    assert found.status == "optimal"
    assert found.peak_mib > 1


def test_a_process_that_breaks_is_an_error_that_shows_its_last_words(tmp_path: Path) -> None:
    found = process.ask("oracle", tmp_path / "missing.npz", "cost", 10.0)
    assert (found.status, "missing.npz" in found.note) == ("error", True)


def test_a_process_past_its_limit_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0)
    INSTANCE.save(tmp_path / "tiny.npz")
    found = process.ask("oracle", tmp_path / "tiny.npz", "cost", 0.001)
    assert (found.status, found.seconds) == ("timeout", 0.001)


def test_our_solver_agrees_with_trying_everything(tmp_path: Path) -> None:
    INSTANCE.save(tmp_path / "tiny.npz")
    for objective in ("cost", "time"):
        ours, oracle = (
            process.ask(each, tmp_path / "tiny.npz", objective, 10.0) for each in ("ours", "oracle")
        )
        assert judged(ours, EXACT, INSTANCE, objective, None).status == "optimal"
        assert ours.value == oracle.value


def test_the_command_writes_rows_prints_them_and_fails_on_a_wrong_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(suite, "CACHE", tmp_path)
    monkeypatch.setattr(suite, "RESULTS", tmp_path / "suite.json")
    monkeypatch.setattr(series, "ask", _greedy_or_nonsense)
    arguments = ["suite", "--family", "chain", "--size", "10", "--objective", "cost"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--competitor", "greedy"])
    assert suite.main() == 0
    assert "chain-10" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*arguments, "--competitor", "oracle", "--json"])
    assert suite.main() == 1
    out, err = capsys.readouterr()
    assert json.loads(out)[0]["status"] == "error"
    assert "the plan is worth" in err
    [kept] = json.loads((tmp_path / "suite.json").read_text(encoding="utf-8"))
    assert [each["competitor"] for each in kept["rows"]] == ["greedy", "oracle"]
    assert {"cpu", "cores", "memory_mib", "os", "python"} == set(kept["machine"])


def _greedy_or_nonsense(name: str, file: Path, objective: str, limit_s: float) -> Answer:
    found = competitor.registry()["greedy"].solve(Instance.load(file), objective, limit_s)
    return found if name == "greedy" else replace(found, status="optimal", value=1, bound=1)
