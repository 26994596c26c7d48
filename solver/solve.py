"""solve(problem, params) -> Result: the lexicographic phases, each a CP-SAT search that starts from the last."""

from __future__ import annotations

import time
from collections.abc import Iterator

from solver.constraints import violations
from solver.greedy import greedy, lower_bound
from solver.model import PlanModel
from solver.params import Params
from solver.plan import Status
from solver.problem import Problem
from solver.request import Objective
from solver.result import Result
from solver.schedule import Schedule, order_key, schedule

_LARGEST_WEIGHT = 2**40


def solve(problem: Problem, params: Params) -> Result:
    """Return the best plan of ``problem`` in its total order, or the best found within the limit.

    Every task must have a candidate. Raises ``AssertionError`` if the solver's answer breaks a rule, which
    would be a bug.
    """
    started = time.perf_counter()
    search = _Search(problem, params, started + params.time_limit_s)
    bound = search.minimise(search.major())
    best = search.best.value(problem.objective)
    proven = bound == best
    unique = proven and search.break_ties()
    broken = violations(problem, search.best)
    if broken:
        raise AssertionError("the solver's plan breaks its own rules: " + "; ".join(broken))
    return Result(
        status=Status.OPTIMAL if proven else Status.FEASIBLE,
        schedule=search.best,
        objective=best,
        bound=bound,
        unique=unique,
        wall_s=time.perf_counter() - started,
        seed=params.seed,
    )


class _Search:
    """The best schedule so far, and the model that is narrowed phase by phase."""

    def __init__(self, problem: Problem, params: Params, deadline: float) -> None:
        self.problem, self.params, self.deadline = problem, params, deadline
        self.best: Schedule = greedy(problem)
        self.model = PlanModel(problem)

    def major(self) -> dict[int, int]:
        if self.problem.objective is Objective.COST:
            return self.model.cost()
        return self.model.makespan(self.best.makespan_s)

    def minor(self) -> dict[int, int]:
        if self.problem.objective is Objective.COST:
            return self.model.makespan(self.best.makespan_s)
        return self.model.cost()

    def minimise(self, terms: dict[int, int]) -> int:
        """Minimise the objective's own expression; return the proven bound."""
        outcome = self._run(terms)
        trivial = lower_bound(self.problem)
        return trivial if outcome is None else max(trivial, outcome)

    def break_ties(self) -> bool:
        """Among all optima find the first in (the other objective, offer keys); return whether it is proven."""
        problem = self.problem
        if all(len(costs) == 1 for costs in problem.cost):
            return True
        self.model.model.linear(self.major(), at_most=self.best.value(problem.objective))
        minor = self.minor()
        other = Objective.TIME if problem.objective is Objective.COST else Objective.COST
        if self._run(minor) != self.best.value(other):
            return False
        self.model.model.linear(minor, at_most=self.best.value(other))
        for tasks, terms in self._key_phases():
            bound = self._run(terms)
            value = sum(weight for x, weight in terms.items() if self._holds(x, tasks))
            if bound != value:
                return False
            for task in tasks:
                self.model.model.linear({self.model.variables.chosen[task][self.best.choice[task]]: 1}, at_least=1)
        return True

    def _holds(self, literal: int, tasks: list[int]) -> bool:
        return any(self.model.variables.chosen[t][self.best.choice[t]] == literal for t in tasks)

    def _key_phases(self) -> Iterator[tuple[list[int], dict[int, int]]]:
        """Yield runs of tasks with their keys' order as one number in mixed radix, most significant first."""
        run: list[int] = []
        size = 1
        open_tasks = [task for task in self.problem.tasks if len(self.problem.rank[task]) > 1]
        for task in open_tasks:
            if size * len(self.problem.rank[task]) > _LARGEST_WEIGHT:
                yield run, self._key_terms(run)
                run, size = [], 1
            run.append(task)
            size *= len(self.problem.rank[task])
        if run:
            yield run, self._key_terms(run)

    def _key_terms(self, tasks: list[int]) -> dict[int, int]:
        terms: dict[int, int] = {}
        weight = 1
        for task in reversed(tasks):
            ranks = self.problem.rank[task]
            for position, k in enumerate(sorted(range(len(ranks)), key=ranks.__getitem__)):
                terms[self.model.variables.chosen[task][k]] = position * weight
            weight *= len(ranks)
        return terms

    def _run(self, terms: dict[int, int]) -> int | None:
        """Minimise ``terms`` from the best schedule on; return the proven bound, if any."""
        remaining = self.deadline - time.perf_counter()
        if remaining <= 0:
            return None
        self.model.model.minimise(terms)
        self.model.hint(self.best)
        outcome = self.model.model.solve(self.params, remaining)
        if outcome.values is None:
            return None
        found = schedule(self.problem, self.model.choice(outcome.values))
        if order_key(self.problem, found) < order_key(self.problem, self.best):
            self.best = found
        return outcome.bound
