"""Model: the rules of a problem as one CP-SAT model."""

from __future__ import annotations

from solver.constraints import choice, precedence, transfer
from solver.constraints.variables import Variables
from solver.cpsat import Model
from solver.problem import Problem, Row
from solver.schedule import Schedule


class PlanModel:
    """A CP-SAT model of one problem, and the way between its variables and schedules.

    Time is posted on its first use: a cost objective without ties never needs it.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.model = Model()
        self.variables = Variables()
        for rule in (choice, transfer):
            if rule.applies(problem):
                rule.post(problem, self.model, self.variables)

    def cost(self) -> dict[int, int]:
        """Return the total cost as a linear expression."""
        terms: dict[int, int] = {}
        for literals, costs in zip(self.variables.chosen, self.problem.cost, strict=True):
            terms.update(zip(literals, costs.tolist(), strict=True))
        for edge in self.variables.edge_cost.values():
            terms.update(edge)
        return terms

    def makespan(self, horizon_s: int) -> dict[int, int]:
        """Return the makespan as a linear expression, posting time up to ``horizon_s`` on the first call."""
        if self.variables.makespan is None:
            precedence.post(self.problem, self.model, self.variables, horizon_s)
        assert self.variables.makespan is not None
        return {self.variables.makespan: 1}

    def weighted(self, weights: dict[int, list[int]]) -> dict[int, int]:
        """Return the sum of ``weights[t][k]`` over the chosen candidates as a linear expression."""
        terms: dict[int, int] = {}
        for task, of_task in weights.items():
            terms.update(zip(self.variables.chosen[task], of_task, strict=True))
        return terms

    def fix(self, task: int, chosen: int) -> None:
        """Leave ``task`` no candidate but ``chosen``."""
        self.model.linear({self.variables.chosen[task][chosen]: 1}, at_least=1)

    def choice(self, values: Row) -> list[int]:
        """Return the candidate of each task in a solution."""
        return [next(k for k, x in enumerate(literals) if values[x]) for literals in self.variables.chosen]

    def hint(self, answer: Schedule) -> None:
        """Start the next search from ``answer``, every variable given."""
        problem, variables = self.problem, self.variables
        place, zone = problem.place.pick(answer.choice).tolist(), problem.network.zone.tolist()
        values: dict[int, int] = {}
        for literals, chosen in zip(variables.chosen, answer.choice, strict=True):
            values.update((x, int(k == chosen)) for k, x in enumerate(literals))
        for at, flow in variables.flow.items():
            edge = problem.edges[at]
            source, target = place[edge.source], place[edge.target]
            zones = zone[source], zone[target]
            values.update((y, int(pair == zones)) for pair, y in flow.items())
            values.update(
                (s, int(source == target == at_place)) for at_place, s in variables.within[at].items()
            )
        if variables.makespan is not None:
            values.update(zip(variables.start, answer.start_s, strict=True))
            values[variables.makespan] = answer.makespan_s
        self.model.hint(values)
