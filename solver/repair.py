"""Repair: after a loss, the best plan anew and its proof, from the tasks around the loss alone.

What was proven of the rest still holds. Let the last plan cost less than any other, and the new one differ
from it at some tasks only. If every plan that costs no more than the new one agrees with it at those tasks
and at their neighbours, then there is no such plan but itself; ``docs/model.md`` has the proof.
"""

from __future__ import annotations

from dataclasses import dataclass

from solver.columns import Ints, Mask
from solver.dual_ascent import Duals, Floors
from solver.grid import NEVER
from solver.problem import Problem
from solver.rings import Rings

_SIZES = (40, 120)
"""At least so many tasks around the loss are looked at: more where fewer prove nothing."""

_HOPELESS = 0.5
"""A gap of more than this share of what the loss costs is not ruled out: more tasks have to be looked at."""

_ENOUGH = 0.2
"""A gap of less than this share of what the loss costs is soon ruled out."""

_FEWER = 0.9
"""Cells are ruled out as long as each time leaves less than this share of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Repaired:
    """The ``choice`` that costs least, alone, where it is ``proven``; and where the next ascent may start."""

    choice: Ints
    proven: bool
    duals: Duals
    floors: Floors


def repaired(problem: Problem, choice: Ints, lost: Mask, cost: int, duals: Duals, floors: Floors) -> Repaired:
    """Return ``choice``, the last plan's, without its candidates that are gone at the tasks ``lost``.

    The last plan must have cost less than any other, ``cost``; ``duals`` and ``floors`` are of then.
    """
    for size in _SIZES:
        rings = Rings(problem, choice, lost, duals, floors, size)
        if not rings.known:
            break
        _climb(rings, cost)
        duals, floors = rings.duals, rings.floors
        if rings.is_all or rings.gap <= _HOPELESS * (rings.cost - cost):
            found = _rule_out(rings)
            if found is not None:
                return Repaired(found, True, duals, floors)
        if rings.is_all:
            break
    return Repaired(choice, False, duals, floors)


def _climb(rings: Rings, cost: int) -> None:
    """Raise the bound as long as there is hope, there is more to gain, and it halves the gap to the plan."""
    rings.inward()
    rings.look()
    if rings.gap > _HOPELESS * (rings.cost - cost) and not rings.is_all:
        return
    before = NEVER
    while not rings.near and rings.gap > _ENOUGH * (rings.cost - cost) and 2 * rings.gap <= before:
        before = rings.gap
        rings.outward()
        rings.inward()
    if before < NEVER:
        rings.look()


def _rule_out(rings: Rings) -> Ints | None:
    """Rule out what costs more than the best plan so far, and return what alone is left."""
    before = NEVER
    while rings.open < _FEWER * before:
        before = rings.open
        rings.outward(rings.cost)
        found = rings.only_choice()
        if found is None:
            rings.inward(rings.cost)
            found = rings.only_choice()
        if found is not None:
            return found
        if not rings.near:
            rings.look()
    return None
