"""Search: what one launch knows of its places, those that refused it and those that refused others lately."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from catalog.offer import Market
from catalog.scope import Scope
from executors.errors import AuthError, OutOfCapacity
from sky.control import shortages
from sky.control.outlook import SHOWN, Outlook
from sky.control.place import Place, scope_text
from sky.control.places import Places
from sky.control.records import Attempt
from sky.control.refusals import Refusal
from sky.control.state import Store
from sky.exceptions import ResourcesUnavailableError
from sky.statuses import OptimizeTarget

if TYPE_CHECKING:
    from sky.task import Task
    from solver.plan import Plan
    from solver.request import Risk


class Search:
    """The places of one task, less what refused.

    ``refusals`` are all that this launch met. Shortages that earlier launches met count as refusals until
    nothing else fits; then they give way, the least certain first, so that an old one never fails a launch.
    """

    def __init__(self, store: Store, task: Task, target: OptimizeTarget, risk: Risk | None = None) -> None:
        self._store, self._task, self._target, self._risk = store, task, target, risk
        self._places = Places.of(task, target, risk)
        self._least = self._met(shortages.in_force(store))
        self._shortages = list(self._least)
        self._given_way: list[str] = []
        self._round: list[Refusal] = []
        self.refusals: list[Refusal] = []

    def best(self, count: int = 1) -> list[Place]:
        """Return up to ``count`` of the best places left. Raises ``ResourcesUnavailableError`` for none."""
        found = [self._first()]
        with suppress(ResourcesUnavailableError):
            while len(found) < count:
                found.append(self._places.best(self._blocks(self._shortages, found)))
        return found

    def outlook(self, name: str, places: Sequence[Place]) -> Outlook:
        """Return what is ahead of a launch of cluster ``name`` that begins with ``places``."""
        blocks = self._blocks(self._shortages, places)
        ahead = self._places.order(blocks, SHOWN, places[0].plan.tasks[0].alternatives)
        left = self._places.count(blocks)
        return Outlook(
            name=name,
            num_nodes=self._task.num_nodes,
            places=tuple(places),
            ahead=tuple(ahead),
            more=self._places.count([*blocks, *self._places.scopes(ahead)]),
            lately=self._places.count(self._blocks([], places)) - left,
        )

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Leave out what ``refusals`` speak of. Where a reservation was one, look at what is left of them."""
        self.refusals += refusals
        self._round += refusals
        if any(refusal.offer.key.market is Market.RESERVED for refusal in refusals):
            self._places = Places.of(self._task, self._target, self._risk)

    @property
    def scarce(self) -> list[Refusal]:
        """The refusals, since this launch last started over, for want of capacity, which time may mend."""
        return [refusal for refusal in self._round if isinstance(refusal.error, OutOfCapacity)]

    def start_over(self) -> None:
        """Look around again and forget what time may have mended.

        Refused credentials count to the end of the launch, a quota as long as its error says.
        """
        now = self._store.now()
        self._places = Places.of(self._task, self._target, self._risk)
        self._round = [
            refusal
            for refusal in self._round
            if isinstance(refusal.error, AuthError)
            or (not isinstance(refusal.error, OutOfCapacity) and refusal.at + refusal.error.ttl_s > now)
        ]

    @property
    def gave_way(self) -> bool:
        """Whether the last best place is one that refused an earlier launch, as nothing else fits."""
        return bool(self._given_way)

    def _first(self) -> Place:
        self._given_way = []
        try:
            place = self._places.best(self._blocks(self._shortages))
        except ResourcesUnavailableError:
            if not self._shortages:
                raise
            self._give_way()
            place = self._places.best(self._blocks(self._shortages))
        notes = (*place.plan.notes, *self._given_way, *self._notes(place.plan))
        return dataclasses.replace(place, plan=dataclasses.replace(place.plan, notes=notes))

    def _give_way(self) -> None:
        """Drop the least certain shortages that leave a place to try; of those, keep what need not go."""

        def fits(shortages_left: Sequence[Attempt]) -> bool:
            return self._places.count(self._blocks(shortages_left)) > 0

        known, self._shortages = self._shortages, []
        if not fits([]):
            return
        last = bisect_left(range(len(known)), True, key=lambda at: fits(known[at + 1 :]))
        others = [*known[:last], *known[last + 1 :]]
        self._shortages = others if fits(others) else known[last + 1 :]
        gone = scope_text(known[last].scope)
        self._given_way = [f"nothing else fits, so {gone}, which refused earlier, is tried again"]

    def _blocks(self, shortages_left: Sequence[Attempt], taken: Sequence[Place] = ()) -> list[Scope]:
        return [
            *(refusal.scope for refusal in self._round),
            *(attempt.scope for attempt in shortages_left),
            *(place.scope for place in taken),
        ]

    def _notes(self, plan: Plan) -> list[str]:
        """Return what is left out although it would be no worse than ``plan``, the best first."""
        chosen = plan.tasks[0].choice
        value = chosen.cost_micro_usd if self._target is OptimizeTarget.COST else chosen.time_s
        better = [attempt for attempt in self._shortages if self._least[attempt] <= value]
        return shortages.notes(sorted(better, key=self._least.__getitem__), self._store.now())

    def _met(self, known: Sequence[Attempt]) -> dict[Attempt, int]:
        """Return the shortages that this task meets, each with the least of what is minimized in its scope.

        One of more nodes says nothing about fewer.
        """
        near = [attempt for attempt in known if attempt.num_nodes <= self._task.num_nodes]
        least = self._places.least_of([attempt.scope for attempt in near])
        return {attempt: value for attempt, value in zip(near, least, strict=True) if value is not None}
