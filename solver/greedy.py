"""Greedy: a decent plan at once, for a hint and for the case that the time runs out before any other."""

from __future__ import annotations

from solver.problem import Problem
from solver.request import Objective
from solver.schedule import Schedule, schedule


def greedy(problem: Problem) -> Schedule:
    """Return a plan made task by task in topological order, each task taking its best next step."""
    choice = [0] * len(problem.names)
    finish = [0] * len(problem.names)
    for task in problem.order:
        into = problem.edges_into(task)
        steps = []
        for k, place in enumerate(problem.place[task]):
            cost, start = problem.cost[task][k], problem.ready[task][k]
            for at in into:
                source = problem.edges[at].source
                paid, waited = problem.network.transfer(at, problem.place[source][choice[source]], place)
                cost += paid
                start = max(start, finish[source] + waited)
            end = start + problem.seconds[task][k]
            first = (cost, end) if problem.objective is Objective.COST else (end, cost)
            steps.append((*first, problem.rank[task][k], k, end))
        *_, choice[task], finish[task] = min(steps)
    return schedule(problem, choice)


def lower_bound(problem: Problem) -> int:
    """Return a bound that needs no search: every task at its best, all transfers free."""
    if problem.objective is Objective.COST:
        return sum(min(costs) for costs in problem.cost)
    finish = [0] * len(problem.names)
    for task in problem.order:
        arrivals = [finish[problem.edges[at].source] for at in problem.edges_into(task)]
        start = max([min(problem.ready[task]), *arrivals])
        finish[task] = start + min(problem.seconds[task])
    return max(finish, default=0)
