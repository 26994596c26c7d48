"""Blocklist: which offers the given scopes take away."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from catalog.offer import Market
from catalog.scope import Scope
from solver.columns import Columns, Ints, Mask

_TEXT_FIELDS = ("cloud", "region", "zone", "instance_type", "accelerator")
_COUNT = "accelerator_count_milli"


def blocked(columns: Columns, market: Market, scopes: Iterable[Scope], rows: Ints | None = None) -> Mask:
    """Return which ``rows`` (all if not given), sold on ``market``, lie inside any of ``scopes``.

    Scopes that set the same fields are looked up together, so many cost hardly more than one.
    """
    alike: dict[tuple[str, ...], list[Scope]] = {}
    for scope in scopes:
        if scope.market in (None, market):
            fields = tuple(f for f in (*_TEXT_FIELDS, _COUNT) if getattr(scope, f) is not None)
            alike.setdefault(fields, []).append(scope)
    mask = np.zeros(len(columns) if rows is None else len(rows), dtype=bool)
    for fields, of_fields in alike.items():
        mask |= _inside(columns, fields, of_fields, rows)
    return mask


def _inside(columns: Columns, fields: tuple[str, ...], scopes: list[Scope], rows: Ints | None) -> Mask:
    """Return which rows agree with any scope in all ``fields``, each row's values read as one number."""
    number: Ints = np.zeros(1, dtype=np.int64)
    wanted: Ints = np.zeros(len(scopes), dtype=np.int64)
    known = np.ones(len(scopes), dtype=bool)
    for field in fields:
        text = field != _COUNT
        values = columns.code[field] if text else columns.value[field]
        codes = [
            columns.code_of(field, getattr(scope, field)) if text else getattr(scope, field)
            for scope in scopes
        ]
        size = int(values.max(initial=0)) + 1
        asked = np.array(codes, dtype=np.int64)
        known &= (asked >= 0) & (asked < size)
        number = number * size + (values if rows is None else values[rows])
        wanted = wanted * size + np.clip(asked, 0, size - 1)
    inside: Mask = np.isin(number, wanted[known])
    return np.broadcast_to(inside, len(columns) if rows is None else len(rows))
