"""Search: the best plan so far, and the problem as far as the stages have narrowed it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from solver.columns import Ints, Mask
from solver.cpsat import Outcome
from solver.dual_ascent import Duals, Floors
from solver.model import PlanModel
from solver.params import Params
from solver.problem import Problem
from solver.request import Objective
from solver.result import Result
from solver.schedule import Schedule, order_key, schedule
from solver.time_bounds import TimeBounds


class Search:
    """What the stages share and change.

    ``limits`` are the optima of the objectives that are done: later ones keep to them. ``bound`` is the
    proven lower bound of the objective that is being minimised. ``warm`` is the result to start from, whose
    candidates are gone at the tasks ``lost``; ``duals`` and ``floors`` are the last ascent's, and ``changed``
    are the tasks near which the problem has changed since. ``shorter`` says, once it is known,
    which candidates a plan that ends before the best one may use, and their bounds.
    """

    def __init__(
        self,
        problem: Problem,
        params: Params,
        best: Schedule,
        deadline: float,
        warm: Result | None = None,
        lost: Mask | None = None,
    ) -> None:
        self.problem, self.params, self.best, self.deadline = problem, params, best, deadline
        self.limits: dict[Objective, int] = {}
        self.bound = 0
        self.warm, self.lost = warm, lost
        self.duals: Duals | None = warm.duals if warm else None
        self.floors: Floors | None = warm.floors if warm else None
        self.changed: Mask | None = None
        self.shorter: tuple[Mask, TimeBounds] | None = None
        self.build_s = 0.0
        self.interrupted = False

    @property
    def remaining_s(self) -> float:
        """The wall time that is left, in seconds."""
        return max(self.deadline - time.perf_counter(), 0.0)

    def uses(self, reduction: str) -> bool:
        """Return whether ``reduction`` is switched on and there is time for it."""
        return reduction not in self.params.without and self.remaining_s > 0

    @property
    def decided(self) -> bool:
        """Whether each task has one candidate left."""
        return self.problem.size == len(self.problem.names)

    def proven(self, objective: Objective) -> bool:
        """Return whether no plan within the limits has less of ``objective`` than the best one."""
        return self.bound >= self.best.value(objective)

    def raise_bound(self, objective: Objective, bound: int) -> None:
        """Note that no plan within the limits has less than ``bound``, but for the best one."""
        self.bound = max(self.bound, min(bound, self.best.value(objective)))

    def take(self, found: Schedule) -> bool:
        """Make ``found`` the best plan if it is one within the limits; return whether it is within them."""
        if any(found.value(objective) > limit for objective, limit in self.limits.items()):
            return False
        if order_key(self.problem, found) < order_key(self.problem, self.best):
            self.best = found
        return True

    def take_choice(self, choice: Sequence[int] | Ints) -> bool:
        """Do the same with the plan of this ``choice``."""
        if np.array_equal(choice, self.best.choice):
            return True
        return self.take(schedule(self.problem, choice))

    def keep(self, mask: Mask) -> None:
        """Narrow the problem to the candidates where ``mask`` (flat) is true and the best plan's own."""
        start = self.problem.cost.start
        own = start[:-1] + np.array(self.best.choice, dtype=np.int64)
        mask = mask.copy()
        mask[own] = True
        if mask.all():
            return
        self.problem, self.shorter = self.problem.keep(mask), None
        moved = np.cumsum(mask)[own] - 1 - self.problem.cost.start[:-1]
        self.best = replace(self.best, choice=tuple(moved.tolist()))

    def settle(self, choice: Ints) -> None:
        """Make ``choice`` the best plan and the only one left."""
        self.problem, self.shorter = self.problem.pick(choice), None
        self.best = schedule(self.problem, np.zeros(len(choice), dtype=np.int64))

    def model(self, problem: Problem) -> PlanModel:
        """Return a CP-SAT model of ``problem``, bound to the limits."""
        started = time.perf_counter()
        model = PlanModel(problem)
        if Objective.COST in self.limits:
            model.model.linear(model.cost(), at_most=self.limits[Objective.COST])
        if Objective.TIME in self.limits:
            model.makespan(self.limits[Objective.TIME])
        self.build_s += time.perf_counter() - started
        return model

    def run(self, model: PlanModel, *, workers: int = 1, work_limit: float = float("inf")) -> Outcome:
        """Run CP-SAT on ``model`` for as long as there is time."""
        outcome = model.model.solve(
            time_limit_s=self.remaining_s, work_limit=work_limit, workers=workers, seed=self.params.seed
        )
        if outcome.interrupted:
            self.interrupt()
        return outcome

    def interrupt(self) -> None:
        """Leave no more time, since the user pressed Ctrl-C."""
        self.interrupted, self.deadline = True, 0.0
