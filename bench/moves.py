"""Moves: what an edge's data costs or takes between all candidates of its two ends, as one matrix."""

from __future__ import annotations

import numpy as np

from bench.instance import Instance, Ints


def candidates(instance: Instance, task: int) -> slice:
    """Return where the candidates of ``task`` stand."""
    return slice(int(instance.start[task]), int(instance.start[task + 1]))


def between(instance: Instance, matrices: Ints, edge: int) -> Ints:
    """Return what ``edge`` pays by ``matrices``, by candidate of its source and of its target."""
    source = instance.place[candidates(instance, int(instance.source[edge]))]
    target = instance.place[candidates(instance, int(instance.target[edge]))]
    if instance.tariff[edge] < 0:
        return np.zeros((len(source), len(target)), dtype=np.int64)
    matrix = matrices[instance.tariff[edge]]
    priced = matrix[instance.zone[source][:, None], instance.zone[target]]
    return np.where(source[:, None] == target, 0, priced)


def in_order(instance: Instance) -> list[int]:
    """Return the tasks, each after its predecessors."""
    waits = np.bincount(instance.target, minlength=instance.tasks).tolist()
    order = [task for task in range(instance.tasks) if not waits[task]]
    followers: list[list[int]] = [[] for _ in range(instance.tasks)]
    for source, target in zip(instance.source.tolist(), instance.target.tolist(), strict=True):
        followers[source].append(target)
    for task in order:
        for follower in followers[task]:
            waits[follower] -= 1
            if not waits[follower]:
                order.append(follower)
    return order
