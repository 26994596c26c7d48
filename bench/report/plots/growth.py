"""Growth plots: time above, memory below, one column an objective."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING

from bench.report.figure_text import RESOLUTION_S
from bench.report.growth import LEAST, Line, Point
from bench.report.plots.style import PAPER, SERIES, TIMES, WIDTH_IN, apart, bare, log_axis, styled, svg_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT_IN = 5.2
LABEL_GAP = 0.075
"""The least distance of two labels, as a share of the panel's height."""

TASKS = {10.0: "10", 100.0: "100", 1e3: "1,000", 1e4: "10,000"}
SIZES = {float(mib): f"{mib:,} MiB" for mib in (10, 30, 100, 300, 1_000, 3_000, 10_000)}


@dataclass(frozen=True, slots=True)
class Measure:
    """What a row of panels shows: its name, its ticks, and its figure of a point."""

    name: str
    ticks: Mapping[float, str]
    of: Callable[[Point], float]


MEASURES = (
    Measure("time to the proof", TIMES, lambda point: max(point.seconds, RESOLUTION_S)),
    Measure("peak memory", SIZES, lambda point: point.peak_mib),
)


def growth_svg(by_objective: Mapping[str, Sequence[Line]]) -> str:
    """Return the plot of one family. A hollow mark is a run that was stopped without a proof."""
    with styled():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN))
        panels = figure.subplots(len(MEASURES), len(by_objective), sharex=True, sharey="row", squeeze=False)
        for measure, row in zip(MEASURES, panels, strict=True):
            for axes, (objective, lines) in zip(row, by_objective.items(), strict=True):
                axes.set_title(f"{measure.name}, minimising {objective}")
                _draw(axes, measure, lines)
            everything = [line for lines in by_objective.values() for line in lines]
            _limit(row[0], measure, everything)
            for axes, lines in zip(row, by_objective.values(), strict=True):
                _label(axes, measure, lines)
        for axes in panels[-1]:
            axes.set_xlabel("tasks", loc="left")
        figure.subplots_adjust(left=0.115, right=0.915, top=0.95, bottom=0.085, wspace=0.3, hspace=0.24)
        return svg_of(figure)


def _draw(axes: Axes, measure: Measure, lines: Sequence[Line]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    bare(axes)
    for line in reversed(lines):
        points = _shown(line, measure)
        colour = SERIES[line.place % len(SERIES)]
        over = len(lines) - line.place
        axes.plot([p.tasks for p in points], [measure.of(p) for p in points], color=colour, zorder=over + 2)
        for stopped in (False, True):
            some = [point for point in points if point.stopped == stopped]
            axes.plot(
                [point.tasks for point in some],
                [measure.of(point) for point in some],
                linestyle="none",
                marker="o",
                color=colour,
                markerfacecolor=PAPER if stopped else colour,
                markeredgewidth=1.4,
                zorder=over + 2.5,
            )


def _limit(axes: Axes, measure: Measure, lines: Sequence[Line]) -> None:
    """Set the limits of a row of panels to whole ticks where there are figures."""
    values = [measure.of(point) for line in lines for point in _shown(line, measure)]
    tasks = [point.tasks for line in lines for point in line.points]
    low, high = min(values, default=1.0) * 0.6, max(values, default=10.0) * 1.4
    axes.set_ylim(low, high)
    axes.set_xlim(LEAST * 0.8, max([10 * LEAST, *tasks]) * 1.25)
    log_axis(axes.yaxis, {at: label for at, label in measure.ticks.items() if low <= at <= high})
    log_axis(axes.xaxis, {at: label for at, label in TASKS.items() if at <= max([100, *tasks])})


def _label(axes: Axes, measure: Measure, lines: Sequence[Line]) -> None:
    """Name each line beside its last point; where it ends early, on the side with more room.

    Labels of lines that end together are kept apart.
    """
    low, high = (log10(limit) for limit in axes.get_ylim())
    at: dict[int, dict[Line, float]] = {}
    for line in lines:
        for point in _shown(line, measure):
            at.setdefault(point.tasks, {})[line] = (log10(measure.of(point)) - low) / (high - low)
    for tasks, heights in at.items():
        ends = [line for line in heights if _shown(line, measure)[-1].tasks == tasks]
        places = apart([heights[line] for line in ends], LABEL_GAP)
        for line, place in zip(ends, places, strict=True):
            early = tasks < max(at)
            above, below = _room(heights[line], heights.values())
            axes.annotate(
                line.label,
                (tasks, place),
                xycoords=axes.get_xaxis_transform(),
                xytext=(-3, 9 if above >= below else -9) if early else (6, 0),
                textcoords="offset points",
                color=SERIES[line.place % len(SERIES)],
                verticalalignment="center",
                fontweight="bold" if not line.place else "normal",
                annotation_clip=False,
                zorder=20,
            )


def _room(height: float, others: Iterable[float]) -> tuple[float, float]:
    """Return how far the next line or the panel's edge is above and below, as shares of its height."""
    limits = [0.0, 1.0, *others]
    above = min((limit - height for limit in limits if limit > height), default=0)
    below = min((height - limit for limit in limits if limit < height), default=0)
    return above, below


def _shown(line: Line, measure: Measure) -> list[Point]:
    """Return the points that have a figure; of a process that was ended no memory is known."""
    return [point for point in line.points if measure.of(point) > 0]
