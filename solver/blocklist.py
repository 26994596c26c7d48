"""Blocklist: which offers the given scopes take away, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from catalog.offer import Market
from catalog.scope import Scope
from solver.columns import Columns, Ints, Mask

_TEXT_FIELDS = ("instance_type", "zone", "region", "accelerator", "cloud")
"""The narrowest first."""

_COUNT = "accelerator_count_milli"


_FEW = 4
"""So many scopes, or fewer, are looked up one by one, each field among what the fields before have left."""


def added(before: Sequence[Scope], now: Sequence[Scope]) -> Sequence[Scope] | None:
    """Return the scopes of ``now`` that are not in ``before``; ``None`` if one of ``before`` is gone."""
    if now[: len(before)] == before:
        return now[len(before) :]
    return None if set(before) - set(now) else [*set(now) - set(before)]


def blocked(
    columns: Columns, market: Market | None, scopes: Iterable[Scope], rows: Ints | None = None
) -> Mask:
    """Return which ``rows`` (all if not given), sold on ``market``, lie inside any of ``scopes``.

    Without a ``market``, only the scopes of all markets count. Scopes that set the same fields are looked up
    together, so many cost hardly more than a few.
    """
    size = len(columns) if rows is None else len(rows)
    mask = np.zeros(size, dtype=bool)
    for fields, alike in _alike(market, scopes).items():
        if len(alike) <= _FEW:
            for scope in alike:
                mask[_inside(columns, fields, scope, rows)] = True
            continue
        number, wanted = _numbers(columns, fields, alike, rows)
        mask |= np.broadcast_to(np.isin(number, wanted[wanted >= 0]), size)
    return mask


def least_inside(
    columns: Columns, market: Market, scopes: Sequence[Scope], rows: Ints, values: Ints
) -> dict[Scope, int]:
    """Return the least of the ``values`` of those ``rows``, sold on ``market``, that lie inside each scope.

    Scopes that hold none of them are left out.
    """
    found: dict[Scope, int] = {}
    for fields, alike in _alike(market, scopes).items() if len(rows) else ():
        number, wanted = _numbers(columns, fields, alike, rows)
        known, at = np.unique(np.broadcast_to(number, len(rows)), return_inverse=True)
        least = np.full(len(known), np.iinfo(np.int64).max)
        np.minimum.at(least, at, values)
        position = np.searchsorted(known, wanted).clip(max=len(known) - 1)
        held = known[position] == wanted
        found.update(
            (scope, int(least[where]))
            for scope, where, holds in zip(alike, position.tolist(), held.tolist(), strict=True)
            if holds
        )
    return found


def _inside(columns: Columns, fields: tuple[str, ...], scope: Scope, rows: Ints | None) -> Ints:
    """Return the positions in ``rows`` (all if not given) of those that lie inside ``scope``."""
    at: Ints = np.arange(len(columns) if rows is None else len(rows))
    for field in fields:
        wanted = getattr(scope, field)
        values = columns.value[field] if field == _COUNT else columns.code[field]
        code = wanted if field == _COUNT else columns.code_of(field, wanted)
        at = at[values[at if rows is None else rows[at]] == code]
    return at


def _alike(market: Market | None, scopes: Iterable[Scope]) -> dict[tuple[str, ...], list[Scope]]:
    """Return the scopes that hold offers of ``market``, by the fields that they set."""
    alike: dict[tuple[str, ...], list[Scope]] = {}
    for scope in scopes:
        if scope.market in (None, market):
            fields = tuple(f for f in (*_TEXT_FIELDS, _COUNT) if getattr(scope, f) is not None)
            alike.setdefault(fields, []).append(scope)
    return alike


def _numbers(
    columns: Columns, fields: tuple[str, ...], scopes: Sequence[Scope], rows: Ints | None
) -> tuple[Ints, Ints]:
    """Return the values in ``fields`` read as one number, of rows and of scopes (-1 for what no row has)."""
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
    return number, np.where(known, wanted, -1)
