"""Outlook: what a launch is about to try, where it goes next if that refuses, what a race may cost more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sky.control.place import Place
    from solver.plan import Choice, Plan

MOST_RACERS = 16
SHOWN = 5
"""How many of the next choices are named."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The first places of a launch of cluster ``name``, best first (several race), and what follows.

    ``ahead`` are the next choices in the order in which they are tried where each refuses for itself alone;
    a refusal that holds for more skips what it covers. ``more`` is how many come after them, ``lately`` how
    many come last, since they refused earlier launches.
    """

    name: str
    num_nodes: int
    places: tuple[Place, ...]
    ahead: tuple[Choice, ...]
    more: int
    lately: int

    @property
    def plan(self) -> Plan:
        """The plan of the best place, with ``ahead`` as its alternatives."""
        plan = self.places[0].plan
        (task,) = plan.tasks
        return replace(plan, tasks=(replace(task, alternatives=self.ahead),))

    @property
    def overspend_micro_usd(self) -> int:
        """What an hour of the race costs above the best place alone, all nodes counted; 0 without a race."""
        return self.num_nodes * sum(place.offer.price_micro_usd for place in self.places[1:])
