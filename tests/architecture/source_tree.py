"""The checkout as the architecture tests read it: its files, its modules, and who imports whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pathspec

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("catalog", "executors", "sky", "solver")
AGENT = "executors/agent/"


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file: its path from the root and its dotted name."""

    path: str
    name: str

    def tree(self) -> ast.Module:
        """The file's syntax tree, parsed anew: all of them, kept, slow each garbage collection of the run."""
        return ast.parse((ROOT / self.path).read_text(encoding="utf-8"), self.path)

    @property
    def is_package(self) -> bool:
        return self.path.endswith("__init__.py")

    @property
    def package(self) -> str:
        """The package that relative imports in this file start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Import:
    """One imported dotted name, its line, and whether importing the file runs it."""

    target: str
    line: int
    at_import: bool


@cache
def files() -> tuple[str, ...]:
    """Every file of the checkout that .gitignore does not leave out, as a posix path from the root."""
    ignored = pathspec.GitIgnoreSpec.from_lines([*(ROOT / ".gitignore").read_text().splitlines(), ".git"])

    def walk(folder: Path) -> Iterator[str]:
        for entry in sorted(folder.iterdir()):
            path = entry.relative_to(ROOT).as_posix()
            is_folder = entry.is_dir() and not entry.is_symlink()
            if ignored.match_file(path + "/" if is_folder else path):
                continue
            if is_folder:
                yield from walk(entry)
            elif entry.is_file():
                yield path

    return tuple(walk(ROOT))


@cache
def modules(*tops: str) -> tuple[Module, ...]:
    """Every module under the top-level folders named, the four packages when none is."""
    wanted = tuple(f"{top}/" for top in tops or PACKAGES)
    return tuple(
        Module(path, dotted(path)) for path in files() if path.endswith(".py") and path.startswith(wanted)
    )


def dotted(path: str) -> str:
    """``catalog/units.py`` is ``catalog.units``; a package's ``__init__.py`` is the package."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def imports(module: Module) -> tuple[Import, ...]:
    """Every import in the file except those for the type checker alone."""

    def visit(node: ast.AST, at_import: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, at_import)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, at_import)
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            for child in node.orelse:
                yield from visit(child, at_import)
        else:
            inside = at_import and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for child in _statements(node):
                yield from visit(child, inside)

    return tuple(visit(module.tree(), True))


def functions(module: Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function with its qualified name, nested ones too."""

    def visit(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for child in _statements(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield prefix + child.name, child
            name = f"{prefix}{child.name}." if isinstance(child, _NAMED) else prefix
            yield from visit(child, name)

    yield from visit(module.tree(), "")


_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """What stands directly in ``node`` and may hold an import or a function, which no expression does."""
    return (child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
