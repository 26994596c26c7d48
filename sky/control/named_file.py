"""A file of the user's that maps names to mappings: pools of hosts, Slurm clusters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sky.exceptions import SpecError, within
from sky.fields import yaml_text

_T = TypeVar("_T")


def read_named(path: Path, what: str, example: str, read_one: Callable[[str, object], _T]) -> dict[str, _T]:
    """Return what ``read_one(name, config)`` makes of each entry, in the file's order; none without a file.

    ``what`` the entries are, in the plural, and an ``example`` go into messages. Raises ``SpecError`` with
    the place in the file.
    """
    document = yaml_text.read_one(path, what.rpartition(" ")[2])
    if document is None:
        return {}
    found = {}
    with document.locating():
        if not isinstance(document.value, dict):
            raise SpecError(f"is a mapping of {what}, for example:\n{example}")
        for name, config in document.value.items():
            with within(str(name)):
                found[str(name)] = read_one(str(name), config)
    return found
