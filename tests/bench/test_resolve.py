"""Planning again after one more block: what is measured is the plan that a solve from nothing finds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import kept
from bench.suite import resolve


def test_each_row_is_checked_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rows replace what was measured before, and the ratio is that of the two medians."""
    file = tmp_path / "resolve.json"
    usual = {"objective": "cost", "again_seconds": 1.0}
    before = [{"instance": "sparse-10", **usual}, {"instance": "sparse-30", **usual}]
    kept.write(file, [kept.Session("2030-01-02", {}, {}, tuple(before))])
    monkeypatch.setattr(resolve, "RESULTS", file)
    monkeypatch.setattr(resolve, "REQUESTS", (("blocked", "1"),))
    monkeypatch.setattr(resolve, "GRAPHS", (("sparse", "10"),))
    monkeypatch.setattr(sys, "argv", ["resolve"])
    assert resolve.main() == 0
    old, new = kept.load(file)
    assert [row["instance"] for row in old.rows] == ["sparse-30"]
    names = [(row["instance"], row["objective"], row["tasks"], row["blocks"]) for row in new.rows]
    assert names == [("blocked-1", "cost", 1, 1), ("blocked-1", "time", 1, 1), ("sparse-10", "cost", 10, 1)]
    for row in new.rows:
        assert row["same_plan"]
        assert row["ratio"] == pytest.approx(row["again_seconds"] / row["first_seconds"], rel=0.01)
    assert "sparse-10" in capsys.readouterr().out


def test_another_plan_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plan that differs from the one made from nothing is said, with exit code 1."""
    wrong = resolve.Resolve("sparse-10", "cost", 10, 1, 0.2, 0.1, 0.5, same_plan=False)
    monkeypatch.setattr(resolve, "RESULTS", tmp_path / "new" / "resolve.json")
    monkeypatch.setattr(resolve, "_measured", lambda _: iter([wrong]))
    assert resolve.main() == 1
    assert "another plan than from nothing: sparse-10 cost" in capsys.readouterr().err
