"""solve(problem, params) -> Result: the total order phase by phase, narrowed by bounds, proven by CP-SAT."""

from __future__ import annotations

import time
from collections.abc import Sequence

from solver.bounds import CostBounds, time_bounds, too_large
from solver.constraints import violations
from solver.dominance import undominated
from solver.greedy import first_plan, improve
from solver.keys import key_phases
from solver.model import PlanModel
from solver.params import Params
from solver.plan import Status
from solver.problem import Problem
from solver.request import Objective
from solver.result import Result
from solver.schedule import Schedule, order_key, schedule


def solve(problem: Problem, params: Params) -> Result:
    """Return the best plan of ``problem`` in its total order, or the best found within the limit.

    Every task must have a candidate. Raises ``AssertionError`` if the solver's answer breaks a rule, which
    would be a bug.
    """
    started = time.perf_counter()
    major = problem.objective
    minor = Objective.TIME if major is Objective.COST else Objective.COST
    search = Search(problem, params, started + params.time_limit_s)
    bound = search.minimise(major)
    proven = bound == search.best.value(major)
    unique = proven and search.minimise(minor) == search.best.value(minor) and search.minimise_keys()
    broken = violations(search.problem, search.best)
    if broken:
        raise AssertionError("the solver's plan breaks its own rules: " + "; ".join(broken))
    return Result(
        status=Status.OPTIMAL if proven else Status.FEASIBLE,
        problem=search.problem,
        schedule=search.best,
        objective=search.best.value(major),
        bound=bound,
        unique=unique,
        wall_s=time.perf_counter() - started,
        seed=params.seed,
    )


_LARGE = 400
"""Above so many candidates in all, a cost search looks at the most promising ones first."""

_CORE = 12
"""How many of each task these are."""


class Search:
    """The best plan so far, and the problem as far as the phases have narrowed it.

    ``limits`` are the optima of the phases that are done: later phases keep to them.
    """

    def __init__(
        self, problem: Problem, params: Params, deadline: float, best: Schedule | None = None
    ) -> None:
        self.problem, self.params, self.deadline = problem, params, deadline
        self.best = best or first_plan(problem)
        self.limits: dict[Objective, int] = {}

    def minimise(self, objective: Objective) -> int:
        """Minimise ``objective`` within the limits; return the proven bound; if met, it is the next limit."""
        bound = self._narrow(objective)
        if bound < self.best.value(objective):
            bound = max(bound, self._prove(objective, bound) if self.limits else self._prove_alone(objective))
        if bound == self.best.value(objective):
            self.limits[objective] = bound
            self._narrow(objective)
        return bound

    def _prove(self, objective: Objective, bound: int) -> int:
        if objective is Objective.COST and self.params.narrow and sum(map(len, self.problem.row)) > _LARGE:
            self._prove_core()
            bound = max(bound, self._narrow(objective))
        model = self._model()
        terms = model.cost() if objective is Objective.COST else model.makespan(self._horizon())
        return self._run(model, terms, bound)

    def _prove_core(self) -> None:
        """Take over the cheapest plan among the most promising candidates: a better limit for the bounds."""
        bounds = CostBounds(self.problem, self.best.cost, self.limits.get(Objective.TIME))
        bounds.tighten()
        core = Search(self.problem, self.params, self.deadline, self.best)
        core.limits = self.limits
        core._keep(
            [
                kept[least.argsort(kind="stable")[:_CORE]].tolist()
                for kept, least in zip(bounds.kept, bounds.least, strict=True)
            ]
        )
        model = core._model()
        core._run(model, model.cost(), bounds.bound)
        rows = [core.problem.row[task][k] for task, k in enumerate(core.best.choice)]
        self._take(
            schedule(self.problem, [of.index(row) for of, row in zip(self.problem.row, rows, strict=True)])
        )

    def _prove_alone(self, objective: Objective) -> int:
        """Minimise ``objective`` where nothing else counts; take over the plan, return the bound."""
        alone = self.problem.only(objective)
        search = Search(alone, self.params, self.deadline, schedule(alone, self.best.choice))
        bound = search._narrow(objective)
        if bound < search.best.value(objective):
            bound = search._prove(objective, bound)
        found = [search.problem.row[task][k] for task, k in enumerate(search.best.choice)]
        self._take(
            schedule(
                self.problem, [rows.index(row) for rows, row in zip(self.problem.row, found, strict=True)]
            )
        )
        return bound

    def minimise_keys(self) -> bool:
        """Find the first optimum in the order of the offer keys; return whether it is proven.

        Here CP-SAT has the last word on every plan: its model of all that is left includes every limit.
        """
        model = self._model()
        for tasks, weights in key_phases(self.problem) or [([], {})]:
            terms = model.weighted(weights)
            bound = self._run(model, terms, 0)
            if bound != sum(weights[task][self.best.choice[task]] for task in tasks):
                return False
            for task in tasks:
                model.fix(task, self.best.choice[task])
        return True

    def _model(self) -> PlanModel:
        """Return a model of the problem as it is now, bound to the limits."""
        model = PlanModel(self.problem)
        if Objective.COST in self.limits:
            model.model.linear(model.cost(), at_most=self.limits[Objective.COST])
        if Objective.TIME in self.limits:
            model.model.linear(model.makespan(self._horizon()), at_most=self.limits[Objective.TIME])
        return model

    def _horizon(self) -> int:
        return self.limits.get(Objective.TIME, self.best.makespan_s)

    def _run(self, model: PlanModel, terms: dict[int, int], bound: int) -> int:
        """Minimise ``terms`` from the best plan on; return the proven bound, at least ``bound``."""
        remaining = self.deadline - time.perf_counter()
        if remaining <= 0:
            return bound
        model.model.minimise(terms)
        model.hint(self.best)
        outcome = model.model.solve(self.params, remaining)
        if outcome.values is not None:
            self._take(schedule(self.problem, model.choice(outcome.values)))
        return bound if outcome.bound is None else max(bound, outcome.bound)

    def _take(self, found: Schedule) -> bool:
        """Make ``found`` the best plan if it is one within the limits; return whether it is within them."""
        if any(found.value(objective) > limit for objective, limit in self.limits.items()):
            return False
        if order_key(self.problem, found) < order_key(self.problem, self.best):
            self.best = found
        return True

    def _narrow(self, objective: Objective) -> int:
        """Drop candidates that the best plan proves superfluous; return a lower bound of ``objective``."""
        if not self.params.narrow:
            return 0
        self._take(improve(self.problem, self.best, objective, self.limits.get(Objective.TIME)))
        bound = self._narrow_by_cost() if objective is Objective.COST else self._narrow_by_time()
        self._keep(undominated(self.problem))
        return bound

    def _narrow_by_time(self) -> int:
        times = time_bounds(self.problem)
        self._keep([(values <= self.best.makespan_s).nonzero()[0].tolist() for values in times.through])
        return times.bound

    def _narrow_by_cost(self) -> int:
        if too_large(self.problem):
            return sum(min(costs) for costs in self.problem.cost)
        bounds = CostBounds(self.problem, self.best.cost, self.limits.get(Objective.TIME))
        bounds.tighten()
        if bounds.found is not None:
            self._take(bounds.found)
        self._keep([kept.tolist() for kept in bounds.kept])
        return min(bounds.bound, self.best.cost)

    def _keep(self, kept: Sequence[Sequence[int]]) -> None:
        """Narrow the problem to ``kept`` and the best plan's own candidates."""
        with_best = [
            of_task if chosen in set(of_task) else sorted((*of_task, chosen))
            for of_task, chosen in zip(kept, self.best.choice, strict=True)
        ]
        self.problem = self.problem.keep(with_best)
        moved = [
            list(of_task).index(chosen) for of_task, chosen in zip(with_best, self.best.choice, strict=True)
        ]
        self.best = schedule(self.problem, moved)
