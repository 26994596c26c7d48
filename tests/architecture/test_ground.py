"""The ground: metadata, lock, scripts and README agree with each other and with the code."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.architecture.source_tree import ROOT, files, imports, modules

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8")
SCRIPTS = [path for path in files() if path.startswith("scripts/")]

# Import name -> distribution name, where they differ.
DISTRIBUTION = {
    "botocore": "boto3",
    "google": "google-auth",
    "websocket": "websocket-client",
    "yaml": "pyyaml",
}


def _names(requirements: list[Any]) -> set[str]:
    return {re.split(r"[\[<>=! ]", each)[0].lower() for each in requirements if isinstance(each, str)}


def test_the_lock_pins_every_dependency_with_hashes_and_names_no_index() -> None:
    wanted = _names(PROJECT["project"]["dependencies"]) | _names(PROJECT["dependency-groups"]["dev"])
    pinned = set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE))
    assert wanted - pinned == set()
    entries = re.split(r"^(?=[a-z])", LOCK, flags=re.MULTILINE)
    assert [entry.split()[0] for entry in entries if entry and "--hash=sha256:" not in entry] == []
    assert re.findall(r"://|--index|--find-links", LOCK) == []


def test_what_the_packages_import_is_declared() -> None:
    declared = _names(PROJECT["project"]["dependencies"])
    for extra in PROJECT["project"]["optional-dependencies"].values():
        declared |= _names(extra)
    ours = {"catalog", "executors", "sky", "solver"} | sys.stdlib_module_names
    tops = {found.target.split(".")[0] for module in modules() for found in imports(module)}
    assert {DISTRIBUTION.get(top, top) for top in tops - ours - {""}} - declared == set()


@pytest.mark.parametrize(
    "target",
    [
        *PROJECT["project"]["scripts"].values(),
        *(target for group in PROJECT["project"]["entry-points"].values() for target in group.values()),
    ],
)
def test_an_entry_point_leads_somewhere(target: str) -> None:
    module, _, name = target.partition(":")
    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_stops_at_the_first_failure(script: str) -> None:
    text = (ROOT / script).read_text(encoding="utf-8")
    assert text.startswith("#!/bin/sh\n")
    assert "\nset -eu\n" in text
    subprocess.run(["sh", "-n", script], cwd=ROOT, check=True)


def test_continuous_integration_runs_the_readme_s_own_test_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ (sh scripts/\S+)", readme, re.MULTILINE)
    assert commands == ["sh scripts/quickstart.sh", "sh scripts/test.sh"]
    assert f"check tests {commands[1]}\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [path for path in files() if path.endswith(".md")])
def test_a_link_between_pages_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []
