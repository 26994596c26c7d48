"""Variables: where the rules find each other's CP-SAT variables."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Variables:
    """Indices of CP-SAT variables, filled in by the rules as they are posted.

    ``chosen[t][k]``: task t takes candidate k. ``flow[e][a, b]``: edge e runs from zone a to zone b.
    ``within[e][p]``: both ends of e are at place p. ``edge_cost[e]`` and ``edge_seconds[e]`` are linear
    expressions of these. ``start[t]`` and ``makespan`` exist once the precedence rule is posted.
    """

    chosen: list[list[int]] = field(default_factory=list)
    flow: dict[int, dict[tuple[int, int], int]] = field(default_factory=dict)
    within: dict[int, dict[int, int]] = field(default_factory=dict)
    edge_cost: dict[int, dict[int, int]] = field(default_factory=dict)
    edge_seconds: dict[int, dict[int, int]] = field(default_factory=dict)
    start: list[int] = field(default_factory=list)
    makespan: int | None = None
