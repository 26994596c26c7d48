"""The mixed-integer program of an instance, as the arrays that MIP solvers take; numpy alone.

Columns: one binary a candidate, then continuous ones. Where an edge's price depends only on where the data
leaves from, two kinds of these say what it pays: ``leaves_place`` for each place of the source, which is 1 if
the target is elsewhere, and ``leaves_zone`` for each of its zones. Their relaxation is tight and small. Other
tariffs take a ``flow`` from each zone of the source to each of the target, and ``within`` each shared place,
which gives back what the flow within a zone charged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.instance import Instance, Ints

Floats: TypeAlias = npt.NDArray[np.float64]

INFINITE = float("inf")


@dataclass(frozen=True, slots=True, eq=False)
class Mip:
    """Minimise ``objective`` over columns from 0 to ``upper``, with rows within their bounds.

    The entries of row ``r`` are ``start[r]`` to ``start[r + 1]`` of ``index`` and ``value``. The first
    ``binaries`` columns are binary, candidate by candidate; the others are continuous.
    """

    binaries: int
    objective: Floats
    upper: Floats
    start: npt.NDArray[np.int32]
    index: npt.NDArray[np.int32]
    value: Floats
    row_lower: Floats
    row_upper: Floats

    def choice(self, columns: Floats, instance: Instance) -> list[int]:
        """Return the candidate of each task that has the largest value."""
        ends = zip(instance.start[:-1].tolist(), instance.start[1:].tolist(), strict=True)
        return [int(columns[first:last].argmax()) for first, last in ends]


@dataclass(slots=True)
class _Rows:
    """Columns and rows as they are added: entries as (row, column, value), joined in the end."""

    columns: int
    rows: int = 0
    objective: list[Floats] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)
    entries: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)
    row_lower: list[Floats] = field(default_factory=list)
    row_upper: list[Floats] = field(default_factory=list)

    def add_columns(self, objective: Floats, upper: float) -> int:
        """Add columns from 0 to ``upper``; return the first one."""
        first = self.columns
        self.columns += len(objective)
        self.objective.append(objective)
        self.upper.append(np.full(len(objective), upper))
        return first

    def add_rows(self, count: int, lower: float, upper: float) -> int:
        """Add empty rows; return the first one."""
        first = self.rows
        self.rows += count
        self.row_lower.append(np.full(count, lower))
        self.row_upper.append(np.full(count, upper))
        return first

    def put(self, rows: Ints, columns: Ints, values: Floats | float) -> None:
        """Add entries."""
        self.entries.append((rows, columns, np.broadcast_to(np.asarray(values, dtype=float), rows.shape)))

    def joined(self, binaries: int) -> Mip:
        """Return the program, its entries in order of their rows."""
        rows, columns, values = (np.concatenate(parts) for parts in zip(*self.entries, strict=True))
        order = np.argsort(rows, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=self.rows))])
        return Mip(
            binaries=binaries,
            objective=np.concatenate(self.objective),
            upper=np.concatenate(self.upper),
            start=start.astype(np.int32),
            index=columns[order].astype(np.int32),
            value=values[order],
            row_lower=np.concatenate(self.row_lower),
            row_upper=np.concatenate(self.row_upper),
        )


def program_of(instance: Instance, *, time: bool) -> Mip:
    """Return the program that minimises the makespan if ``time``, else the cost."""
    count = len(instance.cost)
    program = _Rows(columns=0)
    program.add_columns(np.zeros(count) if time else instance.cost.astype(float), 1.0)
    task = np.repeat(np.arange(instance.tasks), np.diff(instance.start))
    program.add_rows(instance.tasks, 1.0, 1.0)
    program.put(task, np.arange(count), 1.0)
    waits = _transfers(program, instance, instance.move_seconds if time else instance.move_cost, time=time)
    if time:
        _precedence(program, instance, task, waits)
    return program.joined(count)


Charges: TypeAlias = tuple[Ints, Ints, Floats]
"""What edges pay or wait: (edge, column, value a unit of the column)."""


def _transfers(program: _Rows, instance: Instance, matrices: Ints, *, time: bool) -> list[Charges]:
    """Add the columns and rows of every edge that moves anything; return what each edge is charged."""
    moving = np.flatnonzero(instance.tariff >= 0)
    moving = moving[matrices[instance.tariff[moving]].any(axis=(1, 2))]
    tariff = matrices[instance.tariff[moving]]
    by_source = _depends_on_source(tariff)
    charges = []
    for form, edges in ((_by_source, moving[by_source]), (_by_flow, moving[~by_source])):
        if len(edges):
            charges += form(program, instance, edges, matrices[instance.tariff[edges]], time)
    return charges


def _depends_on_source(tariff: Ints) -> npt.NDArray[np.bool_]:
    """Return for which edges each row is one price outside the diagonal, and no less than on it."""
    zones = tariff.shape[1]
    if zones == 1:
        return np.ones(len(tariff), dtype=bool)
    inside = np.eye(zones, dtype=bool)
    least = np.where(inside, tariff.max(initial=0), tariff).min(axis=2)
    most = np.where(inside, 0, tariff).max(axis=2)
    diagonal = np.diagonal(tariff, axis1=1, axis2=2)
    found: npt.NDArray[np.bool_] = ((least == most) & (most >= diagonal)).all(axis=1)
    return found


def _by_source(program: _Rows, instance: Instance, edges: Ints, tariff: Ints, time: bool) -> list[Charges]:
    """Charge the zone's own price for leaving the place, and the rest for leaving the zone."""
    zones = tariff.shape[1]
    within = np.diagonal(tariff, axis1=1, axis2=2)
    out = np.where(np.eye(zones, dtype=bool), 0, tariff).max(axis=2)
    extra = out - within if zones > 1 else np.zeros_like(within)
    places = instance.places
    at_place = _Ends(instance, edges, instance.place, places)
    at_zone = _Ends(instance, edges, instance.zone[instance.place], zones)
    charges = []
    for ends, price in ((at_place, within[:, instance.zone]), (at_zone, extra)):
        used = np.flatnonzero(ends.at_source & (price.reshape(-1) > 0))
        paid = price.reshape(-1)[used].astype(float)
        column = program.add_columns(np.zeros(len(used)) if time else paid, 1.0)
        row = program.add_rows(len(used), 0.0, INFINITE)
        each = np.arange(len(used))
        program.put(row + each, column + each, 1.0)
        ends.put(program, used, row, source=-1.0, target=1.0)
        charges.append((edges[used // ends.width], column + each, paid))
    return charges


def _by_flow(program: _Rows, instance: Instance, edges: Ints, tariff: Ints, time: bool) -> list[Charges]:
    """Send one unit from the source's zone to the target's; give back what one place need not pay."""
    zones, places = tariff.shape[1], instance.places
    at_zone = _Ends(instance, edges, instance.zone[instance.place], zones)
    at_place = _Ends(instance, edges, instance.place, places)
    from_zone, to_zone = at_zone.at_source.reshape(-1, zones), at_zone.at_target.reshape(-1, zones)
    edge, a, b = np.nonzero(from_zone[:, :, None] & to_zone[:, None, :])
    flow_price = tariff[edge, a, b].astype(float)
    flow = program.add_columns(np.zeros(len(edge)) if time else flow_price, 1.0)
    flows = flow + np.arange(len(edge))
    for zone, side, sign in ((a, at_zone.at_source, (-1.0, 0.0)), (b, at_zone.at_target, (0.0, -1.0))):
        used = np.flatnonzero(side)
        row = program.add_rows(len(used), 0.0, 0.0)
        program.put(row + np.searchsorted(used, edge * zones + zone), flows, 1.0)
        at_zone.put(program, used, row, source=sign[0], target=sign[1])
    own = tariff[:, instance.zone, instance.zone].reshape(-1)
    used = np.flatnonzero(at_place.at_source & at_place.at_target & (own > 0))
    each = np.arange(len(used))
    back = -own[used].astype(float)
    within = program.add_columns(np.zeros(len(used)) if time else back, 1.0)
    for sign in ((-1.0, 0.0), (0.0, -1.0)):
        row = program.add_rows(len(used), -INFINITE, 0.0)
        program.put(row + each, within + each, 1.0)
        at_place.put(program, used, row, source=sign[0], target=sign[1])
    diagonal = a == b
    inside = edge[diagonal] * zones + a[diagonal]
    row = program.add_rows(len(inside), -INFINITE, 0.0)
    program.put(row + np.arange(len(inside)), flows[diagonal], -1.0)
    zone_of = used // places * zones + instance.zone[used % places]
    program.put(row + np.searchsorted(inside, zone_of), within + each, 1.0)
    return [(edges[edge], flows, flow_price), (edges[used // places], within + each, back)]


class _Ends:
    """The candidates at the two ends of edges, by position: ``edge * width + group``."""

    def __init__(self, instance: Instance, edges: Ints, group: Ints, width: int) -> None:
        self.width = width
        self.source = _positions(instance, instance.source[edges], group, width)
        self.target = _positions(instance, instance.target[edges], group, width)
        self.at_source = np.bincount(self.source[0], minlength=len(edges) * width) > 0
        self.at_target = np.bincount(self.target[0], minlength=len(edges) * width) > 0

    def put(self, program: _Rows, used: Ints, row: int, *, source: float, target: float) -> None:
        """Add the candidates at the positions ``used``, which have the rows from ``row`` on."""
        for (position, candidate), value in ((self.source, source), (self.target, target)):
            if value and len(used):
                at = np.minimum(np.searchsorted(used, position), len(used) - 1)
                hit = used[at] == position
                program.put(row + at[hit], candidate[hit], value)


def _positions(instance: Instance, tasks: Ints, group: Ints, width: int) -> tuple[Ints, Ints]:
    """Return the position and the candidate of every candidate of ``tasks``, one task an edge."""
    edge, candidate = _candidates(instance, tasks)
    return edge * width + group[candidate], candidate


def _candidates(instance: Instance, tasks: Ints) -> tuple[Ints, Ints]:
    """Return, for each candidate of each of ``tasks``, the position in ``tasks`` and the candidate."""
    first, count = instance.start[tasks], np.diff(instance.start)[tasks]
    at = np.repeat(np.arange(len(tasks)), count)
    candidate = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return at, candidate


def _precedence(program: _Rows, instance: Instance, task: Ints, waits: list[Charges]) -> None:
    """Add when each task ends, and the makespan, which alone is minimised."""
    end = program.add_columns(np.zeros(instance.tasks), INFINITE)
    makespan = program.add_columns(np.ones(1), INFINITE)
    row = program.add_rows(instance.tasks, 0.0, INFINITE)
    program.put(row + np.arange(instance.tasks), end + np.arange(instance.tasks), 1.0)
    program.put(row + task, np.arange(len(task)), -(instance.ready + instance.seconds).astype(float))

    every = np.arange(instance.edges)
    row = program.add_rows(instance.edges, 0.0, INFINITE)
    program.put(row + every, end + instance.target, 1.0)
    program.put(row + every, end + instance.source, -1.0)
    at, candidate = _candidates(instance, instance.target)
    program.put(row + at, candidate, -instance.seconds[candidate].astype(float))
    for edge, column, seconds in waits:
        program.put(row + edge, column, -seconds)

    last = np.setdiff1d(np.arange(instance.tasks), instance.source)
    row = program.add_rows(len(last), 0.0, INFINITE)
    program.put(row + np.arange(len(last)), np.full(len(last), makespan), 1.0)
    program.put(row + np.arange(len(last)), end + last, -1.0)
