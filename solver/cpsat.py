"""CP-SAT's own model and solver classes, thinly wrapped; its usual front end would load pandas."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

from ortools.sat.python import cp_model_helper as cp

Terms: TypeAlias = Mapping[int, int]
"""A linear expression: coefficient by variable."""

_UNBOUNDED = 2**62


@dataclass(frozen=True, slots=True)
class Outcome:
    """``values`` is ``None`` without a solution; ``bound`` is a proven lower bound of the objective."""

    infeasible: bool
    values: tuple[int, ...] | None
    bound: int | None
    interrupted: bool = False


class Model:
    """A CP-SAT model under construction; variables are plain indices."""

    def __init__(self) -> None:
        self._proto: Any = cp.CpModelProto()

    def integer(self, lower: int, upper: int) -> int:
        """Add an integer variable of ``[lower, upper]``."""
        variables = self._proto.variables
        variables.add().domain.extend([lower, upper])
        return len(variables) - 1

    def boolean(self) -> int:
        """Add a 0-1 variable."""
        return self.integer(0, 1)

    def exactly_one(self, literals: Iterable[int]) -> None:
        """Exactly one of ``literals`` is 1."""
        self._proto.constraints.add().exactly_one.literals.extend(list(literals))

    def at_least_one(self, literals: Iterable[int]) -> None:
        """At least one of ``literals`` is true; a negative index ``-x - 1`` means that ``x`` is false."""
        self._proto.constraints.add().bool_or.literals.extend(list(literals))

    def linear(self, terms: Terms, *, at_least: int = -_UNBOUNDED, at_most: int = _UNBOUNDED) -> None:
        """``at_least <= sum of terms <= at_most``."""
        linear = self._proto.constraints.add().linear
        linear.vars.extend(list(terms.keys()))
        linear.coeffs.extend(list(terms.values()))
        linear.domain.extend([at_least, at_most])

    def minimise(self, terms: Terms) -> None:
        """Make the sum of ``terms`` the objective, in place of an earlier one."""
        self._proto.clear_objective()
        objective = self._proto.objective
        objective.vars.extend(list(terms.keys()))
        objective.coeffs.extend(list(terms.values()))

    def hint(self, values: Terms) -> None:
        """Start the search from ``values`` (by variable), in place of an earlier hint."""
        self._proto.clear_solution_hint()
        self._proto.solution_hint.vars.extend(list(values.keys()))
        self._proto.solution_hint.values.extend(list(values.values()))

    def solve(
        self, *, time_limit_s: float, work_limit: float = math.inf, workers: int = 1, seed: int = 1
    ) -> Outcome:
        """Run CP-SAT and return what it found and proved.

        It stops after ``time_limit_s`` of wall time, or ``work_limit`` of CP-SAT's deterministic time, which
        is the same on every machine. Ctrl-C stops it, too, and the outcome so far says so.
        """
        settings: Any = cp.SatParameters()
        settings.num_workers = workers
        settings.random_seed = seed
        settings.linearization_level = 2
        settings.max_time_in_seconds = time_limit_s
        settings.max_deterministic_time = work_limit
        # CP-SAT would take SIGINT from Python for good: Ctrl-C after a solve would then kill the process.
        settings.catch_sigint_signal = False
        wrapper: Any = cp.SolveWrapper()
        wrapper.set_parameters(settings)
        response, interrupted = _run(wrapper, self._proto)
        status = response.status
        if status == cp.CpSolverStatus.MODEL_INVALID:
            raise AssertionError(f"the CP-SAT model is invalid: {cp.CpSatHelper.validate_model(self._proto)}")
        solved = status in (cp.CpSolverStatus.OPTIMAL, cp.CpSolverStatus.FEASIBLE)
        return Outcome(
            infeasible=status == cp.CpSolverStatus.INFEASIBLE,
            values=tuple(response.solution) if solved else None,
            bound=int(response.inner_objective_lower_bound) if self._proto.has_objective() else None,
            interrupted=interrupted,
        )


def _run(wrapper: Any, proto: Any) -> tuple[Any, bool]:
    """Solve in a thread of its own, so that this one can take Ctrl-C; return whether it did."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(wrapper.solve, proto)
        try:
            return running.result(), False
        except KeyboardInterrupt:
            wrapper.stop_search()
            return running.result(), True
