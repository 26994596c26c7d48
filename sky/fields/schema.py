"""Field tables for YAML mappings, and the one check that reads them.

A table maps each key to the kinds its value may have. ``checked`` refuses unknown keys with a hint and
values of another kind, and drops keys whose value is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from reprlib import repr as short
from typing import Any

from sky.exceptions import NullKeyError, SpecError
from sky.fields.suggest import did_you_mean


class Kind(Enum):
    """A kind of YAML value; the value is how a message names it."""

    TEXT = "text"
    INTEGER = "a whole number"
    NUMBER = "a number"
    FLAG = "true or false"
    MAPPING = "a mapping"
    LIST = "a list"


Table = Mapping[str, tuple[Kind, ...]]

_TYPES: dict[Kind, tuple[type, ...]] = {
    Kind.TEXT: (str,),
    Kind.INTEGER: (int,),
    Kind.NUMBER: (int, float),
    Kind.FLAG: (bool,),
    Kind.MAPPING: (dict,),
    Kind.LIST: (list, tuple),
}


def is_kind(value: object, kind: Kind) -> bool:
    """Return whether ``value`` is of that kind; true and false are not numbers."""
    if isinstance(value, bool):
        return kind is Kind.FLAG
    return isinstance(value, _TYPES[kind])


def checked(config: object, table: Table, what: str) -> dict[str, Any]:
    """Return a copy of ``config`` without its null values, once every key and kind agrees with ``table``.

    ``what`` names the mapping in messages (``"a task"``). Raises ``SpecError``, or ``NullKeyError`` for an
    unknown key whose value is null.
    """
    if not isinstance(config, Mapping):
        raise SpecError(f"{what} must be a mapping, not {type(config).__name__}")
    for key, value in config.items():
        _check_key(key, value, table, what)
        if value is not None and not any(is_kind(value, kind) for kind in table[key]):
            wanted = " or ".join(kind.value for kind in table[key])
            raise SpecError(f"must be {wanted}, not {short(value)}", key)
    return {key: value for key, value in config.items() if value is not None}


def _check_key(key: object, value: object, table: Table, what: str) -> None:
    if key in table:
        return
    error = NullKeyError if value is None else SpecError
    hint = did_you_mean(str(key), table) or f" Known fields: {', '.join(sorted(table))}."
    raise error(f"unknown field in {what}.{hint}", key if isinstance(key, str) else str(key))
