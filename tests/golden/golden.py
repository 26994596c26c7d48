"""Comparison with kept output: ``UPDATE_GOLDEN=1`` writes it anew, for review in the diff."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

EXPECTED = Path(__file__).parent / "expected"


def check(name: str, text: str) -> None:
    """Assert that ``text`` is what ``expected/name`` holds."""
    path = EXPECTED / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"differs from {path}; UPDATE_GOLDEN=1 accepts it"


def shape(value: Any) -> Any:
    """Return ``value`` with its leaves replaced by their types' names, a list by its first item's shape."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__
