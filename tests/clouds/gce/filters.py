"""The filters of lists, as far as Compute Engine documents them: comparisons that all have to hold.

``name = x``, ``status != "DONE"``, ``labels.k=v``, ``labels.k:*``, and ``name eq REGEX``, which cannot be
combined with others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.clouds.gce.discovery import Invalid

_TERM = re.compile(r'\s*(?:AND\s+)?\(?\s*([\w.-]+?)\s*(!=|=|:|\beq\b|\bne\b)\s*("[^"]*"|[^\s()]+)\s*\)?\s*')


def matches(condition: str, thing: Mapping[str, Any]) -> bool:
    """Return whether ``thing`` is what the filter wants. Raises ``Invalid`` for what is no filter."""
    terms, position = [], 0
    while position < len(condition):
        found = _TERM.match(condition, position)
        if found is None:
            raise Invalid(f"Invalid value for field 'filter': '{condition}'. Invalid list filter expression.")
        terms.append(found.groups())
        position = found.end()
    if len(terms) > 1 and any(operator in {"eq", "ne"} for _, operator, _ in terms):
        raise Invalid("Invalid list filter expression: cannot combine constraints with regular expressions.")
    return all(_holds(field, operator, wanted.strip('"'), thing) for field, operator, wanted in terms)


def _holds(field: str, operator: str, wanted: str, thing: Mapping[str, Any]) -> bool:
    value = _value(field, thing)
    if operator == ":":
        return value is not None if wanted == "*" else wanted in (value or "")
    if operator in {"eq", "ne"}:
        return (re.fullmatch(wanted, value or "") is not None) == (operator == "eq")
    return (value == wanted) == (operator == "=")


def _value(field: str, thing: Mapping[str, Any]) -> str | None:
    found: Any = thing
    for part in field.split(".", 1):
        found = found.get(part) if isinstance(found, Mapping) else None
    return None if found is None else str(found)
