"""Dominance: drop candidates that another one beats whatever the rest of the plan is.

Candidate ``i`` dominates ``j`` when putting ``i`` in the place of ``j`` makes *every* plan strictly better in
the total order (objective, the other objective, offer keys). The unique best plan therefore uses no dominated
candidate, so all of them may go at once; the proof is in ``docs/model.md``.
"""

from __future__ import annotations

import numpy as np

from solver.candidates import Candidates
from solver.columns import Ints, Mask
from solver.problem import Problem
from solver.request import Objective

_CHAMPIONS = 256


def best_of_places(candidates: Candidates, objective: Objective, place_matters: bool) -> Ints:
    """Return positions of the candidates that no other one of the same place beats, in key order.

    Where ``place_matters`` is false all candidates compete. The best of a place and a runtime leads its
    group, so the others need no look.
    """
    if not len(candidates):
        return np.zeros(0, dtype=np.int64)
    at = candidates.leaders
    place = candidates.place if place_matters else np.zeros(len(candidates), dtype=np.int64)
    if objective is Objective.COST:
        at = at[_is_least(candidates.cost_micro_usd[at], place[at])]
    group = place[at]
    if np.ptp(candidates.seconds[at]):
        _, duration = np.unique(candidates.seconds[at], return_inverse=True)
        group = group * (int(duration.max()) + 1) + duration
    least = _is_least(candidates.cost_micro_usd[at], group)
    at, group = at[least], group[least]
    at = at[_is_least(candidates.key[at], group)]
    order = np.lexsort((candidates.key[at], candidates.cost_micro_usd[at], candidates.seconds[at], place[at]))
    at = at[order]
    falling: Ints = at[_falling(candidates.cost_micro_usd[at], place[at])]
    return falling[np.argsort(candidates.key[falling])]


def _is_least(values: Ints, group: Ints) -> Mask:
    """Return which ``values`` equal the least of their group."""
    least = np.full(int(group.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(least, group, values)
    mask: Mask = values == least[group]
    return mask


def _falling(cost: Ints, place: Ints) -> Mask:
    """Return which entries cost no more than all before them in their place (entries sorted by place)."""
    distinct, cost_rank = np.unique(cost, return_inverse=True)
    level = cost_rank - place.astype(np.int64) * len(distinct)
    mask: Mask = level <= np.minimum.accumulate(level)
    return mask


def undominated(problem: Problem) -> Mask:
    """Return which candidates (flat) no other one dominates; the best plan uses no others."""
    mask = np.ones(problem.size, dtype=bool)
    start = problem.cost.start
    for task in problem.tasks:
        if start[task + 1] - start[task] > 1:
            mask[start[task] : start[task + 1]] = _undominated(problem, task)
    return mask


def _undominated(problem: Problem, task: int) -> Mask:
    cost, seconds, rank = problem.cost[task], problem.seconds[task], problem.rank[task]
    major, minor = (cost, seconds) if problem.objective is Objective.COST else (seconds, cost)
    champions = np.lexsort((rank, minor, major))[:_CHAMPIONS]

    extra_cost, extra_before, extra_after = _worst_extra(problem, task, champions)
    more_cost = cost[champions, None] - cost[None, :] + extra_cost
    later_start = np.maximum(extra_before, _more(problem.ready[task], champions))
    later = later_start + _more(seconds, champions)
    latest = np.maximum(np.maximum(extra_after, _more(problem.tail[task], champions)), 0)
    no_later: Mask = later + latest <= 0
    cheaper: Mask = more_cost < 0
    no_dearer_and_first: Mask = (more_cost <= 0) & (rank[champions, None] < rank[None, :])
    if problem.objective is Objective.COST:
        beaten = cheaper | (no_dearer_and_first & no_later)
    else:
        beaten = no_later & (cheaper | no_dearer_and_first)
    free: Mask = ~np.any(beaten, axis=0)
    return free


def _more(values: Ints, champions: Ints) -> Ints:
    more: Ints = values[champions, None] - values[None, :]
    return more


def _worst_extra(problem: Problem, task: int, champions: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the most by which champion i's transfers can exceed candidate j's, over all plans.

    Three (i, j) matrices: money over all incident edges together; seconds of the worst edge in; seconds of
    the worst edge out.
    """
    network = problem.network
    shape = (len(champions), len(problem.cost[task]))
    cost = np.zeros(shape, dtype=np.int64)
    before = np.full(shape, np.iinfo(np.int32).min, dtype=np.int64)
    after = before.copy()
    own = problem.place[task]
    outward = [(at, True) for at in problem.edges_out_of[task]]
    for at, out in [*outward, *((at, False) for at in problem.edges_into[task])]:
        seconds: Ints = np.zeros(shape, dtype=np.int64)
        if network.moves(at):
            edge, tariff = problem.edges[at], network.tariff[at]
            other = np.unique(problem.place[edge.target if out else edge.source])
            cost += _excess(network.cost[tariff], out, network.zone, own, other, champions)
            seconds = _excess(network.seconds[tariff], out, network.zone, own, other, champions)
        side = after if out else before
        np.maximum(side, seconds, out=side)
    return cost, before, after


def _excess(matrix: Ints, outward: bool, zone: Ints, own: Ints, other: Ints, champions: Ints) -> Ints:
    """Return, for i at p and j at q, at least the most of tariff(p, r) - tariff(q, r) over ``other`` r."""
    tariff = matrix if outward else matrix.T
    to_other = tariff[:, np.unique(zone[other])]
    by_zone = (to_other[:, None, :] - to_other[None, :, :]).max(axis=2)
    p, q = own[champions, None], own[None, :]
    excess = by_zone[zone[p], zone[q]]
    home = np.zeros(len(zone), dtype=bool)
    home[other] = True
    excess = np.where(home[q], np.maximum(excess, tariff[zone[p], zone[q]]), excess)
    return np.where(p == q, 0, excess)
