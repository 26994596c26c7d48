"""Dynamic programming on forests: exact and fast there, and of no use elsewhere.

The cost of a forest is a sum over tasks and edges, whichever way the edges point. The makespan can be
computed from the first tasks on where no two tasks share a predecessor, or from the last ones back where none
has two.
"""

from __future__ import annotations

import time

import numpy as np

from bench.competitor import UNSUPPORTED, Answer, Competitor, run
from bench.instance import Instance, Ints
from bench.moves import between, candidates, in_order


def solve(instance: Instance, objective: str, _limit_s: float) -> Answer:
    """Solve a forest."""
    if not all(instance.start[1:] > instance.start[:-1]):
        return UNSUPPORTED
    started = time.perf_counter()
    found = _cost(instance) if objective == "cost" else _forward(instance) or _backward(instance)
    if found is None:
        return UNSUPPORTED
    value, choice = found
    return Answer("optimal", value, value, choice, solve_seconds=time.perf_counter() - started)


def _cost(instance: Instance) -> tuple[int, list[int]] | None:
    """Send each task's least costs to the neighbour through which the rest of its tree is reached."""
    order, parent_edge = _rooted(instance)
    if len(order) < instance.tasks:
        return None
    best = [instance.cost[candidates(instance, task)].copy() for task in range(instance.tasks)]
    picks: list[Ints | None] = [None] * instance.tasks
    for task in reversed(order):
        edge = parent_edge[task]
        if edge >= 0:
            moves = between(instance, instance.move_cost, edge)
            through = best[task][:, None] + (moves if instance.source[edge] == task else moves.T)
            picks[task] = through.argmin(axis=0)
            best[_other(instance, edge, task)] += through.min(axis=0)
    choice = [0] * instance.tasks
    total = 0
    for task in order:
        pick = picks[task]
        if pick is None:
            choice[task] = int(best[task].argmin())
            total += int(best[task].min())
        else:
            choice[task] = int(pick[choice[_other(instance, parent_edge[task], task)]])
    return total, choice


def _rooted(instance: Instance) -> tuple[list[int], list[int]]:
    """Return the tasks with each tree from its root on, and the edge to the parent (-1 at roots).

    Where the graph is no forest, tasks are missing.
    """
    at: list[list[int]] = [[] for _ in range(instance.tasks)]
    for edge, (u, v) in enumerate(zip(instance.source.tolist(), instance.target.tolist(), strict=True)):
        at[u].append(edge)
        at[v].append(edge)
    order: list[int] = []
    parent_edge = [-2] * instance.tasks
    for root in range(instance.tasks):
        if parent_edge[root] != -2:
            continue
        parent_edge[root] = -1
        reached = [root]
        for task in reached:
            for edge in at[task]:
                if edge == parent_edge[task]:
                    continue
                neighbour = _other(instance, edge, task)
                if parent_edge[neighbour] != -2:
                    return [], []
                parent_edge[neighbour] = edge
                reached.append(neighbour)
        order += reached
    return order, parent_edge


def _other(instance: Instance, edge: int, task: int) -> int:
    source = int(instance.source[edge])
    return int(instance.target[edge]) if source == task else source


def _forward(instance: Instance) -> tuple[int, list[int]] | None:
    """Return the best plan where each task has one follower at most: the least end of each candidate."""
    if np.bincount(instance.source, minlength=1).max() > 1:
        return None
    end = [instance.ready[candidates(instance, task)].copy() for task in range(instance.tasks)]
    picks: dict[int, Ints] = {}
    order = in_order(instance)
    into: list[list[int]] = [[] for _ in range(instance.tasks)]
    for edge, target in enumerate(instance.target.tolist()):
        into[target].append(edge)
    for task in order:
        for edge in into[task]:
            moves = between(instance, instance.move_seconds, edge)
            arrives = end[int(instance.source[edge])][:, None] + moves
            picks[edge] = arrives.argmin(axis=0)
            end[task] = np.maximum(end[task], arrives.min(axis=0))
        end[task] = end[task] + instance.seconds[candidates(instance, task)]
    choice = [int(each.argmin()) for each in end]
    for task in reversed(order):
        for edge in into[task]:
            choice[int(instance.source[edge])] = int(picks[edge][choice[task]])
    return max(int(end[task][k]) for task, k in enumerate(choice)), choice


def _backward(instance: Instance) -> tuple[int, list[int]] | None:
    """Return the best plan where each task has one predecessor at most: the least rest of each."""
    if np.bincount(instance.target, minlength=1).max() > 1 or instance.ready.any():
        return None
    rest = [np.zeros_like(instance.cost[candidates(instance, task)]) for task in range(instance.tasks)]
    picks: dict[int, Ints] = {}
    order = in_order(instance)
    into = dict(zip(instance.target.tolist(), range(instance.edges), strict=True))
    for task in reversed(order):
        rest[task] = rest[task] + instance.seconds[candidates(instance, task)]
        if task in into:
            before = int(instance.source[into[task]])
            follows = between(instance, instance.move_seconds, into[task]) + rest[task]
            picks[task] = follows.argmin(axis=1)
            rest[before] = np.maximum(rest[before], follows.min(axis=1))
    choice = [int(each.argmin()) for each in rest]
    for task in order:
        if task in into:
            choice[task] = int(picks[task][choice[int(instance.source[into[task]])]])
    makespan = max(int(rest[task][choice[task]]) for task in range(instance.tasks) if task not in into)
    return makespan, choice


COMPETITOR = Competitor("dynamic programming", solve)

if __name__ == "__main__":
    run(COMPETITOR)
