"""Listing: which instance types have which accelerators, and for how much, as plain rows.

A row is one (cloud, region, instance type, accelerator, count): of its zones it has the lowest prices.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalog.query import code, dictionary, mask_in, mask_range, rows, view

if TYPE_CHECKING:
    import pyarrow as pa

    from catalog.query import Mask

_KEY = ("accelerator", "accelerator_count_milli", "cloud", "region", "instance_type")


@dataclass(frozen=True, slots=True)
class Listed:
    """One instance type with accelerators, in one region; prices are micro-USD an hour of the whole node."""

    cloud: str
    region: str
    instance_type: str
    accelerator: str
    accelerator_count_milli: int
    accelerator_memory_mib: int
    vcpus_milli: int
    memory_mib: int
    price_micro_usd: int
    spot_price_micro_usd: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: by regular expressions found anywhere in a name, a count, clouds; all unless given."""

    name: re.Pattern[str] | None = None
    region: re.Pattern[str] | None = None
    count_milli: int | None = None
    clouds: Collection[str] | None = None

    def rows(self, table: pa.Table) -> Mask:
        """Return which rows of ``table`` have accelerators and are wanted."""
        found: Mask = view(table, "accelerator") != code(table, "accelerator", "")
        for column, pattern in (("accelerator", self.name), ("region", self.region)):
            if pattern is not None:
                named = [word for word in dictionary(table, column) if pattern.search(word)]
                found &= mask_in(table, column, named)
        if self.count_milli is not None:
            found &= mask_range(table, "accelerator_count_milli", self.count_milli, self.count_milli)
        if self.clouds is not None:
            found &= mask_in(table, "cloud", self.clouds)
        return found


def listed(table: pa.Table, wanted: Wanted) -> Iterator[Listed]:
    """Yield what is wanted of ``table``, by accelerator, count, price, spot price, cloud, type and region."""
    at = rows(wanted.rows(table))
    price = view(table, "price_micro_usd")[at]
    never = np.iinfo(np.int64).max
    spot = view(table, "spot_price_micro_usd", absent=never)[at]
    keys = [view(table, column)[at] for column in _KEY]
    order = np.lexsort([spot, price, *reversed(keys)])
    first = np.ones(len(at), np.bool_)
    first[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
    starts = np.flatnonzero(first)
    least_spot = np.minimum.reduceat(spot[order], starts) if len(starts) else spot[:0]
    accelerator, count, cloud, region, instance_type = (key[order][starts] for key in keys)
    chosen = at[order][starts]
    cheapest = np.lexsort(
        [region, instance_type, cloud, least_spot, price[order][starts], count, accelerator]
    )
    words = {
        column: dictionary(table, column) for column in ("accelerator", "cloud", "region", "instance_type")
    }
    figures = {
        column: view(table, column)[chosen].tolist()
        for column in ("accelerator_memory_mib", "vcpus_milli", "memory_mib", "price_micro_usd")
    }
    for row in cheapest.tolist():
        yield Listed(
            cloud=words["cloud"][cloud[row]],
            region=words["region"][region[row]],
            instance_type=words["instance_type"][instance_type[row]],
            accelerator=words["accelerator"][accelerator[row]],
            accelerator_count_milli=int(count[row]),
            spot_price_micro_usd=None if least_spot[row] == never else int(least_spot[row]),
            **{column: values[row] for column, values in figures.items()},
        )
