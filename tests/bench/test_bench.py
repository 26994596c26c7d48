"""The measurements measure: ratios of medians, bounds that fail, a home that is put back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import baseline
from bench.case import Case, Outcome, Pair, registry, run
from bench.sample import Sample, python
from tests.architecture.source_tree import ROOT


def test_every_file_of_the_cases_is_a_case() -> None:
    files = {path.stem for path in (ROOT / "bench" / "cases").glob("*.py")} - {"__init__"}
    assert set(registry()) == files


def test_a_ratio_is_that_of_the_medians_without_the_first_round() -> None:
    ours = iter([99.0, 4.0, 6.0, 50.0])
    theirs = iter([99.0, 2.0, 2.0, 2.0])

    @contextmanager
    def prepare(home: Path) -> Iterator[Pair]:
        assert os.environ["SKY_HOME"] == f"{home}/.sky"
        yield lambda: Sample(next(ours), peak_mib=7), lambda: Sample(next(theirs))

    before = os.environ["SKY_HOME"]
    outcome = run(Case("ours", "theirs", prepare, rounds=3))
    assert (outcome.ratio, outcome.seconds, outcome.reference_seconds) == (3.0, 6.0, 2.0)
    assert outcome.peak_mib == 7
    assert os.environ["SKY_HOME"] == before


def test_a_process_that_fails_is_an_error_that_shows_what_it_said() -> None:
    with pytest.raises(RuntimeError, match="it broke"):
        python("raise SystemExit('it broke')")


def test_the_peak_memory_of_a_process_is_its_own() -> None:
    small, large = python("pass")[0], python("data = b'x' * (200 << 20)")[0]
    assert 190 < large.peak_mib - small.peak_mib < 230


@pytest.mark.parametrize(
    ("ratio", "peak_mib", "worse"), [(2.9, 110, []), (3.1, 110, ["ratio"]), (2.9, 130, ["MiB"])]
)
def test_a_case_past_its_bound_is_named(
    ratio: float, peak_mib: float, worse: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "baseline.json"
    kept.write_text(json.dumps({"case": {"ratio": 2.0, "peak_mib": 100}}))
    monkeypatch.setattr(baseline, "FILE", kept)
    found = baseline.regressions({"case": _outcome(ratio, peak_mib), "new": _outcome(9, 9)})
    assert [word for line, word in zip(found, worse, strict=True) if word in line] == worse


def test_saving_keeps_the_cases_that_did_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "FILE", tmp_path / "baseline.json")
    baseline.save({"first": _outcome(1.0, 0)})
    baseline.save({"second": _outcome(2.0, 0)})
    assert {name: kept["ratio"] for name, kept in baseline.load().items()} == {"first": 1.0, "second": 2.0}


def _outcome(ratio: float, peak_mib: float) -> Outcome:
    return Outcome(ratio, ratio, 1.0, 0.0, peak_mib)
