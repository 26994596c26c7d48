"""Offers that cost nothing more, since their machines are paid for already."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from catalog.arrays import array_of
from catalog.query import mask_equal, present, view
from catalog.schema import OFFERS
from catalog.scope import Scope

if TYPE_CHECKING:
    import pyarrow as pa

_FIELDS = ("cloud", "region", "zone", "instance_type")
_PRICE = "price_micro_usd"


def without_price(table: pa.Table, places: Iterable[Scope]) -> pa.Table:
    """Return ``table`` with the on-demand price 0 in ``places``: each an instance type in a cloud's zone."""
    prices = view(table, _PRICE).copy()
    for place in places:
        masks = [mask_equal(table, name, getattr(place, name)) for name in _FIELDS]
        prices[reduce(np.logical_and, masks)] = 0
    field = OFFERS.field(_PRICE)
    column = array_of(prices, field.type, present(table, _PRICE))
    return table.set_column(table.schema.get_field_index(_PRICE), field, column)
