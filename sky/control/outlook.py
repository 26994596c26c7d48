"""Outlook: what a launch is about to try, where it goes next if that refuses, what a race may cost more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.scope import Scope
    from sky.control.place import Place
    from sky.control.places import Places
    from solver.plan import Plan

MOST_RACERS = 16
SHOWN = 5
"""How many of the next choices are named."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The first places of a launch of cluster ``name``, best first (several race), and what follows.

    The alternatives of ``plan``, which is that of the best place, are the next choices in the order in which
    they are tried where each refuses for itself alone; ``more`` is how many come after them. A refusal that
    holds for more skips what it covers.
    """

    name: str
    num_nodes: int
    places: tuple[Place, ...]
    plan: Plan
    more: int

    @classmethod
    def of(
        cls, name: str, num_nodes: int, places: Sequence[Place], known: Places, blocks: Sequence[Scope]
    ) -> Outlook:
        """Look ahead of ``places`` among all that are ``known``; ``blocks`` hold the former already."""
        plan = places[0].plan
        (task,) = plan.tasks
        ahead = known.order(blocks, SHOWN, task.alternatives)
        more = known.count([*blocks, *known.scopes(ahead)])
        plan = replace(plan, tasks=(replace(task, alternatives=tuple(ahead)),))
        return cls(name, num_nodes, tuple(places), plan, more)

    @property
    def overspend_micro_usd(self) -> int:
        """What an hour of the race costs above the best place alone, all nodes counted; 0 without a race."""
        return self.num_nodes * sum(place.offer.price_micro_usd for place in self.places[1:])
