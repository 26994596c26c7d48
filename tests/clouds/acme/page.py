"""The package of docs/adding_an_executor.md: its files as they stand on the page, and how it is installed."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "adding_an_executor.md"
_FILE = re.compile(r"^`([\w/.]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ENTRY_POINTS = re.compile(r'^\[project\.entry-points\."([\w.]+)"\]\n((?:\w+ = ".*"\n)+)', re.MULTILINE)


def files() -> dict[str, str]:
    """Return path -> content of every file on the page."""
    return dict(_FILE.findall(PAGE.read_text("utf-8")))


def install(folder: Path) -> None:
    """Write the package into ``folder`` as pip would into a site of its own: files, and entry points."""
    for path, content in files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, "utf-8")
    groups = _ENTRY_POINTS.findall(files()["pyproject.toml"])
    info = folder / "skysolve_acme-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: skysolve-acme\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(
        "\n".join(f"[{group}]\n{points}" for group, points in groups).replace('"', "")
    )
