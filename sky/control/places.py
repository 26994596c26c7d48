"""Places: where one task may go now, best first."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.offer import Offer
from catalog.scope import Scope
from catalog.units import format_usd
from sky.control.place import Place, offer_of, offer_scope
from sky.control.placement import LOCAL, clouds_for, local_fit, wants_local
from sky.exceptions import ResourcesUnavailableError
from sky.statuses import OptimizeTarget

if TYPE_CHECKING:
    from sky.planner import Planner
    from sky.resources import Resources
    from sky.task import Task
    from solver.plan import Choice
    from solver.request import Risk

_OFFERS_NAMED = 4


@dataclass(frozen=True, slots=True)
class Places:
    """What the task may take on this machine (``here``), or else on enabled infra (``planner``).

    What is enabled, what the catalog holds and which owned nodes are free is asked once, when this is made.
    """

    task: Task
    here: Place | None
    planner: Planner | None
    disabled: tuple[str, ...] = ()

    @classmethod
    def of(cls, task: Task, target: OptimizeTarget, risk: Risk | None = None) -> Places:
        """Look around, once. ``risk`` is how that of spot counts, ``None`` for what the configuration says.

        Raises ``ResourcesUnavailableError`` where no cloud is enabled and this machine does not do.
        """
        clouds = clouds_for(task)
        if wants_local(task) or not clouds:
            resources, reason = local_fit(task)
            if resources is not None:
                return cls(task, _here(task, resources, target, risk), None)
            if not clouds:
                raise ResourcesUnavailableError(_not_here(task, target, risk, reason))
        from catalog.names import names
        from sky.optimizer import OBJECTIVES, as_dag
        from sky.planner import Planner

        planner = Planner.of(as_dag(task), OBJECTIVES[target], risk=risk)
        disabled = tuple(cloud for cloud in names().clouds if cloud not in clouds)
        return cls(task, None, planner, disabled)

    def best(self, blocks: Sequence[Scope] = ()) -> Place:
        """Return the best place outside ``blocks``. Raises ``ResourcesUnavailableError``."""
        if self.planner is None:
            return self._unblocked_here(blocks)
        try:
            plan = self.planner.plan((*blocks, *map(Scope, self.disabled)))
        except ResourcesUnavailableError as error:
            if not self.planner.count(blocks):
                raise
            others = ", ".join(self.disabled)
            raise ResourcesUnavailableError(
                f"{error}\nnot enabled here, so left out: {others} (sky check)"
            ) from None
        choice = plan.tasks[0].choice
        assert self.task.best_resources is not None
        return Place(choice.cloud, self._offer(choice), self.task.best_resources, plan)

    def count(self, blocks: Sequence[Scope] = ()) -> int:
        """Return how many offers outside ``blocks`` the task could take."""
        if self.planner is None:
            return int(self.here is not None and not _blocked(self.here, blocks))
        return self.planner.count((*blocks, *map(Scope, self.disabled)))

    def order(self, blocks: Sequence[Scope], count: int, seen: Sequence[Choice] = ()) -> list[Choice]:
        """Return the next choices outside ``blocks``, as they follow where each refuses for itself alone.

        ``seen`` is how the order is known to begin; some of it may be blocked.
        """
        scopes = list(blocks)
        found: list[Choice] = []
        coming: Sequence[Choice] = seen
        while True:
            for choice in coming:
                key = self._offer(choice).key
                if len(found) < count and not any(scope.matches(key) for scope in scopes):
                    found.append(choice)
                    scopes.append(offer_scope(key))
            if len(found) == count or not self.count(scopes):
                return found
            (placed,) = self.best(scopes).plan.tasks
            coming = [placed.choice, *placed.alternatives]

    def least_of(self, scopes: Sequence[Scope]) -> list[int | None]:
        """Return the least of what is minimized in each of ``scopes``, ``None`` where nothing fits."""
        if self.planner is None:
            return [None] * len(scopes)
        least = self.planner.least_of(scopes)
        reachable = [scope.cloud not in self.disabled for scope in scopes]
        return [value if near else None for value, near in zip(least, reachable, strict=True)]

    def scopes(self, choices: Sequence[Choice]) -> list[Scope]:
        """Return what blocks each of ``choices``."""
        return [offer_scope(self._offer(choice).key) for choice in choices]

    def _offer(self, choice: Choice) -> Offer:
        """Return what is taken for ``choice``: the whole of an owned node, a reserved one where there is."""
        if self.planner is None:
            return offer_of(choice)
        return (
            self.planner.nodes.offer_of(choice) or self.planner.reserved.offer_of(choice) or offer_of(choice)
        )

    def _unblocked_here(self, blocks: Sequence[Scope]) -> Place:
        assert self.here is not None
        if _blocked(self.here, blocks):
            raise ResourcesUnavailableError("this machine has refused, and the task may go nowhere else")
        return self.here


def _blocked(place: Place, blocks: Sequence[Scope]) -> bool:
    return any(scope.matches(place.offer.key) for scope in blocks)


def _here(task: Task, resources: Resources, target: OptimizeTarget, risk: Risk | None) -> Place:
    """Plan over this machine alone; what the catalog would have cost instead is a note of the plan."""
    from executors import local
    from sky.optimizer import optimize

    asked = resources.copy(cloud=LOCAL)
    plan = optimize(copy.copy(task).set_resources(asked), target, quiet=True, risk=risk)
    if not wants_local(task):
        plan = dataclasses.replace(plan, notes=(*plan.notes, *_elsewhere(task, target, risk)))
    return Place(LOCAL, local.offer(), asked, plan)


def _elsewhere(task: Task, target: OptimizeTarget, risk: Risk | None) -> Iterator[str]:
    from sky.optimizer import optimize

    with suppress(ResourcesUnavailableError):
        best = optimize(copy.copy(task), target, quiet=True, risk=risk).tasks[0]
        where = f"{best.choice.cloud} {best.choice.zone or best.choice.region} {best.choice.instance_type}"
        yield (
            "no cloud is enabled here (sky check); "
            f"the best offer in the catalog is {where}, {_hourly(best.choice)}"
        )


def _not_here(task: Task, target: OptimizeTarget, risk: Risk | None, reason: str) -> str:
    """Say why this machine does not do, and what would in the clouds."""
    from sky.optimizer import optimize

    lines = [f"task {task.name or 'without a name'} cannot run on this machine: {reason}."]
    try:
        placement = optimize(task, target, quiet=True, risk=risk).tasks[0]
    except ResourcesUnavailableError as error:
        lines.append(f"No cloud offers it either: {error}")
        return "\n".join(lines)
    lines.append("No cloud that it may use is enabled here (sky check). The best offers in the catalog:")
    for choice in placement.considered[:_OFFERS_NAMED]:
        count = choice.accelerators or {}
        shown = "".join(f" {name}:{number:g}" for name, number in count.items())
        where = f"{choice.cloud} {choice.zone or choice.region}"
        lines.append(f"  {where} {choice.instance_type}{shown}, {_hourly(choice)}")
    return "\n".join(lines)


def _hourly(choice: Choice) -> str:
    return f"{format_usd(choice.price_micro_usd_per_hour)}/hour a node"
