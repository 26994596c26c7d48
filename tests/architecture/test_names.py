"""Names: what packages export, what files are called, and words that belong elsewhere."""

from __future__ import annotations

import ast
import importlib
import io
import re
import tokenize
from pathlib import PurePosixPath
from types import ModuleType

import pytest

from tests.architecture.source_tree import ROOT, Module, files, modules

PACKAGE_FILES = [module for module in modules() if module.is_package]
NO_NOUN = {"common", "helper", "helpers", "misc", "util", "utils"}
CLOUDS = {"aws", "azure", "gcp", "kubernetes", "nebius", "runpod", "slurm", "ssh"}


@pytest.mark.parametrize("module", PACKAGE_FILES, ids=lambda module: module.name)
def test_a_package_exports_exactly_its_all(module: Module) -> None:
    package = importlib.import_module(module.name)
    exported = getattr(package, "__all__", None)
    assert exported is not None, f"{module.path} defines no __all__"
    assert len(exported) == len(set(exported))
    children = {other.name for other in modules()}
    missing = [
        name for name in exported if f"{module.name}.{name}" not in children and not hasattr(package, name)
    ]
    assert missing == []
    assert {name for name in _defined(module.tree()) if not name.startswith("_")} <= set(exported)


def _defined(tree: ast.Module) -> set[str]:
    """Names that the top level of a file defines; mypy keeps what it imports for itself private."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def test_no_module_of_sky_hides_a_public_name() -> None:
    """Importing ``sky.launch`` the module would put it in the place of ``sky.launch`` the function."""
    sky = importlib.import_module("sky")
    children = {module.name.split(".")[1] for module in modules("sky") if module.name.count(".") == 1} & set(
        sky.__all__
    )
    hidden = [name for name in sorted(children) if not isinstance(getattr(sky, name), ModuleType)]
    assert hidden == []


def test_every_file_is_named_after_a_noun() -> None:
    assert [path for path in files() if PurePosixPath(path).stem in NO_NOUN] == []


@pytest.mark.parametrize("module", modules("solver"), ids=lambda module: module.path)
def test_the_solver_names_no_cloud(module: Module) -> None:
    source = (ROOT / module.path).read_text(encoding="utf-8")
    found = [
        f"{module.path}:{token.start[0]} {word}"
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        for word in re.findall(r"[A-Za-z]+", token.string)
        if word.lower() in CLOUDS or word == "Lambda"
    ]
    assert found == []


def test_only_the_command_line_and_the_agent_print() -> None:
    found = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        if not module.path.startswith(("sky/cli/", "executors/agent/"))
        for node in ast.walk(module.tree())
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert found == []


def test_no_file_names_the_machine_it_was_written_on() -> None:
    """Absolute paths of a developer's machine mean nothing on the reader's."""
    places = "|".join(["work", "root", "opt/venv", "tmp/" + "spec"])
    pattern = re.compile(rf"(?<![\w./$}}])/({places})(?![\w-])|\.py" + "env")
    found = []
    for path in files():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path}:{text.count(chr(10), 0, hit.start()) + 1} {hit[0]}" for hit in pattern.finditer(text)
        ]
    assert found == []


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.path)
def test_everything_public_has_a_docstring(module: Module) -> None:
    tree = module.tree()
    bare = [] if ast.get_docstring(tree) else [module.path]
    todo: list[tuple[str, ast.AST]] = [("", tree)]
    while todo:
        prefix, parent = todo.pop()
        for node in ast.iter_child_nodes(parent):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None and not _is_overload(node):
                bare.append(f"{module.path}:{node.lineno} {prefix}{node.name}")
            if isinstance(node, ast.ClassDef):
                todo.append((f"{prefix}{node.name}.", node))
    assert bare == []


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Overloads and property setters share the docstring of their first definition."""
    return any(
        ast.unparse(decorator).endswith(("overload", ".setter", ".deleter"))
        for decorator in node.decorator_list
    )
