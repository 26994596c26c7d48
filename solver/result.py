"""Result: what the solver found and what it proved."""

from __future__ import annotations

from dataclasses import dataclass

from solver.dual_ascent import Duals, Floors
from solver.plan import Status
from solver.problem import Problem
from solver.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Result:
    """``schedule`` is of ``problem``, the request's problem without the candidates proven superfluous.

    ``bound`` is a proven lower bound of ``objective``; OPTIMAL means that they are equal.

    ``unique`` is false when the limit stopped the tie-break: another plan of the same objective may then be
    better in the second objective or in key order. ``interrupted`` says that Ctrl-C ended the search.

    Times are wall seconds: ``wall_s`` of all, ``proven_s`` until the objective was proven or given up,
    ``build_s`` of the latter spent on building CP-SAT models.

    What the next solve starts from: the last dual ascent's ``duals`` and ``floors``, and whether the plan is
    ``alone``, all others being worse in the objective itself.
    """

    status: Status
    problem: Problem
    schedule: Schedule
    objective: int
    bound: int
    unique: bool
    interrupted: bool
    wall_s: float
    proven_s: float
    build_s: float
    seed: int
    duals: Duals | None
    floors: Floors | None
    alone: bool

    @property
    def gap(self) -> float:
        """The relative distance between ``objective`` and ``bound``, 0 when proven."""
        return (self.objective - self.bound) / self.objective if self.objective else 0.0
