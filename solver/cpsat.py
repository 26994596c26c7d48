"""CP-SAT's own model and solver classes, thinly wrapped; its usual front end would load pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ortools.sat.python import cp_model_helper as cp

from solver.params import Params

Terms: TypeAlias = Mapping[int, int]
"""A linear expression: coefficient by variable."""

_UNBOUNDED = 2**62


@dataclass(frozen=True, slots=True)
class Outcome:
    """``values`` is ``None`` without a solution; ``bound`` is a proven lower bound of the objective."""

    optimal: bool
    values: tuple[int, ...] | None
    bound: int | None


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

    def solve(self, params: Params, time_limit_s: float) -> Outcome:
        """Run CP-SAT for at most ``time_limit_s`` and return what it found and proved."""
        settings: Any = cp.SatParameters()
        settings.num_workers = params.workers
        settings.random_seed = params.seed
        settings.linearization_level = 2
        settings.max_time_in_seconds = time_limit_s
        # CP-SAT would take SIGINT from Python for good: Ctrl-C after a solve would then kill the process.
        settings.catch_sigint_signal = False
        wrapper: Any = cp.SolveWrapper()
        wrapper.set_parameters(settings)
        response = wrapper.solve(self._proto)
        status = response.status
        if status not in (cp.CpSolverStatus.OPTIMAL, cp.CpSolverStatus.FEASIBLE):
            if status != cp.CpSolverStatus.UNKNOWN:
                reason = cp.CpSatHelper.validate_model(self._proto) or "no assignment satisfies it"
                raise AssertionError(f"the CP-SAT model is {status.name}: {reason}")
            return Outcome(False, None, None)
        return Outcome(
            optimal=status == cp.CpSolverStatus.OPTIMAL,
            values=tuple(response.solution),
            bound=int(response.inner_objective_lower_bound),
        )
