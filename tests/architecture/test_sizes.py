"""Files and functions stay small. The allow-list below may only shrink."""

from __future__ import annotations

import ast
from functools import cache

from tests.architecture.source_tree import ROOT, functions, modules

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

# What is larger than that today, with the size it may have at most: "path" or "path::function" -> lines.
ALLOWED: dict[str, int] = {}


@cache
def _sizes() -> dict[str, tuple[int, int]]:
    """Everything measured: name -> (lines, limit)."""
    sizes = {}
    for module in modules("bench", "catalog", "executors", "sky", "solver", "tests"):
        lines = len((ROOT / module.path).read_text(encoding="utf-8").splitlines())
        sizes[module.path] = (lines, MAX_FILE_LINES)
        for name, node in functions(module):
            sizes[f"{module.path}::{name}"] = (_lines(node), MAX_FUNCTION_LINES)
    return sizes


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body; a wide signature and a good docstring cost nothing."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (node.end_lineno or node.lineno) - body[0].lineno + 1 if body else 0


def test_nothing_outgrows_its_limit() -> None:
    large = {
        name: f"{lines} lines, at most {ALLOWED.get(name, limit)}"
        for name, (lines, limit) in _sizes().items()
        if lines > ALLOWED.get(name, limit)
    }
    assert large == {}


def test_the_allow_list_names_only_what_still_needs_it() -> None:
    sizes = _sizes()
    stale = [name for name in ALLOWED if name not in sizes or sizes[name][0] <= sizes[name][1]]
    assert stale == []
