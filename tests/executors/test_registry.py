"""Executors are found by name and loaded on use."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.errors import UserError
from executors import registry
from executors.fake import Script, executor

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_every_built_in_executor_is_an_entry_point_too() -> None:
    section = PYPROJECT.read_text().split(f'[project.entry-points."{registry.GROUP}"]')[1].split("\n[")[0]
    declared = dict(line.replace('"', "").split(" = ") for line in section.strip().splitlines())
    assert declared == dict(registry.BUILT_IN)


def test_local_loads_once() -> None:
    assert registry.load("local") is registry.load("local")
    assert "local" in registry.names()


def test_an_unknown_name_gets_the_nearest_ones_and_the_way_to_add_it() -> None:
    with pytest.raises(UserError, match=r"'locale'.*did you mean local\?.*sky\.executors"):
        registry.load("locale")


def test_a_missing_package_names_the_extra_or_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_entry_points", lambda: {"mars": "no_such_package.mars:executor"})
    with pytest.raises(UserError, match=r"no_such_package'.*what brings no_such_package\.mars"):
        registry.load("mars")
    monkeypatch.setattr(registry, "BUILT_IN", {"mars": "no_such_package.mars:executor"})
    with pytest.raises(UserError, match=r"no_such_package.*extra \[mars\]"):
        registry.load("mars")


def test_a_registered_executor_is_known_until_taken_back(tmp_path: Path) -> None:
    registry.register("mars", lambda: executor("mars", tmp_path, Script()))
    try:
        assert registry.load("mars").name == "mars"
        assert "mars" in registry.names()
    finally:
        registry.unregister("mars")
    assert "mars" not in registry.names()
