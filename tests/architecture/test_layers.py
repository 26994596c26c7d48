"""Facts flow one way: sky -> solver, executors -> catalog; SDKs stay in their folders; no cycles."""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.source_tree import AGENT, PACKAGES, ROOT, imports, modules

BELOW = {
    "catalog": frozenset[str](),
    "solver": frozenset({"catalog"}),
    "executors": frozenset({"catalog"}),
    "sky": frozenset({"catalog", "solver", "executors"}),
}

# Room of sky -> the modules of sky that it may import beside its own.
ROOMS = {
    "sky/fields/": frozenset({"sky.clouds", "sky.config", "sky.exceptions"}),
    "sky/control/": frozenset(
        {
            *(
                "sky.clouds",
                "sky.config",
                "sky.dag",
                "sky.exceptions",
                "sky.optimizer",
                "sky.planner",
                "sky.price",
            ),
            *("sky.fields", "sky.resources", "sky.statuses", "sky.task"),
        }
    ),
}

# Library -> the only folders whose files may import it.
CONFINED = {
    "ortools": ("solver/",),
    "boto3": ("executors/aws/", "catalog/sources/aws"),
    "botocore": ("executors/aws/", "catalog/sources/aws"),
    "google": ("executors/gcp/", "catalog/sources/gcp"),
    "ijson": ("catalog/sources/",),
    "requests": ("executors/gcp/", "catalog/sources/http.py"),
    "urllib3": ("catalog/sources/http.py",),
    "websocket": ("executors/kubernetes/",),
    "asyncssh": ("executors/sync/", "executors/transports/"),
    "peewee": ("sky/",),
    "click": ("sky/cli/",),
    "rich": ("sky/cli/",),
}

# Library -> why nobody imports it. Each costs more than the rest of a command together.
BANNED = {
    "pandas": "Arrow tables do the same without its second of import",
    "pyarrow.dataset": "it imports pandas where pandas is installed",
    "pyarrow.pandas_compat": "it imports pandas",
    "ortools.sat.python.cp_model": "it imports pandas; bind cp_model_helper",
    "pickle": "values travel as JSON",
}

# Modules newer than the oldest Python that a node may have.
NEWER_THAN_NODES = {"graphlib", "tomllib", "zoneinfo"}


def _within(target: str, library: str) -> bool:
    return target == library or target.startswith(library + ".")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_those_below_it(package: str) -> None:
    forbidden = (set(PACKAGES) - {package} - BELOW[package]) | {"tests", "bench"}
    wrong = [
        f"{module.path}:{found.line} imports {found.target}"
        for module in modules(package)
        for found in imports(module)
        if found.target.split(".")[0] in forbidden
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_sky_imports_only_what_it_may(room: str) -> None:
    own = room.rstrip("/").replace("/", ".")
    wrong = [
        f"{module.path}:{found.line} imports {found.target}"
        for module in modules("sky")
        if module.path.startswith(room)
        for found in imports(module)
        if _within(found.target, "sky") and not any(_within(found.target, may) for may in {own, *ROOMS[room]})
    ]
    assert wrong == []


def test_a_library_stays_in_its_folder() -> None:
    wrong = [
        f"{module.path}:{found.line} imports {found.target}; only {', '.join(folders)} may"
        for module in modules()
        for found in imports(module)
        for library, folders in CONFINED.items()
        if _within(found.target, library) and not module.path.startswith(folders)
    ]
    assert wrong == []


def test_nobody_imports_what_costs_too_much() -> None:
    wrong = [
        f"{module.path}:{found.line} imports {found.target}: {why}"
        for module in modules()
        for found in imports(module)
        for library, why in BANNED.items()
        if _within(found.target, library)
    ]
    assert wrong == []


def test_the_agent_imports_the_standard_library_alone() -> None:
    old = sys.stdlib_module_names - NEWER_THAN_NODES
    wrong = [
        f"{module.path}:{found.line} imports {found.target}"
        for module in modules("executors")
        if module.path.startswith(AGENT)
        for found in imports(module)
        if found.target.split(".")[0] not in old and not _within(found.target, "executors.agent")
    ]
    assert wrong == []


def test_the_agent_is_written_in_the_syntax_of_python_3_8() -> None:
    for module in modules("executors"):
        if module.path.startswith(AGENT):
            ast.parse((ROOT / module.path).read_text(encoding="utf-8"), module.path, feature_version=(3, 8))


def test_modules_import_each_other_without_a_cycle() -> None:
    known = {module.name for module in modules()}

    def resolve(target: str) -> str | None:
        while target and target not in known:
            target = target.rpartition(".")[0]
        return target or None

    graph = {
        module.name: {
            name
            for found in imports(module)
            if found.at_import and (name := resolve(found.target)) and name != module.name
        }
        for module in modules()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("import cycle: " + " <- ".join(error.args[1]))
