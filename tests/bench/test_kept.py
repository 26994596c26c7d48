"""What is measured is kept with its machine and its day until it is measured again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import kept


def test_a_row_moves_to_the_session_that_measured_it_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "new" / "table.json"
    for cpu, rows in (("abacus", {"a": 1, "b": 2}), ("slide rule", {"b": 3}), ("slide rule", {"c": 4})):
        monkeypatch.setattr(kept, "machine", lambda cpu=cpu: {"cpu": cpu})
        kept.keep(file, [{"name": name, "value": value} for name, value in rows.items()], ("name",))
    found = [
        (each.machine["cpu"], {row["name"]: row["value"] for row in each.rows}) for each in kept.load(file)
    ]
    assert found == [("abacus", {"a": 1}), ("slide rule", {"b": 3, "c": 4})]
    kept.keep(file, [{"name": "a", "value": 5}], ("name",), {"other": "2.0"})
    [left] = kept.load(file)
    assert {row["name"]: row["value"] for row in left.rows} == {"a": 5, "b": 3, "c": 4}
    assert left.versions["other"] == "2.0"


def test_what_is_kept_is_small_and_whole() -> None:
    files = {file.stem: kept.load(file) for file in kept.FOLDER.glob("*.json")}
    assert files.keys() == {"suite", "resolve", "peers", "commands"}
    assert sum(file.stat().st_size for file in kept.FOLDER.iterdir()) < 1_000_000
    for name, sessions in files.items():
        assert sessions, name
        for each in sessions:
            assert each.rows, name
            assert each.machine["cpu"], name


def test_another_file_is_refused(tmp_path: Path) -> None:
    for text in ('{"a": 1}', '[{"rows": []}]', "[1]"):
        (tmp_path / "x.json").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"x\.json"):
            kept.load(tmp_path / "x.json")
    assert kept.load(tmp_path / "none.json") == []
