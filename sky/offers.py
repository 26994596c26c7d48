"""The offers that plans and lists are made of: the snapshot in use, under the user's overlay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from catalog import history
from catalog.overlay import MARK
from catalog.schema import KEY
from catalog.store import Snapshot, open_snapshot
from catalog.units import format_usd
from sky import overlay_file

if TYPE_CHECKING:
    import pyarrow as pa

    from catalog.overlay import Effect, Overlay
    from solver.plan import Choice, Placement, Plan


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """A table of offers in the catalog's schema, the snapshot that it is of, and what the overlay did."""

    snapshot: Snapshot
    table: pa.Table
    effects: tuple[Effect, ...] = ()

    def with_volatility(self) -> pa.Table:
        """Return the table with how restless each spot price has been (``catalog.volatility``)."""
        return _with_volatility(self, history.files())

    def notes(self, *, moving: bool = False) -> list[str]:
        """Return what a plan has to say of the offers: what the overlay did, and that no history is there.

        The latter where prices are to count as ``moving``.
        """
        still = "no refresh has been made here, so no spot price is known to move (sky catalog refresh)"
        return [*self._of_overlay(), *([still] if moving and not history.files() else [])]

    def _of_overlay(self) -> list[str]:
        """Return what it changed in all, and rules that do nothing."""
        if not self.effects:
            return []
        repriced = sum(effect.repriced for effect in self.effects)
        excluded = sum(effect.excluded for effect in self.effects)
        idle = [effect.label for effect in self.effects if not effect.matched]
        counts = f"{repriced:,} prices are your own, {excluded:,} offers are left out"
        return [f"{overlay_file.path()}: {counts}", *(f"{label} is about no offer at all" for label in idle)]

    def remarked(self, plan: Plan) -> Plan:
        """Return ``plan`` with a note on every task whose price is the user's own."""
        if not any(task.source and task.source.endswith(MARK) for task in plan.tasks):
            return plan
        return replace(plan, tasks=tuple(self._remarked(task) for task in plan.tasks))

    def _remarked(self, task: Placement) -> Placement:
        if not task.source or not task.source.endswith(MARK):
            return task
        listed = self._list_price(task.choice)
        note = f"{format_usd(task.choice.price_micro_usd_per_hour)} an hour is your own price"
        note += f", the list says {format_usd(listed)}" if listed is not None else ", no list has one"
        return replace(task, notes=(*task.notes, note))

    def _list_price(self, choice: Choice) -> int | None:
        """Return what the snapshot says of the same offer."""
        from catalog.query import mask_equal, rows

        table = self.snapshot.table
        found = mask_equal(table, "accelerator_count_milli", choice.accelerator_count_milli)
        for column in KEY[:-1]:
            found &= mask_equal(table, column, getattr(choice, column) or "")
        column = "spot_price_micro_usd" if choice.use_spot else "price_micro_usd"
        prices = [table[column][int(row)].as_py() for row in rows(found)]
        return prices[0] if prices else None


def offers_in_use() -> Offers:
    """Return the offers of now; the same object for as long as neither snapshot nor overlay changes.

    Raises ``CatalogError`` on a bad snapshot, ``SpecError`` on a bad overlay.
    """
    return _laid_over(open_snapshot(), overlay_file.read())


@lru_cache(maxsize=4)
def _with_volatility(offers: Offers, _history: tuple[Path, ...]) -> pa.Table:
    from catalog.volatility import with_spot_volatility

    return with_spot_volatility(offers.table)


@lru_cache(maxsize=4)
def _laid_over(snapshot: Snapshot, overlay: Overlay) -> Offers:
    if not overlay:
        return Offers(snapshot, snapshot.table)
    table, effects = overlay.apply(snapshot.table)
    return Offers(snapshot, table, effects)
