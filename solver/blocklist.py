"""Blocklist: which offers the given scopes take away."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from catalog.offer import Market
from catalog.scope import Scope
from solver.columns import Columns, Mask

_TEXT_FIELDS = ("cloud", "region", "zone", "instance_type", "accelerator")


def blocked(columns: Columns, market: Market, scopes: Iterable[Scope]) -> Mask:
    """Return which rows, sold on ``market``, lie inside any of ``scopes``."""
    mask = np.zeros(len(columns), dtype=bool)
    for scope in scopes:
        if scope.market in (None, market):
            mask |= _inside(columns, scope)
    return mask


def _inside(columns: Columns, scope: Scope) -> Mask:
    inside = np.ones(len(columns), dtype=bool)
    for field in _TEXT_FIELDS:
        wanted = getattr(scope, field)
        if wanted is not None:
            inside &= columns.equals(field, wanted)
    if scope.accelerator_count_milli is not None:
        inside &= columns.value["accelerator_count_milli"] == scope.accelerator_count_milli
    return inside
