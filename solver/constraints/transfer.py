"""Data on an edge pays and waits by its two places: by network zone, and nothing within one place.

For each edge a unit flow runs from the source's zone to the target's zone; its marginals are the zones that
the chosen candidates lie in, so the linear relaxation is tight. Where both ends share a place, ``within``
gives back what the flow inside the zone charged.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from solver.constraints.variables import Variables
from solver.cpsat import Model
from solver.problem import Problem
from solver.schedule import Schedule


def applies(problem: Problem) -> bool:
    """Return whether any edge moves data."""
    return bool((problem.network.tariff >= 0).any())


def post(problem: Problem, model: Model, variables: Variables) -> None:
    """Add the flows of every edge that moves data, and its cost and seconds as linear expressions."""
    for at in range(len(problem.edges)):
        if problem.network.moves(at):
            _post_edge(problem, model, variables, at)


def _post_edge(problem: Problem, model: Model, variables: Variables, at: int) -> None:
    edge, zone = problem.edges[at], problem.network.zone.tolist()
    sources = _by_place(problem, variables, edge.source)
    targets = _by_place(problem, variables, edge.target)
    from_zone, to_zone = _by_zone(sources, zone), _by_zone(targets, zone)
    flow = {(a, b): model.boolean() for a in from_zone for b in to_zone}
    for a, literals in from_zone.items():
        model.linear(dict.fromkeys(literals, -1) | {flow[a, b]: 1 for b in to_zone}, at_least=0, at_most=0)
    for b, literals in to_zone.items():
        model.linear(dict.fromkeys(literals, -1) | {flow[a, b]: 1 for a in from_zone}, at_least=0, at_most=0)
    tariff = problem.network.cost[problem.network.tariff[at]].tolist()
    delay = problem.network.seconds[problem.network.tariff[at]].tolist()
    cost = {variable: tariff[a][b] for (a, b), variable in flow.items()}
    seconds = {variable: delay[a][b] for (a, b), variable in flow.items()}

    within: dict[int, int] = {}
    for zone_at in sorted(set(from_zone) & set(to_zone)):
        shared = sorted(p for p in sources if p in targets and zone[p] == zone_at)
        for p in shared:
            within[p] = model.boolean()
            model.linear(dict.fromkeys(sources[p], -1) | {within[p]: 1}, at_most=0)
            model.linear(dict.fromkeys(targets[p], -1) | {within[p]: 1}, at_most=0)
            cost[within[p]] = -tariff[zone_at][zone_at]
            seconds[within[p]] = -delay[zone_at][zone_at]
        if shared:
            model.linear({within[p]: 1 for p in shared} | {flow[zone_at, zone_at]: -1}, at_most=0)
    variables.flow[at], variables.within[at] = flow, within
    variables.edge_cost[at] = {variable: price for variable, price in cost.items() if price}
    variables.edge_seconds[at] = {variable: wait for variable, wait in seconds.items() if wait}


def _by_place(problem: Problem, variables: Variables, task: int) -> dict[int, list[int]]:
    literals: defaultdict[int, list[int]] = defaultdict(list)
    for literal, place in zip(variables.chosen[task], problem.place[task].tolist(), strict=True):
        literals[place].append(literal)
    return dict(literals)


def _by_zone(by_place: dict[int, list[int]], zone: list[int]) -> dict[int, list[int]]:
    literals: defaultdict[int, list[int]] = defaultdict(list)
    for place, of_place in by_place.items():
        literals[zone[place]] += of_place
    return dict(literals)


def check(problem: Problem, answer: Schedule) -> list[str]:
    """Return the edges that pay or wait otherwise than their places demand."""
    network, tariff = problem.network, problem.network.tariff
    place = problem.place.flat[problem.place.start[:-1] + np.array(answer.choice, dtype=np.int64)]
    source, target = place[problem.source], place[problem.target]
    moving = (source != target) & (tariff >= 0)
    at = np.where(moving, tariff, 0), network.zone[source], network.zone[target]
    broken = []
    for matrix, answered, says in (
        (network.cost, answer.transfer_cost, "{}: pays {}, not {}"),
        (network.seconds, answer.transfer_s, "{}: takes {} s, not {}"),
    ):
        demanded = np.where(moving, matrix[at], 0)
        broken += [
            says.format(_name(problem, edge), answered[edge], demanded[edge])
            for edge in np.flatnonzero(np.array(answered, dtype=np.int64) != demanded).tolist()
        ]
    return broken


def _name(problem: Problem, edge: int) -> str:
    ends = problem.edges[edge]
    return f"edge {problem.names[ends.source]} -> {problem.names[ends.target]}"
